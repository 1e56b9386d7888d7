/**
 * Where alerts go: control-plane records. What a destination must not show (a Slack URL lets anybody post; signing secrets; a mail password;
 * whose addresses get mail) is sealed for exactly that destination and origin, and opened for one message.
 */
import { z } from 'zod';
import { SallyportError } from '../core/errors.ts';
import { NAME_SHAPE } from '../core/names.ts';
import { Secret } from '../core/secret.ts';
import type { StoredRecord } from '../records/records.ts';
import { open, type OwnerRef, seal } from '../vault/envelope.ts';
import type { Keyring } from '../vault/keyring.ts';
import { DESTINATION_TYPES, MAIL_TLS } from './terms.ts';

const destinationSchema = z.strictObject({
  id: z.string().regex(/^dst_[0-9A-Za-z]{12}$/),
  name: z.string().regex(NAME_SHAPE),
  type: z.enum(DESTINATION_TYPES),
  /** `https://host`, or `smtp://host:port`. */
  origin: z.string().min(1).max(300),
  allowPrivate: z.boolean(),
  /** Types of alerts, such as `budget.paused` or `key.*`. */
  events: z.array(z.string().min(1).max(40)).min(1).max(40),
  /** Only alerts about this team; null: all. */
  team: z.string().nullable(),
  /** Of mail. */
  tls: z.enum(MAIL_TLS).nullable(),
  /** Counts what was sealed for it. */
  version: z.int().min(1),
  state: z.enum(['active', 'removed']),
  createdAt: z.iso.datetime(),
});
export type Destination = Readonly<z.infer<typeof destinationSchema>>;

const sealedSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('slack'), url: z.string() }),
  z.strictObject({
    type: z.literal('webhook'),
    url: z.string(),
    /** Newest first; a message is signed with each that has not ended. */
    secrets: z
      .array(z.strictObject({ value: z.string(), endsAtMs: z.int().nullable() }))
      .min(1)
      .max(2),
  }),
  z.strictObject({
    type: z.literal('email'),
    from: z.string(),
    to: z.array(z.string()).min(1),
    user: z.string().nullable(),
    password: z.string().nullable(),
  }),
  /** What a removed destination keeps. */
  z.strictObject({ type: z.literal('nothing') }),
]);
export type DestinationSecrets = z.infer<typeof sealedSchema>;

export interface HeldDestination {
  readonly destination: Destination;
  /** Null when the database lost it. */
  readonly sealed: Uint8Array | null;
}

/** The destination in a record. Throws `store.tampered` for one that this version of Sallyport could not have written. */
export function destinationOf(record: StoredRecord): HeldDestination {
  const parsed = destinationSchema.safeParse(record.body);
  if (!parsed.success || parsed.data.id !== record.id) {
    throw new SallyportError(
      'store.tampered',
      `The alert destination "${record.id}" is not one that this version of Sallyport can read.`,
      { fix: 'Start the version that wrote it, or restore the data folder from a backup.' },
    );
  }
  return { destination: Object.freeze(parsed.data), sealed: record.sealed };
}

/** The body to store. Throws for one that could not be read back. */
export function destinationBody(destination: Destination): Destination {
  return destinationSchema.parse(destination);
}

export function sealSecrets(secrets: DestinationSecrets, destination: Destination, keyring: Keyring): Buffer {
  using text = Secret.fromText(JSON.stringify(sealedSchema.parse(secrets)));
  return seal(text, ownerOf(destination), keyring);
}

/** Throws `vault.tampered`, also when the database lost it. */
export function openSecrets({ destination, sealed }: HeldDestination, keyring: Keyring): DestinationSecrets {
  if (!sealed) {
    throw new SallyportError(
      'vault.tampered',
      `The secret of the alert destination "${destination.name}" is lost.`,
      {
        fix: 'Remove the destination and add it again.',
      },
    );
  }
  using secret = open(sealed, ownerOf(destination), keyring);
  return secret.revealText((text) => sealedSchema.parse(JSON.parse(text)));
}

function ownerOf({ id, type, origin, version }: Destination): OwnerRef {
  return {
    owner: '*/*',
    recordKind: 'alert_destination',
    recordId: id,
    version,
    provider: type,
    upstreamOrigin: origin,
  };
}
