import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { HOLD, openCall, OUTPUT_BOUND, PRICE, PROMPT_BOUND } from '../../test/support/open-calls.ts';
import type { Outcome } from './open-call.ts';

const usage = { promptTokens: 50, completionTokens: 20, cachedTokens: 10 };
const { inputPicoUsd, cachedPicoUsd, outputPicoUsd } = PRICE.base;

const OUTCOMES: readonly Outcome[] = [
  { kind: 'usage', usage },
  { kind: 'delivered', completionTokens: 3 },
  { kind: 'dropped', completionTokens: 3 },
  { kind: 'unknown' },
  { kind: 'free' },
];

test('whoever comes first ends the call, and everybody after changes nothing', () => {
  const step = fc.tuple(
    fc.constantFrom(...OUTCOMES),
    fc.constantFrom(null, 'client.aborted', 'upstream.timeout'),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
      const rig = openCall();
      expect(rig.call.ended).toBe(false);
      for (const [outcome, code] of steps) rig.call.end(outcome, code);
      const only = openCall();
      only.call.end(...steps[0]!);
      expect(rig.ends).toEqual(only.ends);
      expect({
        ended: rig.call.ended,
        ends: rig.ends.length,
        settled: rig.settled,
        unwound: rig.unwound,
      }).toEqual({
        ended: true,
        ends: 1,
        settled: only.settled,
        unwound: 1,
      });
    }),
  );
});

test.each<[string, Outcome, bigint, object]>([
  [
    'stated usage is charged exactly',
    { kind: 'usage', usage },
    40n * inputPicoUsd + 10n * cachedPicoUsd + 20n * outputPicoUsd,
    { ...usage, basis: 'usage' },
  ],
  [
    'without usage, the prompt’s bound and what was delivered',
    { kind: 'delivered', completionTokens: 7 },
    BigInt(PROMPT_BOUND) * inputPicoUsd + 7n * outputPicoUsd,
    { promptTokens: PROMPT_BOUND, completionTokens: 7, cachedTokens: 0, basis: 'delivered' },
  ],
  [
    'delivered is never more than the hold',
    { kind: 'delivered', completionTokens: 1_000_000 },
    HOLD,
    { completionTokens: 1_000_000, basis: 'delivered' },
  ],
  ['an unknown outcome costs the whole hold', { kind: 'unknown' }, HOLD, { promptTokens: 0, basis: 'hold' }],
  ['what was never sent costs nothing', { kind: 'free' }, 0n, { promptTokens: 0, basis: 'none' }],
  [
    'usage without a prompt makes no sense: the whole hold',
    { kind: 'usage', usage: { promptTokens: 0, completionTokens: 5, cachedTokens: 0 } },
    HOLD,
    { promptTokens: 0, completionTokens: 0, basis: 'hold' },
  ],
  [
    'usage beyond any model makes no sense: the whole hold',
    { kind: 'usage', usage: { promptTokens: 1, completionTokens: 2 ** 50, cachedTokens: 0 } },
    HOLD,
    { basis: 'hold' },
  ],
])('%s', (_, outcome, cost, fields) => {
  const { call, ends, settled } = openCall();
  call.end(outcome, null);
  expect(settled.map(BigInt)).toEqual([cost]);
  expect(ends[0]).toMatchObject({ costPicoUsd: String(cost), overrunPicoUsd: '0', ...fields });
});

