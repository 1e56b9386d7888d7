import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { SallyportError } from '../core/errors.ts';
import { RateLimits, type SubjectLimits, WINDOW_MS } from './rates.ts';

function setUp(limits: Record<string, Partial<SubjectLimits>>) {
  const clock = { nowMs: 1000.25, monotonicMs: () => clock.nowMs };
  const rates = new RateLimits(clock);
  for (const [subject, limit] of Object.entries(limits)) {
    rates.setSubjectLimits(subject, { rateLimitRpm: null, concurrency: null, ...limit });
  }
  return { clock, rates };
}

function refusal(run: () => unknown): SallyportError | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
}

test('no 60 s ever hold more admissions than the limit, and no call is refused without need', () => {
  const gap = fc.oneof(
    fc.integer({ min: 0, max: 5000 }),
    fc.double({ min: 0, max: 70_000, noNaN: true }),
    fc.constantFrom(0, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1),
  );
  const run = fc.property(
    fc.integer({ min: 1, max: 20 }),
    fc.array(gap, { maxLength: 120 }),
    (limit, gaps) => {
      const { clock, rates } = setUp({ 'team:a': { rateLimitRpm: limit } });
      const admitted: number[] = [];
      for (const wait of gaps) {
        clock.nowMs += wait;
        const inWindow = admitted.filter((at) => clock.nowMs - at < WINDOW_MS).length;
        const refused = refusal(() => rates.admit(['team:a']));
        expect(refused === null).toBe(inWindow < limit);
        if (!refused) admitted.push(clock.nowMs);
        if (wait > 60_000) rates.sweep();
      }
      for (const start of admitted) {
        const inWindow = admitted.filter((at) => at >= start && at - start < WINDOW_MS);
        expect(inWindow.length).toBeLessThanOrEqual(limit);
      }
    },
  );
  fc.assert(run, { numRuns: 500 });
});

test('a refused caller that waits as told is admitted', () => {
  // Quarters of a millisecond: sums of them are exact, so the test's own clock does not round.
  const gap = fc.integer({ min: 0, max: 36_000 }).map((quarters) => quarters / 4);
  const gaps = fc.array(gap, { minLength: 1, maxLength: 60 });
  const run = fc.property(fc.integer({ min: 1, max: 5 }), gaps, (limit, waits) => {
    const { clock, rates } = setUp({ 'token:t': { rateLimitRpm: limit } });
    for (const wait of waits) {
      clock.nowMs += wait;
      const refused = refusal(() => rates.admit(['token:t']));
      if (!refused) continue;
      expect(refused.code).toBe('limit.rate');
      expect(refused.retryable).toBe(true);
      expect(Number.isInteger(refused.retryAfterSeconds)).toBe(true);
      expect(refused.retryAfterSeconds).toBeGreaterThanOrEqual(1);
      clock.nowMs += (refused.retryAfterSeconds ?? 0) * 1000;
      rates.admit(['token:t']);
    }
  });
  fc.assert(run, { numRuns: 300 });
});

test('a call refused by one subject uses nothing of the others', () => {
  const { rates } = setUp({
    'team:a': { rateLimitRpm: 5, concurrency: 5 },
    'token:t': { rateLimitRpm: 1 },
    'token:u': { concurrency: 1 },
  });
  rates.admit(['team:a', 'token:t'])();
  for (let call = 0; call < 10; call += 1) {
    expect(refusal(() => rates.admit(['team:a', 'token:t']))?.message).toContain('token:t');
  }
  rates.admit(['team:a', 'token:u']);
  for (let call = 0; call < 10; call += 1) {
    const refused = refusal(() => rates.admit(['team:a', 'token:u']));
    expect(refused).toMatchObject({ code: 'limit.concurrency', retryable: true, retryAfterSeconds: 1 });
    expect(refused?.message).toContain('token:u');
  }
  expect(rates.tightest(['team:a'])?.remaining).toBe(3);
});

test('with several limits reached, the longest wait is named', () => {
  const { clock, rates } = setUp({ 'team:a': { rateLimitRpm: 1 }, 'token:t': { rateLimitRpm: 1 } });
  rates.admit(['team:a']);
  clock.nowMs += 30_000;
  rates.admit(['token:t']);
  const refused = refusal(() => rates.admit(['team:a', 'token:t']));
  expect(refused?.message).toContain('token:t');
  expect(refused?.retryAfterSeconds).toBe(60);
});

test('a limit that is reached is not hidden by a subject that has room', () => {
  const { rates } = setUp({ 'team:a': { rateLimitRpm: 1 }, 'token:t': { rateLimitRpm: 9 } });
  rates.admit(['team:a', 'token:t']);
  expect(refusal(() => rates.admit(['team:a', 'token:t']))?.message).toContain('team:a');
});

