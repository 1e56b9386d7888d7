import { expect, test } from 'bun:test';
import { acceptedLimits, goDuration } from './limits.ts';

test.each([
  [0, '0s'],
  [120, '120ms'],
  [172.8, '172.8ms'],
  [7660, '7.66s'],
  [60_000, '1m0s'],
  [179_560, '2m59.56s'],
  [1_033_344, '17m13.344s'],
  [3_723_000, '1h2m3s'],
])('%p ms reads as the Go duration %s', (ms, text) => {
  expect(goDuration(ms)).toBe(text);
});

test('an accepted call is deducted from the minute window', () => {
  expect(acceptedLimits(1000)).toMatchObject({
    'x-ratelimit-remaining-tokens': '249000',
    'x-ratelimit-reset-tokens': '240ms',
  });
});