describe('a stream that is given up', () => {
  test('before anything came is charged for the time since it was sent, never for nothing', () => {
    const { call, clock, ends } = openCall();
    clock.pass(200);
    call.enter('provider');
    clock.pass(300);
    call.end({ kind: 'dropped', completionTokens: 0 }, 'client.aborted');
    const completionTokens = 2 * (200 + 300 + 50);
    expect(ends).toMatchObject([{ basis: 'delivered', promptTokens: PROMPT_BOUND, completionTokens }]);
    const cost = BigInt(PROMPT_BOUND) * inputPicoUsd + BigInt(completionTokens) * outputPicoUsd;
    expect(ends[0]!.costPicoUsd).toBe(cost.toString());
  });

  test('is charged for what came, and beside it for the wait it was given up in', () => {
    const { call, clock, ends } = openCall();
    clock.pass(900);
    call.enter('provider');
    clock.pass(900);
    call.enter('client');
    call.enter('provider');
    clock.pass(10);
    call.end({ kind: 'dropped', completionTokens: 7 }, 'client.aborted');
    expect(ends).toMatchObject([{ completionTokens: 7 + 2 * (10 + 50) }]);
  });

  test('is charged for a long silence as well, in which a model may have been thinking', () => {
    const { call, clock } = openCall();
    call.enter('provider');
    clock.pass(2001);
    call.enter('client');
    expect(call.unseenTokens(1)).toBe(OUTPUT_BOUND - 1);
    expect(call.unseen.tokens(0)).toBe(2 * (2001 + 50));
  });

  test('is never charged for more than it was held for', () => {
    const { call, clock, ends } = openCall();
    clock.pass(600_000);
    call.end({ kind: 'dropped', completionTokens: 0 }, 'client.aborted');
    expect(ends).toMatchObject([{ completionTokens: OUTPUT_BOUND }]);
    expect(BigInt(ends[0]!.costPicoUsd)).toBeLessThanOrEqual(HOLD);
    const more = openCall();
    more.call.end({ kind: 'dropped', completionTokens: OUTPUT_BOUND + 5 }, 'client.aborted');
    expect(more.ends).toMatchObject([{ completionTokens: OUTPUT_BOUND + 5 }]);
  });
});

test('a cost above the hold is charged, and the difference is on record', () => {
  const { call, ends } = openCall();
  call.end({ kind: 'usage', usage: { promptTokens: 1, completionTokens: 1_000_000, cachedTokens: 0 } }, null);
  const cost = inputPicoUsd + 1_000_000n * outputPicoUsd;
  expect(cost).toBeGreaterThan(HOLD);
  expect(ends[0]).toMatchObject({
    costPicoUsd: String(cost),
    overrunPicoUsd: String(cost - HOLD),
    basis: 'usage',
  });
});

test('the record says how it ended, how long it took, and what it is charged to', () => {
  const { call, clock, ends } = openCall();
  clock.pass(1234.6);
  call.end({ kind: 'free' }, 'upstream.timeout');
  expect(ends).toEqual([
    {
      action: 'call.end',
      id: 'req_1',
      result: 'error',
      errorCode: 'upstream.timeout',
      promptTokens: 0,
      completionTokens: 0,
      cachedTokens: 0,
      costPicoUsd: '0',
      basis: 'none',
      overrunPicoUsd: '0',
      charges: [{ budget: 'team-acme-month', period: '2026-11' }],
      latencyMs: 1235,
      recovered: false,
    },
  ]);
  const good = openCall();
  good.call.end({ kind: 'usage', usage }, null);
  expect(good.ends[0]).toMatchObject({ result: 'success', errorCode: null });
});

test('a call whose hold was given up as lost is not charged a second time', () => {
  const rig = openCall({ lost: true });
  rig.call.end({ kind: 'usage', usage }, null);
  expect(rig.ends).toEqual([]);
  expect(rig.unwound).toBe(1);
});

test('a call without a price costs nothing, whatever is said of it', () => {
  for (const outcome of OUTCOMES) {
    const { call, ends } = openCall({ price: null });
    call.end(outcome, null);
    expect(ends[0]).toMatchObject({ costPicoUsd: '0' });
    expect(call.deliveredCost(1000).toString()).toBe('0');
  }
});

test('each wait begins when it is entered', () => {
  const { call, clock } = openCall();
  expect([call.phase, clock.monotonicMs() - call.phaseSinceMs]).toEqual(['provider-first-byte', 0]);
  clock.pass(70);
  call.enter('client');
  clock.pass(5);
  expect([call.phase, clock.monotonicMs() - call.phaseSinceMs]).toEqual(['client', 5]);
});
