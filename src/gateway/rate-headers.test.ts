import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { goDuration, rateHeaders } from './rate-headers.ts';

test.each([
  [0, '0ms'],
  [-5, '0ms'],
  [0.2, '1ms'],
  [120, '120ms'],
  [999.5, '1s'],
  [7660, '7.66s'],
  [59_999.1, '1m0s'],
  [179_560, '2m59.56s'],
  [7_200_000, '2h0m0s'],
  [3_723_500, '1h2m3.5s'],
])('%p ms is written %s', (ms, text) => {
  expect(goDuration(ms)).toBe(text);
});

test('a duration reads back to the millisecond, never shorter than it is', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e8, noNaN: true }), (ms) => {
      const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:(\d+)ms)?$/.exec(goDuration(ms));
      const [, hours = '0', minutes = '0', seconds = '0', millis = '0'] = match!;
      const read =
        (Number(hours) * 60 + Number(minutes)) * 60_000 + Math.round(Number(seconds) * 1000) + Number(millis);
      expect(read).toBe(Math.ceil(ms));
    }),
  );
});

test('only a token that has a limit gets the headers', () => {
  expect(rateHeaders({ requests: null, tokens: null })).toEqual({});
  expect(
    rateHeaders({ requests: { subject: 'token:t', limit: 30, remaining: 29, resetMs: 2000 }, tokens: null }),
  ).toEqual({
    'x-ratelimit-limit-requests': '30',
    'x-ratelimit-remaining-requests': '29',
    'x-ratelimit-reset-requests': '2s',
  });
});
