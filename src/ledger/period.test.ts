import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { PERIODS, comparePeriods, periodKey, periodSpan, periodStartMs } from './period.ts';

test('keys name the UTC day, the month, or all time', () => {
  const at = Date.parse('2026-11-21T23:59:59.999Z');
  expect(PERIODS.map((period) => periodKey(period, at))).toEqual(['2026-11-21', '2026-11', 'total']);
  expect(periodKey('day', at + 1)).toBe('2026-11-22');
  expect(periodStartMs('month', at)).toBe(Date.parse('2026-11-01T00:00:00Z'));
  expect(periodStartMs('total', at)).toBe(0);
});

test('years end and leap days exist', () => {
  expect(periodSpan('2026-12').endMs).toBe(Date.parse('2027-01-01T00:00:00Z'));
  expect(periodSpan('2028-02-29').endMs).toBe(Date.parse('2028-03-01T00:00:00Z'));
  expect(periodSpan('total').endMs).toBe(Number.POSITIVE_INFINITY);
});

test('every time lies in its own period, the next one starts where it ends, and keys sort by time', () => {
  const time = fc.integer({ min: Date.parse('1970-01-01'), max: Date.parse('2999-12-31') });
  const run = fc.property(fc.constantFrom(...PERIODS), time, time, (period, a, b) => {
    const key = periodKey(period, a);
    const { startMs, endMs } = periodSpan(key);
    expect(startMs <= a && a < endMs).toBe(true);
    expect(periodKey(period, startMs)).toBe(key);
    if (Number.isFinite(endMs)) expect(comparePeriods(key, periodKey(period, endMs))).toBe(-1);
    const order = comparePeriods(key, periodKey(period, b));
    expect(order === 0 || order < 0 === a < b).toBe(true);
  });
  fc.assert(run, { numRuns: 1000 });
});
