import { expect, test } from 'bun:test';
import { asSallyportError, describe, SallyportError } from './errors.ts';

test('what we did not throw ourselves tells the caller nothing', () => {
  const error = asSallyportError(new Error('password is x'));
  expect(error.code).toBe('gateway.internal');
  expect(`${error.message} ${error.fix}`).not.toContain('password');
  expect(error.detail).toBe('Error: password is x');
  expect(asSallyportError('text').detail).toBe('string');
  expect(asSallyportError(undefined).code).toBe('gateway.internal');
});

test('an error of ours stays itself', () => {
  const error = new SallyportError('limit.rate', 'slow down', { retryAfterSeconds: 3 });
  expect(asSallyportError(error)).toBe(error);
  expect(error).toMatchObject({ retryable: false, retryAfterSeconds: 3, name: 'SallyportError' });
});

test('the log sees the detail', () => {
  expect(describe(new SallyportError('not_found', 'gone', { detail: 'row 3' }))).toBe('gone (row 3)');
  expect(describe(new SallyportError('not_found', 'gone'))).toBe('gone');
  expect(describe(new RangeError('x'))).toBe('x');
  expect(describe(7)).toBe('7');
});
