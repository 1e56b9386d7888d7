/** The JSON shapes about how well provider keys are kept. */
import { z } from 'zod';
import { picoUsd, time } from './shapes.ts';

export const spendLimit = z.object({
  /** A month. */
  limitPicoUsd: picoUsd,
  /** The day on which somebody saw it in the provider's console. */
  attestedOn: z.iso.date(),
  attestedBy: z.string(),
});

/** The active version of a provider key in use. */
export const keyHygiene = z.object({
  name: z.string(),
  /** Name and version. */
  keyId: z.string(),
  provider: z.string(),
  team: z.string().nullable(),
  /** Null: it serves every environment. */
  environment: z.string().nullable(),
  providerOrganization: z.string().nullable(),
  providerProject: z.string().nullable(),
  /** Names the value without revealing it. */
  fingerprint: z.string(),
  sealedAt: time,
  /** Since when its value is known to be outside. */
  exposedAt: time.nullable(),
  ageDays: z.int(),
  /** How old it may get. */
  cadenceDays: z.int(),
  replaceBy: z.iso.date(),
  stage: z.enum(['soon', 'due', 'overdue']).nullable(),
  /** Environments of the tokens in force whose calls it pays for. */
  usedIn: z.array(z.string()),
  spendLimit: spendLimit.nullable(),
});
export type KeyHygiene = z.infer<typeof keyHygiene>;

export const attestation = z.strictObject({
  limitPicoUsd: picoUsd.regex(/^[1-9]/, 'an amount above zero'),
  on: z.iso.date(),
});
