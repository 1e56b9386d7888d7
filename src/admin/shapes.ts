/**
 * The JSON shapes of the admin contract. Amounts are whole pico-USD as decimal strings (fields named `...PicoUsd`) or plain dollars
 * (`...Usd`), times ISO 8601 in UTC, durations milliseconds.
 */
import { z } from 'zod';
import { boundsChangeSchema, boundsSchema } from '../access/bounds.ts';
import { teamLimitsSchema } from '../access/policy.ts';
import { TOKEN_TYPES, type TokenType } from '../access/token-format.ts';
import { USAGE_DIMENSIONS } from '../audit/store.ts';
import { ON_CAP } from '../ledger/budget-state.ts';
import { MAX_RPD } from '../ledger/day-counts.ts';
import { MAX_QUEUE_WEIGHT, queuePolicySchema } from '../ledger/limits.ts';
import { PERIODS } from '../ledger/period.ts';
import { SUBJECT } from '../ledger/subjects.ts';
import { MAX_TPM } from '../ledger/token-rates.ts';

const limits = teamLimitsSchema.shape;
const TYPES = Object.values(TOKEN_TYPES) as [TokenType, ...TokenType[]];

/** Free text that names something; what it may hold is for the part that owns it to say. */
const name = z.string().min(1).max(200);
export const time = z.iso.datetime();
export const picoUsd = z.string().regex(/^\d{1,19}$/, 'whole pico-USD as a decimal string');
const signedPicoUsd = z.string().regex(/^-?\d{1,19}$/, 'whole pico-USD as a decimal string');
const usd = z
  .string()
  .regex(/^\d{1,7}(\.\d{1,12})?$/, 'a decimal number of dollars as a string, such as "250.00"');
const count = z.int().min(0);
export const period = z.enum(PERIODS);
export const onCap = z.enum(ON_CAP);
const zone = z.string().min(1).max(64);
export const usageBy = z.enum(USAGE_DIMENSIONS);
export const tokenType = z.enum(TYPES);

/** A team's policy, money included, as it is shown and accepted everywhere. */
export const policy = z.strictObject({
  allowedModels: limits.allowedModels,
  maxTokensPerRequest: limits.maxTokensPerRequest,
  /** The team's budget for a calendar month, or null for none. */
  monthlyBudgetUsd: usd.nullable(),
  rateLimitRPM: limits.rateLimitRPM,
  concurrency: limits.concurrency,
});
export type PolicyShape = z.infer<typeof policy>;
export const policyChange = policy.partial();

export const team = z.object({ id: z.string(), policy, createdAt: time });
export const project = z.object({ id: z.string(), team: z.string(), createdAt: time });
export const environment = z.object({ id: z.string() });

export const budget = z.object({
  id: z.string(),
  /** `token:<id>`, `team:<id>`, `project:<id>`, `env:<team>/<environment>` or `org`. */
  subject: z.string(),
  period,
  /** IANA name of the time zone whose calendar the period follows. */
  zone: z.string(),
  /** The running one, such as `2026-11`. */
  window: z.string(),
  /** Null: never. */
  resetsAt: time.nullable(),
  limitPicoUsd: picoUsd,
  spentPicoUsd: picoUsd,
  heldPicoUsd: picoUsd,
  /** The part of what is spent in this period that was above what had been held for its calls. */
  overrunPicoUsd: picoUsd,
  state: z.enum(['active', 'warned', 'exhausted', 'paused']),
  onCap,
  alertedPercent: count,
});
export type BudgetShape = z.infer<typeof budget>;

export const subject = z
  .string()
  .regex(SUBJECT, 'token:<id>, team:<id>, project:<id>, env:<team>/<environment> or org');
export const budgetSetting = z.strictObject({
  subject,
  period,
  limitPicoUsd: picoUsd,
  /** Left out: UTC for a new budget, unchanged for one that there is. */
  zone: zone.optional(),
  onCap: onCap.optional(),
});
export const budgetAdjustment = z.strictObject({ deltaPicoUsd: signedPicoUsd, reason: z.string() });

/** Limits of rate; null is none, 0 refuses all. */
export const limit = z.object({
  /** `team:<id>`, `token:<id>` or `key:<slot>`. */
  subject: z.string(),
  rateLimitRPM: count.nullable(),
  rateLimitTPM: count.nullable(),
  rateLimitRPD: count.nullable(),
  concurrency: count.nullable(),
  /** Where a day begins. */
  zone: z.string(),
  /** Null without a daily limit: then nothing is counted. */
  requestsToday: z.int().nullable(),
  dayEndsAt: time.nullable(),
  /** How its calls may wait for their turn; null: as the team's, or not at all. */
  queue: queuePolicySchema.nullable(),
  /** Turns of a team for each one of a team of weight 1. */
  queueWeight: count,
  /** Of a team: its calls that wait now. */
  waiting: count,
});
export type LimitShape = z.infer<typeof limit>;

