import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { refusalOf } from '../../test/support/refusal.ts';
import { formatUsd, MAX_BUDGET, parseUsd, PICO_PER_USD, picoUsd, subtract } from './money.ts';

const INT64_MAX = 2n ** 63n - 1n;
const amounts = fc.bigInt({ min: 0n, max: INT64_MAX });

test('every amount survives being written and read', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      expect(parseUsd(formatUsd(amount))).toBe(picoUsd(amount));
    }),
  );
});

test('an amount is written with two decimals at least, and no zero more than it needs', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      expect(formatUsd(amount)).toMatch(/^\d+\.(?:\d\d|\d{2,11}[1-9])$/);
    }),
  );
  expect(formatUsd(PICO_PER_USD / 2n)).toBe('0.50');
  expect(formatUsd(37_500_000n)).toBe('0.0000375');
  expect(formatUsd(0n)).toBe('0.00');
  expect(formatUsd(-1n)).toBe('-0.000000000001');
  expect(formatUsd(INT64_MAX)).toBe('9223372.036854775807');
});

test.each(['0', '0.5', '0.50', '250', '007', ' 1.25 ', '9223372.036854775807', '0.000000000001'])(
  '%p is read exactly',
  (text) => {
    const [whole = '', fraction = ''] = text.trim().split('.');
    expect(parseUsd(text)).toBe(picoUsd(BigInt(whole) * PICO_PER_USD + BigInt(fraction.padEnd(12, '0'))));
  },
);

test.each([
  '',
  ' ',
  '-1',
  '+1',
  '1e3',
  '1,000',
  '.5',
  '5.',
  '1.0000000000001',
  '12345678',
  '0x10',
  'NaN',
  '$5',
  '1 2',
  '1\n2',
  '٣',
  '9223372.036854775808',
  '9999999',
])('%p is no amount, and the error says what to write', (text) => {
  const error = refusalOf(() => parseUsd(text));
  expect(error.code).toBe('input.invalid');
  expect(error.fix).toBeString();
});

test('no amount leaves 0..2^63-1, however it is made', () => {
  expect(picoUsd(0n)).toBe(picoUsd(INT64_MAX - INT64_MAX));
  for (const make of [() => picoUsd(-1n), () => picoUsd(INT64_MAX + 1n)]) {
    expect(refusalOf(make)).toMatchObject({ code: 'input.invalid', fix: expect.any(String) });
  }
  expect(subtract(picoUsd(1n), picoUsd(5n))).toBe(picoUsd(0n));
  expect(subtract(picoUsd(5n), picoUsd(1n))).toBe(picoUsd(4n));
});

test('the largest budgets of a whole path add up inside int64', () => {
  expect(MAX_BUDGET * 9n).toBeLessThanOrEqual(INT64_MAX);
});
