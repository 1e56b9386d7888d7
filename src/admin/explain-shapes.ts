/** The JSON shapes of `explain` and `status`. */
import { z } from 'zod';
import { recoveryState } from './recovery-shapes.ts';
import { budget, budgetClock, picoUsd, time } from './shapes.ts';

export const explainRequest = z.strictObject({
  token: z.string().min(1).max(100),
  /** Left out with `body`. */
  model: z.string().min(1).max(200).optional(),
  /** Left out: the token's default provider, as for a path that names none. */
  provider: z.string().min(1).max(63).optional(),
  /** Output cap that the request would state. */
  maxTokens: z.int().min(1).optional(),
  /** Choices asked for. */
  n: z.int().min(1).optional(),
  /** Size of each message. */
  promptBytes: z.int().min(0).max(4_194_304).optional(),
  /** How many messages, of user and assistant in turn; 1 by default. */
  messages: z.int().min(1).max(1000).optional(),
  /** A whole request as it would be sent, instead of the five above. */
  body: z.string().min(1).max(1_000_000).optional(),
  /** What the request would use, such as `tool:browser_search`. */
  features: z.array(z.string().min(1).max(100)).max(20).optional(),
});

const rate = z.object({ subject: z.string(), limit: z.int(), remaining: z.int() });

export const explanation = z.object({
  /** The call would be sent if it came now. */
  allowed: z.boolean(),
  /** The first thing that stands in the way, in the order in which the gateway asks; null when nothing does. */
  refusal: z.object({ code: z.string(), message: z.string(), fix: z.string().nullable() }).nullable(),
  provider: z.string().nullable(),
  model: z.string(),
  /** Changes that the gateway would make to the request. */
  obligations: z
    .object({
      injectCap: z.int().nullable(),
      /** Bounds of the token that something of the request is over. */
      trimmed: z.array(z.string()),
      /** The template that is put in. */
      template: z.string().nullable(),
      /** Rules of injection that found something. */
      injection: z.array(z.string()),
    })
    .nullable(),
  promptTokensBound: z.int().nullable(),
  worstCasePicoUsd: picoUsd.nullable(),
  /** The key that would pay. */
  keySlot: z.object({ name: z.string(), version: z.int(), origin: z.string() }).nullable(),
  /** The tightest limit of requests on the path, per minute or per day. */
  rate: rate.nullable(),
  /** The tightest limit of tokens per minute. */
  tokenRate: rate.nullable(),
  /** It is over a limit of rate now, and would wait for its turn instead of being refused. */
  waits: z.object({ reason: z.string(), upToMs: z.int() }).nullable(),
  budgets: z.array(z.object({ budget, fits: z.boolean(), reason: z.string().nullable() })),
});
export type Explanation = z.infer<typeof explanation>;

export const status = z.object({
  version: z.string(),
  instance: z.string(),
  dataFolder: z.string(),
  rootKey: z.object({
    /** Names it without revealing it. */
    fingerprint: z.string(),
    origin: z.enum(['file', 'env', 'passphrase', 'kit']),
  }),
  startedAt: time,
  gatewayUrl: z.string(),
  adminUrl: z.string(),
  /** Null when the tables cannot be asked. */
  recovery: recoveryState.nullable(),
  ready: z.boolean(),
  liveCalls: z.int(),
  maxCalls: z.int(),
  /** Calls that wait for their turn. */
  waitingCalls: z.int(),
  journal: z.object({
    stream: z.string(),
    /** Written by this process. */
    entries: z.int(),
    /** Of these, how many survive a power cut. */
    durable: z.int(),
    /** Syncs of the disk; entries by syncs is the size of their groups. */
    syncs: z.int(),
    /** Not yet in the tables that queries read. */
    lag: z.int(),
  }),
  /** Null when the tables cannot be asked. */
  alerts: z
    .object({
      destinations: z.int(),
      /** Still to be sent. */
      waiting: z.int(),
      /** Given up after many tries. */
      undelivered: z.int(),
    })
    .nullable(),
  /** Entries on standard output, and those that its reader was too slow for; null when they are not asked for. */
  auditStream: z.object({ written: z.int(), dropped: z.int() }).nullable(),
  tokens: z.object({ active: z.int(), expired: z.int(), revoked: z.int() }),
  keys: z.array(
    z.object({
      name: z.string(),
      provider: z.string(),
      /** Empty: declared, and without a value so far. */
      state: z.enum(['active', 'disabled', 'empty']),
      /** Since when the value in use is known to be outside. */
      exposedAt: time.nullable(),
    }),
  ),
  budgetClock,
  /** Paused, exhausted, or with 80 % of the limit spent or held. */
  budgetsNearLimit: z.array(budget),
  /** Teams that no budget of their own stops. */
  teamsWithoutBudget: z.array(z.string()),
});