export const limitSubject = z
  .string()
  .regex(/^(team|token|key):[A-Za-z0-9._-]{1,63}$/, 'team:<id>, token:<id> or key:<slot>');
export const limitSetting = z.strictObject({
  subject: limitSubject,
  rateLimitRPM: limits.rateLimitRPM.optional(),
  rateLimitTPM: count.max(MAX_TPM).nullable().optional(),
  rateLimitRPD: count.max(MAX_RPD).nullable().optional(),
  concurrency: limits.concurrency.optional(),
  zone: zone.optional(),
  queue: queuePolicySchema.nullable().optional(),
  queueWeight: z.int().min(1).max(MAX_QUEUE_WEIGHT).optional(),
});

/** A price row. Amounts are for one token. */
export const price = z.object({
  provider: z.string(),
  /** Of the row: for a dated snapshot, its undated name. */
  model: z.string(),
  /** In force now. */
  applies: z.boolean(),
  /** The operator's file, or null for a bundled row. */
  file: z.string().nullable(),
  effectiveFrom: time,
  inputPicoUsd: picoUsd,
  cachedPicoUsd: picoUsd,
  outputPicoUsd: picoUsd,
  /** A longer prompt costs more, all of it. */
  longContextAbove: count.nullable(),
  contextTokens: count,
  maxOutputTokens: count,
  source: z.string(),
  asOf: z.string(),
});
export type PriceShape = z.infer<typeof price>;

/** Whether budget periods stand still because the wall clock was set. */
export const budgetClock = z.object({
  stoppedAt: time.nullable(),
  /** How far the wall clock is from where it should be. */
  jumpMs: z.int(),
});

export const token = z.object({
  id: z.string(),
  type: tokenType,
  name: z.string().nullable(),
  team: z.string().nullable(),
  project: z.string().nullable(),
  environment: z.string(),
  scopes: z.array(z.string()),
  defaultProvider: z.string().nullable(),
  cidrs: z.array(z.string()),
  browserSafe: z.boolean(),
  rateLimitRPM: count.nullable(),
  concurrency: count.nullable(),
  preset: z.string().nullable(),
  bounds: boundsSchema.nullable(),
  /** The token whose usage and entries it reads, if not its own. */
  readsFor: z.string().nullable(),
  issuedBy: z.string(),
  createdAt: time,
  expiresAt: time,
  state: z.enum(['active', 'expired', 'revoked']),
  revokedAt: time.nullable(),
  revokedReason: z.string().nullable(),
});

export const tokenRequest = z.strictObject({
  type: tokenType.optional(),
  name: z.string().min(1).max(100).optional(),
  /** Left out for admin tokens only. */
  team: name.optional(),
  project: name.optional(),
  environment: name.optional(),
  /** May be empty with a preset that has some. */
  scopes: z.array(z.string()).max(100),
  preset: name.optional(),
  /** The only models that it may call. */
  models: z.array(name).max(50).optional(),
  /** Instead of, or besides, those of the preset. */
  bounds: boundsChangeSchema.optional(),
  /** Left out: the default of the type. */
  lifetimeMs: z.int().positive().optional(),
  defaultProvider: name.optional(),
  cidrs: z.array(z.string()).max(100).optional(),
  browserSafe: z.boolean().optional(),
  rateLimitRPM: count.max(1_000_000).optional(),
  concurrency: count.max(100_000).optional(),
  /** How its calls may wait for their turn. */
  queue: queuePolicySchema.optional(),
  budget: z.strictObject({ limitPicoUsd: picoUsd, period, onCap: onCap.optional() }).optional(),
});

export const issuedToken = z.object({
  id: z.string(),
  /** The secret text: in this answer and nowhere afterwards. */
  token: z.string(),
  expiresAt: time,
  type: tokenType,
  team: z.string().nullable(),
  environment: z.string(),
  scopes: z.array(z.string()),
  defaultProvider: z.string().nullable(),
  preset: z.string().nullable(),
  bounds: boundsSchema.nullable(),
  /** The environment was new and has been added. */
  environmentAdded: z.boolean(),
  budget: budget.nullable(),
  /** What whoever asked for it should know. */
  notes: z.array(z.string()),
  /** It may make calls, and no budget is on its path. */
  unbounded: z.boolean(),
});

