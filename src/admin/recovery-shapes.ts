/** The JSON shapes of recovery. Bytes are base64url. */
import { z } from 'zod';
import { time } from './shapes.ts';

const bytes = z.string().regex(/^[A-Za-z0-9_-]*$/, 'base64url');

export const material = z.object({
  instance: z.object({
    instance: z.string(),
    rootFingerprint: z.string(),
    rootCheck: bytes,
    rootKdf: z.string().nullable(),
    createdAtMs: z.int(),
  }),
  terms: z.array(z.object({ term: z.int(), wrapped: bytes, createdAtMs: z.int() })),
  /** A sealed record and what it is bound to. */
  sample: z
    .object({
      sealed: bytes,
      owner: z.object({
        owner: z.string(),
        recordKind: z.literal('key_version'),
        recordId: z.string(),
        version: z.int(),
        provider: z.string(),
        upstreamOrigin: z.string(),
      }),
    })
    .nullable(),
});

const fingerprint = z.string().regex(/^rk_[0-9a-f]{16}$/);

/** Kits are made, and drills done, on the operator's side of the socket, where the root key is; these put them on record. */
export const kitMade = z.strictObject({
  rootFingerprint: fingerprint,
  /** 0: opens with a passphrase. */
  recipients: z.int().min(0).max(100),
});
export const drillDone = z.strictObject({
  rootFingerprint: fingerprint,
  ok: z.boolean(),
  /** The sealed record that was opened. */
  opened: z.string().min(1).max(100).nullable(),
});
export const recorded = z.object({ recordedAt: time });

export const backupRequest = z.strictObject({
  /** Absolute path on the machine of the gateway. */
  out: z
    .string()
    .min(1)
    .max(4096)
    .regex(/^(\/|[A-Za-z]:)/, 'an absolute path'),
  withRootKey: z.boolean(),
});
export const backup = z.object({
  path: z.string(),
  createdAt: time,
  instance: z.string(),
  rootFingerprint: z.string(),
  /** The last entry of the journal in it. */
  head: z.object({ stream: z.string(), seq: z.int() }),
  files: z.int(),
  bytes: z.int(),
  rootKey: z.boolean(),
});

/** When each was last done for the root key in use. */
export const recoveryState = z.object({
  kitAt: time.nullable(),
  drillAt: time.nullable(),
  backupAt: time.nullable(),
});
