import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { OPEN_LIMITS } from '../access/policy.ts';
import { costOf, priceOf } from '../ledger/price.ts';
import { planCall, type PlannedFacts } from './plan.ts';

const NOW = Date.parse('2026-11-21');
const token = { scopes: ['call:groq/*'] };
const FACTS: PlannedFacts = {
  provider: 'groq',
  model: 'openai/gpt-oss-20b',
  outputCap: 100,
  choices: 1,
  features: [],
  promptTokens: 1000,
};

function plan(
  facts: Partial<PlannedFacts> = {},
  limits: Partial<typeof OPEN_LIMITS> = {},
): ReturnType<typeof planCall> {
  return planCall({ priceOf }, token, { ...OPEN_LIMITS, ...limits }, { ...FACTS, ...facts }, NOW);
}

test('no usage within the bounds costs more than the worst case', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200_000 }),
      fc.option(fc.integer({ min: 1, max: 100_000 })),
      fc.integer({ min: 1, max: 8 }),
      fc.option(fc.integer({ min: 8, max: 90_000 })),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
      (promptTokens, outputCap, choices, most, [p = 0, c = 0, o = 0]) => {
        const planned = plan({ promptTokens, outputCap, choices }, { maxTokensPerRequest: most });
        fc.pre(planned.allow);
        const { price, promptBound, injectCap, worstCasePicoUsd } = planned.plan;
        const cap = Math.min(outputCap ?? injectCap ?? Infinity, price.maxOutputTokens);
        const prompt = Math.max(1, Math.floor(p * Math.min(promptTokens, price.contextTokens)));
        const usage = {
          promptTokens: prompt,
          cachedTokens: Math.floor(c * prompt),
          completionTokens: Math.floor(o * cap * choices),
        };
        expect(costOf(price, usage)!).toBeLessThanOrEqual(worstCasePicoUsd);
        expect(promptBound).toBeLessThanOrEqual(price.contextTokens);
      },
    ),
    { numRuns: 300 },
  );
});

test('a prompt without a bound is bounded by the context', () => {
  const image = plan({ promptTokens: Infinity });
  if (!image.allow) throw new Error(image.message);
  expect(image.plan.promptBound).toBe(image.plan.price.contextTokens);
  expect(image.plan.worstCasePicoUsd).toBeGreaterThan(0n);
});

test('a prompt below the context is held for as it is', () => {
  const planned = plan({ promptTokens: 1234, outputCap: 1 });
  if (!planned.allow) throw new Error(planned.message);
  const { base } = planned.plan.price;
  expect(planned.plan.promptBound).toBe(1234);
  expect(planned.plan.worstCasePicoUsd as bigint).toBe(1234n * base.inputPicoUsd + base.outputPicoUsd);
});

test('the answers that are asked for are all paid for', () => {
  const one = plan({ promptTokens: 1 });
  const three = plan({ promptTokens: 1, choices: 3 });
  if (!one.allow || !three.allow) throw new Error('refused');
  const { outputPicoUsd } = one.plan.price.base;
  expect(three.plan.worstCasePicoUsd - one.plan.worstCasePicoUsd).toBe(200n * outputPicoUsd);
});

test('what is refused is not planned', () => {
  expect(plan({ model: 'no/such-model' })).toMatchObject({ allow: false, code: 'model.unknown' });
  expect(plan({ provider: 'openai', model: 'gpt-5' })).toMatchObject({ allow: false, code: 'access.model' });
  expect(plan({ features: ['audio'] })).toMatchObject({ allow: false, code: 'access.feature' });
  expect(plan({ choices: 101 }, { maxTokensPerRequest: 100 })).toMatchObject({
    allow: false,
    code: 'access.feature',
  });
});
