/**
 * The bounds that a token's requests are kept within, as a preset states them: pure data, written into the token's record when it is
 * issued. What is over a bound is trimmed or refused, as the bound says. guard/ applies them to a request's bytes, decide.ts to its facts.
 */
import { z } from 'zod';

/** What becomes of a request that is over a bound. */
export const OVER = ['trim', 'refuse'] as const;
export type Over = (typeof OVER)[number];

/** The roles of the dialect. A request of a token with bounds may have no other. */
export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;
export type Role = (typeof ROLES)[number];

/** What is done about phrases that try to become instructions; from one to the next stricter. */
export const INJECTION_ACTIONS = ['flag', 'filter', 'block'] as const;

const over = z.enum(OVER);
const most = (limit: number) => z.strictObject({ atMost: z.int().min(1).max(limit), over });
const modelName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9._/@:+-]+$/, 'the name of a model, without *');

const fields = {
  /** The only models. Trimmed: the first one is asked instead. */
  models: z.strictObject({ only: z.array(modelName).min(1).max(50), over }).nullable(),
  /** Messages of one request. Trimmed: the last ones are kept, with whole tool calls. */
  messages: most(10_000).nullable(),
  /** Characters (Unicode code points) of one message's text. */
  text: most(10_000_000).nullable(),
  /** Who may speak. Trimmed: other messages are left out. */
  roles: z.strictObject({ only: z.array(z.enum(ROLES)).min(1), over }).nullable(),
  /** Output tokens of one request, all its choices together; injected where the caller sets no cap, in either case. */
  output: most(10_000_000).nullable(),
  /** Tools that the caller defines. Null: allowed. */
  tools: over.nullable(),
  /** Phrases of injection in what the caller sends, an operator's own among them. Null: not looked for. */
  injection: z
    .strictObject({
      action: z.enum(INJECTION_ACTIONS),
      phrases: z.array(z.string().min(1).max(200)).max(50),
    })
    .nullable(),
};

/** As in a record; older ones know nothing of injection. */
export const boundsSchema = z.strictObject({ ...fields, injection: fields.injection.default(null) });

/** Some of them. */
export const boundsChangeSchema = z.strictObject(fields).partial();

export type Bounds = z.infer<typeof boundsSchema>;

export const NO_BOUNDS: Bounds = {
  models: null,
  messages: null,
  text: null,
  roles: null,
  output: null,
  tools: null,
  injection: null,
};

/** True when there is nothing to apply. */
export function isUnbounded(bounds: Bounds): boolean {
  return Object.values(bounds).every((bound) => bound === null);
}
