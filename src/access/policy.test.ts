import { expect, test } from 'bun:test';
import { modelAllowed, OPEN_LIMITS, teamLimitsSchema } from './policy.ts';

test.each([
  [['*'], 'anything', true],
  [[], 'anything', false],
  [['openai/gpt-oss-*'], 'openai/gpt-oss-20b', true],
  [['openai/gpt-oss-20b'], 'openai/gpt-oss-20b', true],
  [['openai/gpt-oss-20b'], 'openai/gpt-oss-20b-x', false],
  [['openai/gpt-oss-20b'], 'OpenAI/gpt-oss-20b', false],
  [['a', 'b*'], 'bc', true],
] as const)('%p allows %s: %p', (patterns, model, allowed) => {
  expect(modelAllowed(patterns, model)).toBe(allowed);
});

const changes = [
  { allowedModels: ['a*b'] },
  { allowedModels: ['a b'] },
  { allowedModels: [''] },
  { maxTokensPerRequest: -1 },
  { maxTokensPerRequest: 1.5 },
  { rateLimitRPM: '5' },
  { concurrency: Number.NaN },
  { concurrency: undefined },
  { monthlyBudgetUsd: '5' },
];

test.each(changes.map((change) => [Bun.inspect(change).replaceAll(/\s+/g, ' '), change] as const))(
  'a policy with %s is refused',
  (_, change) => {
    expect(teamLimitsSchema.safeParse(OPEN_LIMITS).success).toBe(true);
    expect(teamLimitsSchema.safeParse({ ...OPEN_LIMITS, ...change }).success).toBe(false);
  },
);