test('a window that grows after it has wrapped around forgets nothing', () => {
  const { clock, rates } = setUp({ 'team:a': { rateLimitRpm: 20 } });
  const start = clock.nowMs;
  for (let call = 0; call < 8; call += 1) rates.admit(['team:a']);
  clock.nowMs = start + WINDOW_MS;
  for (let call = 0; call < 3; call += 1) rates.admit(['team:a']);
  clock.nowMs = start + WINDOW_MS + 30_000;
  for (let call = 0; call < 17; call += 1) rates.admit(['team:a']);
  expect(refusal(() => rates.admit(['team:a']))?.retryAfterSeconds).toBe(30);
  clock.nowMs = start + 2 * WINDOW_MS;
  for (let call = 0; call < 3; call += 1) rates.admit(['team:a']);
  expect(refusal(() => rates.admit(['team:a']))?.retryAfterSeconds).toBe(30);
});

test('a slot comes back once, however often it is released', () => {
  const { rates } = setUp({ 'token:t': { concurrency: 2 } });
  const first = rates.admit(['token:t']);
  const second = rates.admit(['token:t']);
  expect(refusal(() => rates.admit(['token:t']))?.code).toBe('limit.concurrency');
  first();
  first();
  first();
  rates.admit(['token:t']);
  expect(refusal(() => rates.admit(['token:t']))?.code).toBe('limit.concurrency');
  second();
  rates.admit(['token:t']);
});

test('a subject that is named twice is counted once', () => {
  const { rates } = setUp({ 'token:t': { rateLimitRpm: 2, concurrency: 1 } });
  rates.admit(['token:t', 'token:t'])();
  rates.admit(['token:t', 'token:t'])();
  expect(refusal(() => rates.admit(['token:t']))?.code).toBe('limit.rate');
});

test('null is unlimited, 0 refuses all and promises no retry', () => {
  const { rates } = setUp({ 'token:off': { rateLimitRpm: 0 }, 'token:stop': { concurrency: 0 } });
  for (let call = 0; call < 1000; call += 1) rates.admit(['token:any', 'team:any']);
  expect(refusal(() => rates.admit(['token:off']))).toMatchObject({ code: 'limit.rate', retryable: false });
  expect(refusal(() => rates.admit(['token:stop']))).toMatchObject({
    code: 'limit.concurrency',
    retryable: false,
  });
  rates.setSubjectLimits('token:off', { rateLimitRpm: null, concurrency: null });
  rates.admit(['token:off']);
});

test('a lowered rate counts what was admitted before', () => {
  const { clock, rates } = setUp({ 'token:t': { rateLimitRpm: 10 } });
  for (let call = 0; call < 10; call += 1) {
    rates.admit(['token:t']);
    clock.nowMs += 1000;
  }
  rates.setSubjectLimits('token:t', { rateLimitRpm: 3, concurrency: null });
  // The eighth admission was 3 s ago; once it is 60 s old, two are left.
  expect(refusal(() => rates.admit(['token:t']))?.retryAfterSeconds).toBe(57);
  clock.nowMs += 57_000;
  rates.admit(['token:t']);
  expect(refusal(() => rates.admit(['token:t']))?.code).toBe('limit.rate');
});

test('the tightest rate limit is reported with what is left and when all is back', () => {
  const { clock, rates } = setUp({ 'team:a': { rateLimitRpm: 100 }, 'token:t': { rateLimitRpm: 3 } });
  expect(rates.tightest(['token:free'])).toBeNull();
  expect(rates.tightest(['team:a', 'token:t'])).toEqual({
    subject: 'token:t',
    limit: 3,
    remaining: 3,
    resetMs: 0,
  });
  rates.admit(['team:a', 'token:t']);
  clock.nowMs += 20_000;
  expect(rates.tightest(['team:a', 'token:t'])).toEqual({
    subject: 'token:t',
    limit: 3,
    remaining: 2,
    resetMs: 40_000,
  });
});

test('idle subjects are forgotten, busy ones are not', () => {
  const { clock, rates } = setUp({});
  for (let index = 0; index < 500; index += 1) {
    rates.setSubjectLimits(`token:${index}`, { rateLimitRpm: 5, concurrency: 5 });
    rates.admit([`token:${index}`])();
  }
  const release = rates.admit(['token:0']);
  rates.sweep();
  expect(rates.trackedSubjects).toBe(500);
  clock.nowMs += WINDOW_MS;
  rates.sweep();
  expect(rates.trackedSubjects).toBe(1);
  release();
  rates.sweep();
  expect(rates.trackedSubjects).toBe(0);
  rates.admit(['token:0']);
});

test('limits that are no whole numbers are refused', () => {
  const { rates } = setUp({});
  for (const limit of [-1, 1.5, Number.NaN, 1_000_001]) {
    for (const limits of [
      { rateLimitRpm: limit, concurrency: null },
      { rateLimitRpm: null, concurrency: limit },
    ]) {
      expect(refusal(() => rates.setSubjectLimits('token:t', limits))?.code).toBe('input.invalid');
    }
  }
});
