import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { WINDOW_MS } from './rates.ts';
import { type SettleTokens, TokenRates } from './token-rates.ts';

function setUp(limits: Record<string, number>) {
  const clock = { nowMs: 1000.25, monotonicMs: () => clock.nowMs };
  const rates = new TokenRates(clock);
  for (const [subject, limit] of Object.entries(limits)) rates.setLimit(subject, limit);
  return { clock, rates };
}

test('in any 60 s, what ended calls used and running ones may use is within the limit, and no call is refused without need', () => {
  const step = fc.oneof(
    fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.constantFrom(0, WINDOW_MS - 1, WINDOW_MS)),
      tokens: fc.integer({ min: 1, max: 130 }),
    }),
    fc.record({ settle: fc.nat(1000), used: fc.integer({ min: 0, max: 150 }) }),
  );
  const run = fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
    const { clock, rates } = setUp({ 'team:a': 100 });
    const calls: { at: number; tokens: number; settle: SettleTokens }[] = [];
    for (const given of steps) {
      if ('settle' in given) {
        const call = calls[given.settle % Math.max(1, calls.length)];
        if (!call) continue;
        call.settle(given.used);
        call.tokens = given.used;
        continue;
      }
      clock.nowMs += given.wait;
      const counted = calls
        .filter(({ at }) => clock.nowMs - at < WINDOW_MS)
        .reduce((sum, { tokens }) => sum + tokens, 0);
      expect(rates.tightest(['team:a'])?.remaining).toBe(Math.max(0, 100 - counted));
      const refused = rates.refusal(['team:a'], given.tokens);
      if (given.tokens > 100) expect(refused).toMatchObject({ code: 'limit.too_large', retryable: false });
      else if (counted + given.tokens > 100) expect(refused?.code).toBe('limit.tokens');
      else expect(refused).toBeNull();
      if (refused === null)
        calls.push({ at: clock.nowMs, tokens: given.tokens, settle: rates.take(['team:a'], given.tokens) });
      if (given.wait > 15_000) rates.sweep();
    }
  });
  fc.assert(run, { numRuns: 500 });
});

test('a refused caller that waits as told is admitted, and is not told to wait longer than needed', () => {
  const { clock, rates } = setUp({ 'token:t': 100 });
  for (const tokens of [30, 30, 40]) {
    rates.take(['token:t'], tokens);
    clock.nowMs += 10_000;
  }
  // 30 leave after 30 s more, 60 after 40 s.
  expect(rates.refusal(['token:t'], 30)?.retryAfterSeconds).toBe(30);
  expect(rates.refusal(['token:t'], 31)?.retryAfterSeconds).toBe(40);
  clock.nowMs += 30_000;
  expect(rates.refusal(['token:t'], 30)).toBeNull();
});

test('a request larger than its whole window is never let in, so nobody is told to wait', () => {
  const { rates } = setUp({ 'team:a': 1000, 'token:t': 50 });
  const refused = rates.refusal(['token:t', 'team:a'], 51);
  expect(refused).toMatchObject({ code: 'limit.too_large', retryable: false, retryAfterSeconds: undefined });
  expect(refused?.message).toContain('token:t');
  expect(setUp({ 'token:t': 0 }).rates.refusal(['token:t'], 1)?.message).toContain('switched off');
});

test('a lowered limit counts what was admitted before; none counts nothing; a call that uses no tokens passes', () => {
  const { rates } = setUp({ 'team:a': 100 });
  rates.take(['team:a'], 80);
  rates.setLimit('team:a', 50);
  expect(rates.refusal(['team:a'], 1)?.code).toBe('limit.tokens');
  expect(rates.refusal(['team:a'], 0)).toBeNull();
  rates.setLimit('team:a', null);
  expect(rates.refusal(['team:a'], 1_000_000)).toBeNull();
  expect(rates.tightest(['team:a'])).toBeNull();
  rates.take(['team:a'], 5)(3);
});

test('an entry that has left the window is corrected no more', () => {
  const { clock, rates } = setUp({ 'team:a': 100 });
  const settle = rates.take(['team:a'], 90);
  clock.nowMs += WINDOW_MS;
  rates.take(['team:a'], 10);
  settle(0);
  expect(rates.tightest(['team:a'])).toEqual({
    subject: 'team:a',
    limit: 100,
    remaining: 90,
    resetMs: WINDOW_MS,
  });
});
