/** Numbers at the edge of the database: checked before they are bound, converted exactly when they are read. */
import { SallyportError } from '../core/errors.ts';

/** `value` as it may be bound. Throws `input.invalid` unless it is a whole number in 0..2^53-1 (NaN would be stored as NULL). */
export function whole(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new SallyportError(
    'input.invalid',
    'A count or time to be stored must be a whole number of at least 0.',
    {
      detail: `got ${value}`,
    },
  );
}

/** `value` to compare a stored integer with. Throws `input.invalid` like `whole()`. */
export function wholeBigint(value: number): bigint {
  return BigInt(whole(value));
}

/** `value` as it may be bound to a column of floating point numbers. Throws `input.invalid` unless finite and at least 0. */
export function duration(value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new SallyportError('input.invalid', 'A duration to be stored must be a number of at least 0.', {
    detail: `got ${value}`,
  });
}

/** A stored integer as a number. Throws `store.unavailable` beyond 2^53-1: no store of ours wrote that. */
export function toNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new SallyportError('store.unavailable', 'The database holds a number that Sallyport never writes.', {
    detail: `${value} is beyond 2^53-1`,
  });
}
