import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { PERIODS, comparePeriods, periodKey, periodSpan, periodStartMs } from './period.ts';
import { checkZone } from './zone.ts';

const HOUR = 3_600_000;
const at = Date.parse;
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Cairo',
  'Pacific/Apia',
  'America/St_Johns',
  'Asia/Kathmandu',
];

test('keys name the day, the week, the month, or all time', () => {
  const time = at('2026-11-21T23:59:59.999Z');
  const keys = ['2026-11-21', '2026-W47', '2026-11', 'total'];
  expect(PERIODS.map((period) => periodKey(period, time))).toEqual(keys);
  expect(periodKey('day', time + 1)).toBe('2026-11-22');
  expect(periodKey('day', time, 'Europe/Berlin')).toBe('2026-11-22');
  expect(periodKey('day', time, 'America/New_York')).toBe('2026-11-21');
  expect(periodStartMs('month', time)).toBe(at('2026-11-01T00:00:00Z'));
  expect(periodStartMs('month', time, 'Europe/Berlin')).toBe(at('2026-10-31T23:00:00Z'));
  expect(periodStartMs('total', time, 'Europe/Berlin')).toBe(0);
});

test('years end, leap days exist, and a week belongs to the year of its Thursday', () => {
  expect(periodSpan('2026-12').endMs).toBe(at('2027-01-01T00:00:00Z'));
  expect(periodSpan('2028-02-29').endMs).toBe(at('2028-03-01T00:00:00Z'));
  expect(periodSpan('total').endMs).toBe(Number.POSITIVE_INFINITY);
  expect(periodKey('week', at('2027-01-03T23:00:00Z'))).toBe('2026-W53');
  expect(periodKey('week', at('2027-01-04T00:00:00Z'))).toBe('2027-W01');
  expect(periodKey('week', at('2024-12-30T00:00:00Z'))).toBe('2025-W01');
  expect(periodSpan('2026-W53')).toEqual({ startMs: at('2026-12-28'), endMs: at('2027-01-04') });
});

test.each([
  ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00Z', 23],
  ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00Z', 25],
  ['America/New_York', '2026-03-08', '2026-03-08T05:00:00Z', 23],
  ['America/New_York', '2026-11-01', '2026-11-01T04:00:00Z', 25],
  ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00Z', 24.5],
  ['Australia/Lord_Howe', '2026-10-04', '2026-10-03T13:30:00Z', 23.5],
  // Midnight itself is skipped: the day begins at 01:00.
  ['America/Santiago', '2026-09-06', '2026-09-06T04:00:00Z', 23],
  // Clocks go back from 24:00 to 23:00: that day has 25 hours.
  ['America/Santiago', '2026-04-04', '2026-04-04T03:00:00Z', 25],
  // Clocks went back at 00:01, so a minute of the new day came twice: it began with the first.
  ['America/St_Johns', '2009-11-01', '2009-11-01T02:30:00Z', 25],
  // The zone crossed the date line and had no such day.
  ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00Z', 0],
  ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00Z', 24],
])('in %s the day %s begins at %s and has %d hours', (zone, day, start, hours) => {
  const { startMs, endMs } = periodSpan(day, zone);
  expect(new Date(startMs)).toEqual(new Date(start));
  expect((endMs - startMs) / HOUR).toBe(hours);
});

test('weeks and months have the hours that their days have', () => {
  const hours = (key: string, zone: string) => {
    const { startMs, endMs } = periodSpan(key, zone);
    return (endMs - startMs) / HOUR;
  };
  expect(hours('2026-W13', 'Europe/Berlin')).toBe(7 * 24 - 1);
  expect(hours('2026-10', 'Europe/Berlin')).toBe(31 * 24 + 1);
  expect(hours('2026-03', 'America/New_York')).toBe(31 * 24 - 1);
  expect(hours('2026-04', 'Australia/Lord_Howe')).toBe(30 * 24 + 0.5);
});

test('every time lies in its own period, the next one starts where it ends, and keys sort by time', () => {
  const anywhere = fc.integer({ min: at('1971-01-01'), max: at('2199-12-31') });
  const nearChange = fc
    .tuple(
      fc.constantFrom('2026-03-29', '2026-10-25', '2009-11-01', '2011-12-30', '2026-09-06', '2026-04-05'),
      fc.integer({ min: -48 * HOUR, max: 48 * HOUR }),
    )
    .map(([day, shift]) => at(day) + shift);
  const time = fc.oneof(anywhere, nearChange);
  const kinds = fc.constantFrom(...PERIODS);
  const run = fc.property(kinds, fc.constantFrom(...ZONES), time, time, (period, zone, a, b) => {
    const key = periodKey(period, a, zone);
    const { startMs, endMs } = periodSpan(key, zone);
    expect(startMs <= a && a < endMs).toBe(true);
    expect(periodKey(period, startMs, zone)).toBe(key);
    if (Number.isFinite(endMs)) {
      const next = periodKey(period, endMs, zone);
      expect(comparePeriods(key, next)).toBe(-1);
      expect(periodSpan(next, zone).startMs).toBe(endMs);
    }
    const order = comparePeriods(key, periodKey(period, b, zone));
    expect(order === 0 || order < 0 === a < b).toBe(true);
  });
  fc.assert(run, { numRuns: 3000 });
});

test('a zone is a name that Intl knows; offsets and anything else are refused', () => {
  expect(checkZone('UTC')).toBe('UTC');
  expect(checkZone('europe/berlin')).toBe('Europe/Berlin');
  for (const bad of ['', 'Mars/Olympus', '+02:00', 'x'.repeat(100), 'Europe/Berlin ']) {
    expect(() => checkZone(bad)).toThrow(expect.objectContaining({ code: 'input.invalid' }));
  }
});
