import { describe, expect, test } from 'bun:test';
import { SallyportError } from '../core/errors.ts';
import { duration, integer, integerOrNone, list, pastTime, shown, signedUsd, usd } from './args.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

describe('durations', () => {
  test('are a number and a unit', () => {
    expect(['90s', '15m', '12h', '30d'].map((text) => duration('--expires', text))).toEqual([
      90_000, 900_000, 43_200_000, 2_592_000_000,
    ]);
  });

  test.each(['', '15', 'm', '0m', '1.5h', '-1h', '15M', '1w', '15m ', '99999d', '1e3s'])(
    '%p is none',
    (text) => {
      expect(() => duration('--expires', text)).toThrow(SallyportError);
    },
  );
});

describe('times', () => {
  test('are ISO, or that long ago', () => {
    expect(pastTime('--since', '1h', NOW)).toBe('2026-11-21T11:00:00.000Z');
    expect(pastTime('--since', '2026-11-01', NOW)).toBe('2026-11-01T00:00:00.000Z');
    expect(pastTime('--since', '2026-11-01T10:00:00+02:00', NOW)).toBe('2026-11-01T08:00:00.000Z');
  });

  test.each(['yesterday', '2026', '1', '2026-13-01', '11/21/2026'])('%p is none', (text) => {
    expect(() => pastTime('--since', text, NOW)).toThrow(SallyportError);
  });
});

describe('amounts', () => {
  test('are exact', () => {
    expect(usd('--limit-usd', '0.000000000001') as bigint).toBe(1n);
    expect(usd('--limit-usd', '9007.199254740993') as bigint).toBe(9_007_199_254_740_993n);
    expect(signedUsd('--delta-usd', '-1.25')).toBe(-1_250_000_000_000n);
    expect(signedUsd('--delta-usd', '+0.5')).toBe(500_000_000_000n);
  });

  test.each(['0', '-1', '1e3', '1,5', '$5', '.5', '5.', '0.0000000000001', 'NaN', ' 5'])(
    '%p is none',
    (text) => {
      expect(() => usd('--limit-usd', text)).toThrow(SallyportError);
    },
  );
});

test('whole numbers are digits only, within their range', () => {
  expect(integer('--rpm', '120', 0, 1000)).toBe(120);
  expect(integerOrNone('--rpm', 'none', 0, 1000)).toBeNull();
  for (const text of ['', '-1', '1.0', '0x10', '1001', '1e2', ' 1']) {
    expect(() => integer('--rpm', text, 0, 1000)).toThrow(SallyportError);
  }
});

test('a list has no empty parts', () => {
  expect(list('a, b,,c ')).toEqual(['a', 'b', 'c']);
});

test('what may be a credential is not shown', () => {
  expect(shown('15 minutes')).toBe('"15 minutes"');
  const key = ['g', 'sk_', 'Fixture0123456789'].join('');
  for (const text of [key, 'x'.repeat(25), 'a\u001b[31mb', 'x'.repeat(50)])
    expect(shown(text)).toBe('the value');
});
