/**
 * Money is an integer number of pico-USD (1e-12 USD) in a branded bigint: $0.0375 per million tokens is exactly 37,500 a token.
 * No float ever holds an amount: 2^53 pico-USD is only $9,007.
 */
import { SallyportError } from './errors.ts';

declare const unit: unique symbol;
export type PicoUsd = bigint & { readonly [unit]: 'picoUsd' };

export const PICO_PER_USD = 1_000_000_000_000n;
const INT64_MAX = 2n ** 63n - 1n;

/** Brands a bigint as an amount. Throws `input.invalid` outside 0..2^63-1, the range that every store keeps exactly. */
export function picoUsd(value: bigint): PicoUsd {
  if (value < 0n || value > INT64_MAX) {
    throw new SallyportError('input.invalid', 'An amount of money must lie between 0 and 9,223,372 USD.', {
      fix: 'Use a smaller amount; a single budget is at most 1,000,000 USD.',
    });
  }
  return value as PicoUsd;
}

export const ZERO_USD = 0n as PicoUsd;

/** The largest limit a single budget may have: keeps the sum of a whole path inside int64. */
export const MAX_BUDGET = picoUsd(1_000_000n * PICO_PER_USD);

/** a - b, never below zero. */
export function subtract(a: PicoUsd, b: PicoUsd): PicoUsd {
  return (a > b ? a - b : 0n) as PicoUsd;
}

/** Parses a decimal number of dollars, such as `0.50`, exactly. Throws `input.invalid` for anything else, or more than 12 decimals. */
export function parseUsd(text: string): PicoUsd {
  const match = /^(\d{1,7})(?:\.(\d{1,12}))?$/.exec(text.trim());
  if (!match) {
    throw new SallyportError('input.invalid', `"${text.slice(0, 32)}" is not an amount in USD.`, {
      fix: 'Write a plain decimal number of dollars, for example 0.50 or 250.',
    });
  }
  return picoUsd(BigInt(match[1] ?? '0') * PICO_PER_USD + BigInt((match[2] ?? '').padEnd(12, '0')));
}

/** Dollars with at least two decimals and no more digits than the amount has: `0.50`, `0.0000375`. */
export function formatUsd(amount: bigint): string {
  const sign = amount < 0n ? '-' : '';
  const absolute = amount < 0n ? -amount : amount;
  const fraction = (absolute % PICO_PER_USD)
    .toString()
    .padStart(12, '0')
    .replace(/0{1,10}$/, '');
  return `${sign}${absolute / PICO_PER_USD}.${fraction}`;
}