export const verification = z.object({
  verdict: z.enum(['alive', 'dead', 'restricted', 'blocked', 'unreachable', 'unknown']),
  meaning: z.string(),
  fix: z.string().nullable(),
  /** The provider's HTTP status, or null when there was no answer. */
  status: z.int().nullable(),
  errorCode: z.string().nullable(),
});
export type VerificationShape = z.infer<typeof verification>;

/** A provider key but for its value; what is left out is none. */
export const keyDeclaration = z.strictObject({
  name,
  provider: name,
  /** Left out: the provider's own. */
  origin: z.string().max(300).optional(),
  allowPrivateOrigin: z.boolean().optional(),
  team: name.optional(),
  environment: name.optional(),
  purpose: name.optional(),
  providerOrganization: name.optional(),
  providerProject: name.optional(),
});

export const keyRequest = keyDeclaration.extend({
  name: name.optional(),
  /** May be left out with `replace`. */
  provider: name.optional(),
  replace: z.boolean().optional(),
  /** Ask the provider about the key at once. Default true. */
  verify: z.boolean().optional(),
  /** The provider key itself. */
  value: z.string().max(8192),
});

export const addedKey = z.object({
  name: z.string(),
  provider: z.string(),
  version: z.int(),
  label: z.string(),
  fingerprint: z.string(),
  state: z.enum(['active', 'disabled']),
  verification: verification.nullable(),
  /** The environment was new and has been added. */
  environmentAdded: z.boolean(),
});

/** That the value of a version is known outside, and who took that back. */
export const exposure = z.object({
  at: time,
  by: z.string(),
  place: z.string().nullable(),
  reason: z.string().nullable(),
  cleared: z.object({ at: time, by: z.string(), reason: z.string().nullable() }).nullable(),
});

const keySummary = {
  name: z.string(),
  provider: z.string(),
  origin: z.string(),
  allowPrivateOrigin: z.boolean(),
  team: z.string().nullable(),
  environment: z.string().nullable(),
  purpose: z.string().nullable(),
  providerOrganization: z.string().nullable(),
  providerProject: z.string().nullable(),
  state: z.enum(['active', 'disabled']),
  /** 0: it is declared, and has no value yet. */
  activeVersion: z.int(),
  /** Since when the value in use is known to be outside. */
  exposedAt: time.nullable(),
  createdAt: time,
};
export const key = z.object(keySummary);
export const keyDetails = z.object({
  ...keySummary,
  versions: z.array(
    z.object({
      version: z.int(),
      label: z.string(),
      state: z.enum(['pending', 'active', 'retired']),
      createdAt: time,
      fingerprint: z.string(),
      exposed: exposure.nullable(),
    }),
  ),
});

export const auditFilter = z.strictObject({
  team: name.optional(),
  environment: name.optional(),
  token: name.optional(),
  model: name.optional(),
  action: name.optional(),
  result: z.enum(['success', 'error']).optional(),
  errorCode: name.optional(),
  /** Only calls that cost more than was held for them. */
  overrun: z.literal('true').optional(),
  call: name.optional(),
  since: time.optional(),
  until: time.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});

export const auditEntry = z.object({
  /** The call's id, or `<stream>#<seq>`. */
  id: z.string(),
  timestamp: time,
  action: z.string(),
  principal: z.string().nullable(),
  /** The end user in clear, or the commitment in the journal where the clear value was erased. */
  userId: z.string().nullable(),
  team: z.string().nullable(),
  project: z.string().nullable(),
  environment: z.string().nullable(),
  tokenId: z.string().nullable(),
  resource: z.string().nullable(),
  provider: z.string().nullable(),
  model: z.string().nullable(),
  keyId: z.string().nullable(),
  promptTokens: count,
  completionTokens: count,
  cachedTokens: count,
  costPicoUsd: picoUsd,
  /** Held while the call runs. */
  boundPicoUsd: picoUsd,
  /** By how much the cost is above what was held. */
  overrunPicoUsd: picoUsd,
  basis: z.enum(['usage', 'delivered', 'hold', 'none']).nullable(),
  latencyMs: z.number().nullable(),
  /** Null while a call runs, and for entries that are no call. */
  result: z.enum(['success', 'error']).nullable(),
  errorCode: z.string().nullable(),
  /** In clear, or the commitment. */
  address: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  /** Where the entry stands in the journal. */
  stream: z.string(),
  seq: z.int(),
});
export type AuditEntryShape = z.infer<typeof auditEntry>;

export const usageRow = z.object({
  group: z.string().nullable(),
  calls: count,
  errors: count,
  promptTokens: count,
  completionTokens: count,
  costPicoUsd: z.string().regex(/^\d+$/),
});
