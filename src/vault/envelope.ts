/**
 * Sealed records. Format: docs/spec/envelope.md; vectors: test/vectors/envelope.json.
 * The store is untrusted: it may drop or replay a record, but must never make one open for another owner.
 */
import { createSecretKey, type KeyObject, randomFillSync } from 'node:crypto';
import { termOf } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { encodeTuple } from '../core/tuple.ts';
import type { RecordKind } from '../records/store.ts';
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts';
import type { Keyring } from './keyring.ts';

/** Whom a record belongs to and where its secret may be sent. All of it is authenticated; none of it is stored in the envelope. */
export interface OwnerRef {
  /** Who may use it, as one text, such as `chatbot/prod`. */
  readonly owner: string;
  readonly recordKind: RecordKind;
  readonly recordId: string;
  readonly version: number;
  readonly provider: string;
  readonly upstreamOrigin: string;
}

const FORMAT = 0x01;
const DEK_BYTES = 32;
const TERM_AT = 1;
const WRAP_NONCE_AT = 5;
const WRAPPED_AT = WRAP_NONCE_AT + NONCE_BYTES;
const NONCE_AT = WRAPPED_AT + DEK_BYTES + TAG_BYTES;
const DATA_AT = NONCE_AT + NONCE_BYTES;
export const MAX_PLAINTEXT_BYTES = 16 * 1024;
const WRAP_LABEL = encodeTuple(['sallyport/envelope/1/wrap', String(FORMAT)]);
const DATA_LABEL = encodeTuple(['sallyport/envelope/1/data', String(FORMAT)]);
const MIN_BYTES = DATA_AT + 1 + TAG_BYTES;
const MAX_BYTES = DATA_AT + MAX_PLAINTEXT_BYTES + TAG_BYTES;

/**
 * Seals a value for exactly this owner under a fresh data key, which encrypts this one message and is wiped.
 * The plaintext stays the caller's to wipe. Throws `input.invalid` for an empty value or one above 16 KiB.
 */
export function seal(plaintext: Secret | Uint8Array, owner: OwnerRef, keyring: Keyring): Buffer {
  if (plaintext instanceof Secret) return plaintext.reveal((bytes) => seal(bytes, owner, keyring));
  if (plaintext.length === 0 || plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw new SallyportError('input.invalid', 'A sealed value has between 1 and 16,384 bytes.');
  }
  const aad = aadsFor(owner, keyring);
  const dek = randomFillSync(Buffer.allocUnsafeSlow(DEK_BYTES));
  try {
    const { term, nonce: wrapNonce, wrapped } = keyring.wrap(dek, aad.wrap);
    const head = Buffer.alloc(WRAP_NONCE_AT);
    head.writeUInt8(FORMAT, 0);
    head.writeUInt32BE(term, TERM_AT);
    const nonce = randomFillSync(new Uint8Array(NONCE_BYTES));
    return Buffer.concat([head, wrapNonce, wrapped, nonce, gcmSeal(dek, nonce, aad.data, plaintext)]);
  } finally {
    dek.fill(0);
  }
}

/**
 * Opens a record for exactly the owner it was sealed for.
 * Throws `vault.tampered` for every failure alike, so a caller cannot learn which byte was wrong.
 * The returned Secret is wiped when disposed; do not copy it into a string.
 */
export function open(envelope: Uint8Array, owner: OwnerRef, keyring: Keyring): Secret {
  return unwrap(envelope, owner, keyring).open();
}

/**
 * A record whose outer layer is undone: it opens as often as it is asked to, without the keyring. It holds the record's data key in the
 * runtime's memory for keys, as the keyring holds the term's, and no plaintext.
 */
export interface UnwrappedRecord {
  /** As `open`. */
  open(): Secret;
}

/** Throws `vault.tampered` as `open` does, for what the outer layer shows; the rest shows at its `open`. */
export function unwrap(envelope: Uint8Array, owner: OwnerRef, keyring: Keyring): UnwrappedRecord {
  // No field has a length of its own: the total gives the ciphertext's, so there is no room for bytes that nobody authenticates.
  if (envelope.length < MIN_BYTES || envelope.length > MAX_BYTES || envelope[0] !== FORMAT) throw tampered();
  // INVARIANT: owner is authenticated as AAD of both layers (spec 3.2), so moving a row between owners makes it unopenable.
  const aad = aadsFor(owner, keyring);
  const dek = keyring.unwrap(
    {
      term: termOf(envelope.subarray(TERM_AT)),
      nonce: envelope.subarray(WRAP_NONCE_AT, WRAPPED_AT),
      wrapped: envelope.subarray(WRAPPED_AT, NONCE_AT),
    },
    aad.wrap,
  );
  if (!dek) throw tampered();
  const key: KeyObject = createSecretKey(dek);
  dek.fill(0);
  const nonce = envelope.subarray(NONCE_AT, DATA_AT);
  const sealed = envelope.subarray(DATA_AT);
  return {
    open: () => {
      const plaintext = gcmOpen(key, nonce, aad.data, sealed);
      if (!plaintext) throw tampered();
      return Secret.take(plaintext);
    },
  };
}

interface LayerAads {
  readonly wrap: Buffer;
  readonly data: Buffer;
}

/** Tuples are concatenable, so the part that both layers share is encoded once. */
function aadsFor(owner: OwnerRef, keyring: Keyring): LayerAads {
  const shared = encodeTuple([
    keyring.instance,
    owner.owner,
    owner.recordKind,
    owner.recordId,
    String(owner.version),
    owner.provider,
    owner.upstreamOrigin,
  ]);
  return { wrap: Buffer.concat([WRAP_LABEL, shared]), data: Buffer.concat([DATA_LABEL, shared]) };
}

function tampered(): SallyportError {
  return new SallyportError(
    'vault.tampered',
    'A sealed record does not open: it was changed, moved, or belongs to another owner.',
    { fix: 'Restore the data folder from a backup, or add the provider key again.' },
  );
}
