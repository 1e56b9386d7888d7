/** The JSON shapes of an application's own entries. Every field is listed and bounded; the names are those of `audit query`. */
import { z } from 'zod';
import { time } from './shapes.ts';

const MAX_METADATA_FIELDS = 20;

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'up to 63 letters, digits, ".", "-" or "_"');
const text = z.string().min(1).max(200);
const count = z.int().min(0).max(1_000_000_000);

export const appEntry = z.strictObject({
  /** Shown by `audit query` as `app.<event>`. */
  event: z
    .string()
    .max(64)
    .regex(
      /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*$/,
      'lower-case words joined by dots, such as "login.failed"',
    ),
  /** Of the end user; the journal keeps a commitment. */
  userId: text.optional(),
  team: name.optional(),
  project: name.optional(),
  environment: name.optional(),
  resource: text.optional(),
  provider: name.optional(),
  model: text.optional(),
  promptTokens: count.optional(),
  completionTokens: count.optional(),
  /** What the application says it cost; no budget counts it. */
  costPicoUsd: z
    .string()
    .regex(/^\d{1,18}$/, 'whole pico-USD as a decimal string')
    .optional(),
  latencyMs: z.int().min(0).max(1_000_000_000).optional(),
  result: z.enum(['success', 'error']).optional(),
  errorCode: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'up to 100 letters, digits, ".", "-" or "_"')
    .optional(),
  metadata: z
    .record(
      z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/),
      z.union([z.string().max(500), z.number(), z.boolean()]),
    )
    .refine(
      (fields) => Object.keys(fields).length <= MAX_METADATA_FIELDS,
      `at most ${MAX_METADATA_FIELDS} fields`,
    )
    .optional(),
});
export type AppEntryShape = z.infer<typeof appEntry>;

export const appEntryReceipt = z.object({
  /** Of the entry in `audit query`. */
  id: z.string(),
  /** `<stream>/<seq>/<hash>`: names its line in the journal. */
  receipt: z.string(),
  recordedAt: time,
});
