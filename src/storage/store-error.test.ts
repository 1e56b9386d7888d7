import { describe, expect, test } from 'bun:test';
import { SallyportError } from '../core/errors.ts';
import { storeError } from './store-error.ts';
import { duration, toNumber, whole } from './values.ts';

const withCode = (code: string): Error => Object.assign(new Error('text for the log'), { code });

describe('storeError', () => {
  test.each([
    ['SQLITE_FULL', true],
    ['SQLITE_BUSY_SNAPSHOT', true],
    ['SQLITE_IOERR_WRITE', true],
    ['SQLITE_CORRUPT_INDEX', false],
    ['SQLITE_NOTADB', false],
    ['SQLITE_CONSTRAINT_CHECK', false],
    ['SQLITE_SOMETHING_NEW', false],
    ['EACCES', false],
  ])('%s keeps its text for the log and out of the message', (code, retryable) => {
    const error = storeError(withCode(code));
    expect(error).toMatchObject({
      code: 'store.unavailable',
      retryable,
      detail: `${code}: text for the log`,
    });
    expect(error.message).not.toContain('text for the log');
  });

  test('an error of ours stays what it is', () => {
    const error = new SallyportError('conflict', 'taken');
    expect(storeError(error)).toBe(error);
  });

  test('whatever else is thrown is a failure of the store too', () => {
    expect(storeError(new TypeError('text')).detail).toBe('text');
    expect(storeError('text').detail).toBe('string');
  });
});

describe('numbers at the edge', () => {
  test.each([-1, 0.5, 2 ** 53, Number.NaN, Infinity])('%d is not bound as a whole number', (value) => {
    expect(() => whole(value)).toThrow(SallyportError);
  });

  test.each([-0.1, Number.NaN, Infinity])('%d is not bound as a duration', (value) => {
    expect(() => duration(value)).toThrow(SallyportError);
  });

  test('a stored integer that a number cannot hold is an error, not another number', () => {
    expect(toNumber(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => toNumber(2n ** 53n)).toThrow(SallyportError);
  });
});
