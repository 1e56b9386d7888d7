/**
 * The root key: 32 bytes from outside the database that open the keyring and nothing else. Derivations: docs/spec/envelope.md section 2.
 * The bytes themselves are used for HKDF only and wiped at once; what remains are key objects that cannot be read back from here.
 */
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { encodeTuple } from '../../core/tuple.ts';
import { gcmOpen, gcmSeal } from '../gcm.ts';

export const ROOT_KEY_BYTES = 32;

/** What kind of place a root key came from. */
export type RootKeyOrigin = 'file' | 'env' | 'passphrase' | 'kit';

const CHECK_BYTES = 8;

export class RootKey {
  /** `rk_` and 16 hex digits: names the key without revealing it. */
  readonly fingerprint: string;
  /** Where the key came from, for messages: a path, never content. */
  readonly source: string;
  readonly origin: RootKeyOrigin;
  readonly #wrapKey: KeyObject;
  readonly #checkKey: KeyObject;

  private constructor(bytes: Uint8Array, source: string, origin: RootKeyOrigin) {
    this.fingerprint = `rk_${derive(bytes, 'fingerprint', 8).toString('hex')}`;
    this.source = source;
    this.origin = origin;
    this.#wrapKey = keyFrom(derive(bytes, 'wrap', 32));
    this.#checkKey = keyFrom(derive(bytes, 'kcv', 32));
  }

  /** Takes ownership of `bytes` (exactly 32) and wipes them. */
  static take(bytes: Uint8Array, source: string, origin: RootKeyOrigin = 'file'): RootKey {
    if (bytes.length !== ROOT_KEY_BYTES) throw new RangeError('A root key has 32 bytes.');
    try {
      return new RootKey(bytes, source, origin);
    } finally {
      bytes.fill(0);
    }
  }

  /** The key check value for an instance: 8 bytes that tell a wrong root key before anything is opened with it. */
  check(instance: string): Buffer {
    return createHmac('sha256', this.#checkKey).update(instance).digest().subarray(0, CHECK_BYTES);
  }

  /** Constant time in `value`. */
  matches(instance: string, value: Uint8Array): boolean {
    return value.length === CHECK_BYTES && timingSafeEqual(this.check(instance), value);
  }

  /** Wraps a term key for this instance and term number only: ciphertext and tag. */
  wrapTerm(termKey: Uint8Array, nonce: Uint8Array, instance: string, term: number): Buffer {
    return gcmSeal(this.#wrapKey, nonce, termAad(instance, term), termKey);
  }

  /** The term key, which the caller wipes, or undefined when it was not wrapped by this root key for this instance and number. */
  unwrapTerm(wrapped: Uint8Array, nonce: Uint8Array, instance: string, term: number): Buffer | undefined {
    return gcmOpen(this.#wrapKey, nonce, termAad(instance, term), wrapped);
  }
}

function termAad(instance: string, term: number): Buffer {
  return encodeTuple(['sallyport/keyring/1', 'term', instance, String(term)]);
}

function derive(bytes: Uint8Array, label: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', bytes, new Uint8Array(0), `sallyport/root/1/${label}`, length));
}

function keyFrom(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
