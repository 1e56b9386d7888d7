/** The JSON shapes of questions about values that were found somewhere. A question has hashes (core/leak-hash.ts), never a value. */
import { z } from 'zod';
import { exposure, time } from './shapes.ts';

/** More values are asked about in several questions. */
export const MAX_LEAK_VALUES = 256;

/** 32 bytes. The last of its characters has two spare bits, which are zero. */
const hash = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, '32 bytes in base64url');
/** Where a value was found. Goes on record and into alerts. */
const place = z.string().regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,300}$/u, 'up to 300 characters in one line');

export const leakQuestion = z.strictObject({
  /** Made anew for every question. */
  salt: hash,
  values: z.array(z.strictObject({ hash, place: place.optional() })).max(MAX_LEAK_VALUES),
  /** Access tokens of this or another gateway, by the id in their text. */
  tokens: z
    .array(z.strictObject({ id: z.string().regex(/^[0-9A-Za-z]{12}$/), hash, place: place.optional() }))
    .max(MAX_LEAK_VALUES),
});
export type LeakQuestion = z.infer<typeof leakQuestion>;

export const leakedKey = z.object({
  /** Of the value that was asked about. */
  index: z.int(),
  name: z.string(),
  provider: z.string(),
  team: z.string().nullable(),
  environment: z.string().nullable(),
  purpose: z.string().nullable(),
  version: z.int(),
  label: z.string(),
  state: z.enum(['pending', 'active', 'retired']),
  /** Of the key: a disabled one pays for no call, whatever its versions are. */
  slotState: z.enum(['active', 'disabled']),
  createdAt: time,
  /** When another version took its place. */
  retiredAt: time.nullable(),
  /** The newest call that was made with it, and whose that was. */
  lastUse: z.object({ at: time, token: z.string().nullable(), team: z.string().nullable() }).nullable(),
  exposed: exposure.nullable(),
});
export type LeakedKey = z.infer<typeof leakedKey>;

export const leakedToken = z.object({
  index: z.int(),
  id: z.string(),
  /** `wrong`: somebody made it up around an id. `unknown`: it was issued by an older version, which kept nothing that would tell. */
  proof: z.enum(['right', 'wrong', 'unknown']),
  /** Null unless the proof is right: an id is known to many. */
  details: z
    .object({
      name: z.string().nullable(),
      type: z.string(),
      team: z.string().nullable(),
      environment: z.string(),
      state: z.enum(['active', 'expired', 'revoked']),
      createdAt: time,
      expiresAt: time,
      revokedAt: time.nullable(),
      revokedReason: z.string().nullable(),
      lastUsedAt: time.nullable(),
    })
    .nullable(),
});
export type LeakedToken = z.infer<typeof leakedToken>;

const notCompared = z.int();

export const leakAnswer = z.object({
  keys: z.array(leakedKey),
  tokens: z.array(leakedToken),
  /** Versions of keys whose value is not in the database, or does not open. */
  notCompared,
});

export const leakResponse = z.object({
  /** `changed`: it was marked or revoked by this, and was not before. */
  keys: z.array(leakedKey.extend({ changed: z.boolean() })),
  tokens: z.array(leakedToken.extend({ changed: z.boolean() })),
  notCompared,
});

export const exposureChange = z.strictObject({
  exposed: z.boolean(),
  /** Left out: the one in use. */
  version: z.int().min(1).optional(),
  reason: z.string().min(1).max(500).optional(),
});

export const exposureState = z.object({
  name: z.string(),
  version: z.int(),
  state: z.enum(['pending', 'active', 'retired']),
  changed: z.boolean(),
  exposed: exposure.nullable(),
});
