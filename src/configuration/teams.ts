/** `teams`: each with its policy. The money of a policy is a budget, and compared as one: see budgets.ts. */
import { z } from 'zod';
import { OPEN_LIMITS, type TeamLimits, teamLimitsSchema } from '../access/policy.ts';
import { nameField, usdField } from './fields.ts';
import { defineSection } from './section.ts';

const { allowedModels, maxTokensPerRequest, rateLimitRPM, concurrency } = teamLimitsSchema.shape;

const team = z.strictObject({
  allowedModels: allowedModels
    .default(OPEN_LIMITS.allowedModels)
    .describe('Models that may be called; a * at the end stands for any rest. Empty: none.'),
  maxTokensPerRequest: maxTokensPerRequest
    .default(null)
    .describe('Most output tokens of one request; null: no cap.'),
  monthlyBudgetUsd: usdField
    .nullable()
    .optional()
    .describe('Budget of a calendar month, in dollars. Its zone and rule can be said in budgets.'),
  rateLimitRPM: rateLimitRPM
    .default(null)
    .describe('Calls per minute of all its tokens together; null: no limit.'),
  concurrency: concurrency.default(null).describe('Calls at the same time; null: no limit.'),
});

export const teamsSchema = z
  .record(nameField, team.nullable())
  .describe('Teams by name, with their policies.');

export const teams = defineSection<TeamLimits>({
  key: 'teams',
  noun: 'team',
  read: async (contract) => {
    const { teams: all } = await contract.call('team.list');
    return new Map(all.map(({ id, policy }) => [id, limitsOf(policy)]));
  },
  wanted: ({ teams: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(([id, written]) => {
      return [id, { item: limitsOf(team.parse(written ?? {})), path: ['teams', id] }] as const;
    });
    return new Map(entries);
  },
  describe: (items) => ({ teams: Object.fromEntries(items) }),
  put: (contract, id, item, current) =>
    current
      ? contract.call('team.policy', { params: { team: id }, body: item })
      : contract.call('team.add', { body: { id, policy: item } }),
});

function limitsOf(policy: TeamLimits): TeamLimits {
  const {
    allowedModels: models,
    maxTokensPerRequest: tokens,
    rateLimitRPM: rpm,
    concurrency: calls,
  } = policy;
  return { allowedModels: models, maxTokensPerRequest: tokens, rateLimitRPM: rpm, concurrency: calls };
}
