/**
 * What the vault keeps of a provider key: a named slot, and one record per version of its value. Bodies are validated whenever they are
 * read; a field that this version does not know is an error, because what it restricts would be lost.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Authenticator } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import { NAME_SHAPE } from '../core/names.ts';
import { Secret } from '../core/secret.ts';
import type { StoredRecord } from '../records/records.ts';
import type { OwnerRef } from './envelope.ts';
import { exposureSchema } from './exposure.ts';

/** A slot with this purpose serves its own team only, so that a demo key never pays for anybody else. */
export const DEMO_PURPOSE = 'demo';
/** Lower case only: a provider key that was put where a name belongs is then no name, and is not repeated in an error. */
export const SLOT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

const slotName = z.string().regex(SLOT_NAME);
const name = z.string().regex(NAME_SHAPE);
const text = z.string().min(1).max(200);

const slotSchema = z.strictObject({
  name: slotName,
  provider: name,
  /** Exact origin that the key may be sent to, such as `https://api.groq.com`. */
  origin: z.string().min(1).max(300),
  allowPrivateOrigin: z.boolean(),
  /** Null: any team. */
  team: name.nullable(),
  /** Null: any environment. */
  environment: name.nullable(),
  purpose: name.nullable(),
  providerOrganization: text.nullable(),
  providerProject: text.nullable(),
  state: z.enum(['active', 'disabled']),
  /** 0: declared, and without a value so far. */
  activeVersion: z.int().min(0),
  createdAt: z.iso.datetime(),
});

const versionSchema = z.strictObject({
  slot: slotName,
  version: z.int().min(1),
  /** To type into the provider's console as the key's name there. */
  label: z.string().min(1).max(100),
  /** `pending`: sealed, not yet in use; a version that stays so was left by an interrupted change and is never used. */
  state: z.enum(['pending', 'active', 'retired']),
  createdAt: z.iso.datetime(),
  /** Keyed digest of the value (64 bits): finds a leaked key again, tells nothing to who has only the database. */
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
  /** Records from before have none. */
  exposed: exposureSchema.nullable().default(null),
});

export type KeySlot = Readonly<z.infer<typeof slotSchema>>;
export type KeyVersion = Readonly<z.infer<typeof versionSchema>>;

/** The id of a version's record, and the `keyId` of calls made with it. */
export function versionId(slot: string, version: number): string {
  return `${slot}@${version}`;
}

/** The slot in a record. Throws `store.tampered` when it is not one that this version of Sallyport could have written. */
export function slotOf(record: StoredRecord): KeySlot {
  const parsed = slotSchema.safeParse(record.body);
  if (!parsed.success || parsed.data.name !== record.id) throw unreadable(record);
  return Object.freeze(parsed.data);
}

/** The version in a record. Throws `store.tampered` likewise. */
export function versionOf(record: StoredRecord): KeyVersion {
  const parsed = versionSchema.safeParse(record.body);
  if (!parsed.success || versionId(parsed.data.slot, parsed.data.version) !== record.id) {
    throw unreadable(record);
  }
  return Object.freeze(parsed.data);
}

/** The body to store. Throws for one that could not be read back: it must not reach the journal. */
export function slotBody(slot: KeySlot): KeySlot {
  return slotSchema.parse(slot);
}

/** Likewise for a version. */
export function versionBody(version: KeyVersion): KeyVersion {
  return versionSchema.parse(version);
}

/** What a version's envelope is bound to. A slot that changes any of it needs its value sealed anew. */
export function ownerOf(slot: KeySlot, version: number): OwnerRef {
  return {
    // Unambiguous: names hold neither a slash nor a star.
    owner: `${slot.team ?? '*'}/${slot.environment ?? '*'}`,
    recordKind: 'key_version',
    recordId: versionId(slot.name, version),
    version,
    provider: slot.provider,
    upstreamOrigin: slot.origin,
  };
}

/** `{slot}-{YYYY-MM}` in UTC, with `-2`, `-3`, … when that is taken. */
export function labelFor(slot: string, atMs: number, taken: ReadonlySet<string>): string {
  const base = `${slot}-${new Date(atMs).toISOString().slice(0, 7)}`;
  let label = base;
  for (let count = 2; taken.has(label); count += 1) label = `${base}-${count}`;
  return label;
}

/** Names a key value to who holds the keyring. `fieldMac` is the keyring's authenticator of that purpose. */
export function fingerprintOf(value: Secret, fieldMac: Authenticator): string {
  // The digest stands in for the value, which must not be copied into buffers that nobody wipes.
  const digest = value.reveal((bytes) => createHash('sha256').update(bytes).digest());
  return fieldMac.tag(['provider-key.value.v1', digest]).subarray(4, 12).toString('hex');
}

const MIN_VALUE_CHARS = 8;
const MAX_VALUE_CHARS = 4096;

/**
 * A copy of a pasted value without its trailing newline; both are the caller's to dispose. Throws `input.invalid` for what cannot be a
 * key, without repeating any of it.
 */
export function cleanValue(value: Secret): Secret {
  return value.reveal((bytes) => {
    let end = bytes.length;
    if (bytes[end - 1] === 0x0a) end -= bytes[end - 2] === 0x0d ? 2 : 1;
    const kept = bytes.subarray(0, end);
    if (!kept.every((byte) => byte > 0x20 && byte < 0x7f)) {
      throw new SallyportError(
        'input.invalid',
        'The key holds a space, a line break or a character that is not plain ASCII.',
        { fix: 'Copy the key alone, as the provider shows it, on one line.' },
      );
    }
    if (end < MIN_VALUE_CHARS || end > MAX_VALUE_CHARS) {
      throw new SallyportError(
        'input.invalid',
        `A key has between ${MIN_VALUE_CHARS} and ${MAX_VALUE_CHARS} characters.`,
        { fix: 'Copy the whole key from the provider.' },
      );
    }
    return Secret.take(new Uint8Array(kept));
  });
}

function unreadable(record: StoredRecord): SallyportError {
  return new SallyportError(
    'store.tampered',
    `The ${record.kind} record "${record.id}" is not one that this version of Sallyport can read.`,
    { fix: 'Start the version that wrote it, or restore the data folder from a backup.' },
  );
}
