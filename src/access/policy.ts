/** A team's policy: what its tokens may do at most. */
import { z } from 'zod';

/** Glob over a model's name as the caller sends it, with at most one `*`, at the end. */
const modelPattern = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9._/@:+-]*\*?$/, 'a model name, with at most one * at the end')
  .min(1);

const cap = (most: number): z.ZodNullable<z.ZodNumber> => z.number().int().min(0).max(most).nullable();

/** The money field of a policy, `monthlyBudgetUsd`, is the team's monthly budget and lives in the ledger. */
export const teamLimitsSchema = z.strictObject({
  /** Empty means none. */
  allowedModels: z.array(modelPattern).max(200),
  /**
   * Most output tokens of one request, all its choices together; injected where the caller sets no cap. Null: the model's own maximum.
   */
  maxTokensPerRequest: cap(10_000_000),
  /** Calls per minute of all the team's tokens together. Null: no limit. */
  rateLimitRPM: cap(1_000_000),
  /** Calls at the same time. Null: no limit. */
  concurrency: cap(100_000),
});

export type TeamLimits = z.infer<typeof teamLimitsSchema>;

export const OPEN_LIMITS: TeamLimits = {
  allowedModels: ['*'],
  maxTokensPerRequest: null,
  rateLimitRPM: null,
  concurrency: null,
};

export function modelAllowed(patterns: readonly string[], model: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model,
  );
}
