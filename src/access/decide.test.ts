import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { NO_BOUNDS } from './bounds.ts';
import { type CallFacts, decide } from './decide.ts';
import { OPEN_LIMITS, type TeamLimits } from './policy.ts';

const PRICE = { maxOutputTokens: 1000 };
const FACTS: CallFacts = {
  provider: 'groq',
  model: 'openai/gpt-oss-20b',
  outputCap: 100,
  choices: 1,
  features: [],
};
const token = { scopes: ['call:groq/*'] };

function ask(
  facts: Partial<CallFacts> = {},
  limits: Partial<TeamLimits> = {},
  price: typeof PRICE | null = PRICE,
  scopes: readonly string[] = token.scopes,
): ReturnType<typeof decide> {
  return decide({ scopes }, { ...OPEN_LIMITS, ...limits }, { ...FACTS, ...facts }, price);
}

test('one reason to refuse is enough, whatever else speaks for the call', () => {
  const flag = fc.boolean();
  fc.assert(
    fc.property(flag, flag, flag, flag, flag, (scope, model, price, feature, cap) => {
      const decision = ask(
        { features: feature ? ['tool:browser_search'] : [], outputCap: cap ? 501 : 500 },
        { allowedModels: model ? ['other'] : ['openai/*'], maxTokensPerRequest: 500 },
        price ? null : PRICE,
        [scope ? 'call:openai/*' : 'call:groq/*'],
      );
      expect(decision.allow).toBe(!(scope || model || price || feature || cap));
      if (!decision.allow) {
        expect(decision.message).not.toBe('');
        expect(decision.fix).not.toBe('');
      }
    }),
  );
});

test.each<[string, ReturnType<typeof ask>, string]>([
  ['a scope that is not held', ask({}, {}, PRICE, ['call:openai/*']), 'access.model'],
  ['no scope at all', ask({}, {}, PRICE, []), 'access.model'],
  ['a model outside the policy', ask({}, { allowedModels: ['openai/gpt-5*'] }), 'access.model'],
  ['a policy that allows no model', ask({}, { allowedModels: [] }), 'access.model'],
  ['a model without a price', ask({}, {}, null), 'model.unknown'],
  ['a feature that cannot be bounded', ask({ features: ['modalities'] }), 'access.feature'],
  ['a cap above the policy', ask({ outputCap: 11 }, { maxTokensPerRequest: 10 }), 'access.feature'],
  [
    'answers that together pass the policy',
    ask({ outputCap: 100, choices: 4 }, { maxTokensPerRequest: 399 }),
    'access.feature',
  ],
  [
    'more answers than the policy has tokens',
    ask({ outputCap: null, choices: 11 }, { maxTokensPerRequest: 10 }),
    'access.feature',
  ],
  [
    'a policy of no tokens, and no cap',
    ask({ outputCap: null }, { maxTokensPerRequest: 0 }),
    'access.feature',
  ],
  ['a policy of no tokens, and a cap', ask({ outputCap: 1 }, { maxTokensPerRequest: 0 }), 'access.feature'],
])('refused: %s', (_, decision, code) => {
  expect(decision).toMatchObject({ allow: false, code });
});

test.each<[string, Partial<CallFacts>, Partial<TeamLimits>, number, number | null]>([
  ['the caller’s cap stands', { outputCap: 100 }, {}, 100, null],
  ['a cap above the model’s maximum is the maximum', { outputCap: 5000 }, {}, 1000, null],
  [
    'without any cap the model’s maximum counts, and nothing is injected',
    { outputCap: null },
    {},
    1000,
    null,
  ],
  ['a missing cap is injected', { outputCap: null }, { maxTokensPerRequest: 300 }, 300, 300],
  [
    'a policy above the model injects what the model can do',
    { outputCap: null },
    { maxTokensPerRequest: 9000 },
    1000,
    1000,
  ],
  ['a cap at the policy stands', { outputCap: 300 }, { maxTokensPerRequest: 300 }, 300, null],
  ['several answers share the policy', { outputCap: null, choices: 3 }, { maxTokensPerRequest: 100 }, 33, 33],
  ['several answers that fit stand', { outputCap: 33, choices: 3 }, { maxTokensPerRequest: 100 }, 33, null],
])('%s', (_, facts, limits, outputTokens, injectCap) => {
  expect(ask(facts, limits)).toEqual({ allow: true, outputTokens, injectCap });
});

test('no allowed call can produce more than the policy, whatever is asked', () => {
  const cap = fc.option(fc.integer({ min: 1, max: 3000 }));
  const limit = fc.option(fc.nat(2000));
  fc.assert(
    fc.property(cap, fc.integer({ min: 1, max: 128 }), limit, (outputCap, choices, most) => {
      const decision = ask({ outputCap, choices }, { maxTokensPerRequest: most });
      if (!decision.allow) return;
      expect(decision.outputTokens * choices).toBeLessThanOrEqual(most ?? Infinity);
      expect(decision.outputTokens).toBeLessThanOrEqual(PRICE.maxOutputTokens);
      // Zero would be read as "no cap" by a provider.
      expect(decision.injectCap ?? 1).toBeGreaterThan(0);
      // Where a policy bounds the output, either the caller has a cap or one is injected.
      if (most !== null) expect(outputCap ?? decision.injectCap).not.toBeNull();
    }),
  );
});

test('write:limited is calls under a cap of the token, and nothing without one', () => {
  const limited = (output: number | null) =>
    decide(
      {
        scopes: ['write:limited'],
        bounds: { ...NO_BOUNDS, output: output === null ? null : { atMost: output, over: 'refuse' } },
      },
      { ...OPEN_LIMITS, maxTokensPerRequest: 300 },
      { ...FACTS, outputCap: null },
      PRICE,
    );
  expect(limited(null)).toMatchObject({ allow: false, code: 'access.model' });
  expect(limited(200)).toMatchObject({ allow: true, outputTokens: 200, injectCap: 200 });
  // The policy's is lower.
  expect(limited(400)).toMatchObject({ allow: true, injectCap: 300 });
  expect(ask({}, {}, PRICE, ['write:limited'])).toMatchObject({ allow: false, code: 'access.model' });
});
