/**
 * The keyring: numbered 32-byte terms, kept in the database wrapped by the root key. A term wraps data keys and gives, by HKDF, one MAC
 * key per purpose. Derivations: docs/spec/envelope.md section 2. No key leaves this file; the store is trusted with nothing.
 */
import { createSecretKey, hkdfSync, randomFillSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { type Authenticator, termOf } from '../core/authenticator.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { randomBase62 } from '../core/ids.ts';
import { SHA256_BYTES, TupleMac } from '../core/sha256.ts';
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts';
import type { RootKey, RootKeyOrigin } from './kek/root-key.ts';
import type { InstanceRow, KeyringStore, TermRow } from './store.ts';

/** What a MAC key is for. A tag made for one purpose never verifies for another. */
export const MAC_PURPOSES = ['row-mac', 'token-pepper', 'field-mac', 'journal-mac'] as const;
export type MacPurpose = (typeof MAC_PURPOSES)[number];

const TERM_KEY_BYTES = 32;
const INSTANCE_CHARS = 16;
const MAX_TERM = 0xffff_ffff;
const TERM_PREFIX_BYTES = 4;
const WRAPPED_TERM_BYTES = NONCE_BYTES + TERM_KEY_BYTES + TAG_BYTES;

interface TermKeys {
  readonly wrap: KeyObject;
  readonly mac: Readonly<Record<MacPurpose, TupleMac>>;
}

/** A data key as an envelope keeps it. */
export interface WrappedKey {
  readonly term: number;
  readonly nonce: Uint8Array;
  /** Ciphertext and tag. */
  readonly wrapped: Uint8Array;
}

export class Keyring {
  readonly instance: string;
  readonly rootFingerprint: string;
  readonly rootOrigin: RootKeyOrigin;
  readonly #terms: ReadonlyMap<number, TermKeys>;
  readonly #current: number;

  private constructor(
    instance: InstanceRow,
    terms: ReadonlyMap<number, TermKeys>,
    rootOrigin: RootKeyOrigin,
  ) {
    this.instance = instance.instance;
    this.rootFingerprint = instance.rootFingerprint;
    this.rootOrigin = rootOrigin;
    this.#terms = terms;
    this.#current = Math.max(...terms.keys());
  }

  /** Starts a new instance with term 1; `rootKdf` says how its root key came from a passphrase, if it did. Rejects with `conflict` when the store already holds one. */
  static async create(
    rootKey: RootKey,
    store: KeyringStore,
    clock: Clock,
    rootKdf: string | null = null,
  ): Promise<Keyring> {
    if (await store.loadInstance()) {
      throw new SallyportError('conflict', 'This data folder already belongs to an instance.', {
        fix: 'Open it with its own root key, or choose an empty data folder.',
      });
    }
    const instance = randomBase62(INSTANCE_CHARS);
    const createdAtMs = clock.wallMs();
    const term = 1;
    const key = randomFillSync(Buffer.allocUnsafeSlow(TERM_KEY_BYTES));
    const nonce = randomFillSync(Buffer.alloc(NONCE_BYTES));
    const wrapped = Buffer.concat([nonce, rootKey.wrapTerm(key, nonce, instance, term)]);
    key.fill(0);
    await store.createInstance(
      {
        instance,
        rootFingerprint: rootKey.fingerprint,
        rootCheck: rootKey.check(instance),
        rootKdf,
        createdAtMs,
      },
      { term, wrapped, createdAtMs },
    );
    // Read back what the store really keeps: a store that mangles bytes shows now, not after the first key was sealed.
    return Keyring.open(rootKey, store);
  }

  /**
   * Opens every term. Rejects with `vault.root_key_wrong`, naming the fingerprint found and the one needed, with `vault.tampered` when
   * the stored rows were edited, and with `not_found` when there is no instance.
   */
  static async open(rootKey: RootKey, store: KeyringStore): Promise<Keyring> {
    const instance = await store.loadInstance();
    if (!instance) throw new SallyportError('not_found', 'This data folder holds no instance yet.');
    refuseWrongRoot(rootKey, instance);
    const terms = new Map<number, TermKeys>();
    for (const row of await store.loadTerms()) {
      const keys = openTerm(rootKey, instance.instance, row);
      if (!keys || terms.has(row.term)) throw keyringTampered(`term ${row.term}`);
      terms.set(row.term, keys);
    }
    if (terms.size === 0) throw keyringTampered('no terms');
    return new Keyring(instance, terms, rootKey.origin);
  }

  /**
   * Vouches for fields that an untrusted store keeps: tag = term (4 bytes, big-endian) | HMAC-SHA-256 over the encoded tuple.
   * The first field should name what is vouched for, so that one use cannot pass for another of the same purpose.
   */
  authenticator(purpose: MacPurpose): Authenticator {
    const current = this.#current;
    const terms = this.#terms;
    const currentKeys = terms.get(current);
    if (!currentKeys) throw keyringTampered('no current term');
    const expected = Buffer.alloc(SHA256_BYTES);
    return {
      terms: [...terms.keys()].toSorted((a, b) => b - a),
      tag: (fields, term = current) => {
        const keys = term === current ? currentKeys : terms.get(term);
        if (!keys) throw new TypeError('A tag was asked for under a term that the keyring does not have.');
        const tag = Buffer.allocUnsafe(TERM_PREFIX_BYTES + SHA256_BYTES);
        tag.writeUInt32BE(term);
        keys.mac[purpose].write(fields, tag, TERM_PREFIX_BYTES);
        return tag;
      },
      verify: (fields, tag) => {
        if (tag.length !== TERM_PREFIX_BYTES + SHA256_BYTES) return false;
        const keys = terms.get(termOf(tag));
        if (!keys) return false;
        keys.mac[purpose].write(fields, expected, 0);
        return timingSafeEqual(expected, tag.subarray(TERM_PREFIX_BYTES));
      },
    };
  }

  /** Wraps a data key under the current term with a fresh nonce. The caller wipes `key`. */
  wrap(key: Uint8Array, aad: Uint8Array): WrappedKey {
    const keys = this.#terms.get(this.#current);
    if (!keys) throw keyringTampered('no current term');
    const nonce = randomFillSync(new Uint8Array(NONCE_BYTES));
    return { term: this.#current, nonce, wrapped: gcmSeal(keys.wrap, nonce, aad, key) };
  }

  /** The data key, which the caller wipes, or undefined when it was not wrapped by this keyring with this AAD. */
  unwrap(key: WrappedKey, aad: Uint8Array): Buffer | undefined {
    const keys = this.#terms.get(key.term);
    return keys && gcmOpen(keys.wrap, key.nonce, aad, key.wrapped);
  }
}

function refuseWrongRoot(rootKey: RootKey, instance: InstanceRow): void {
  const rightKey = rootKey.matches(instance.instance, instance.rootCheck);
  const rightName = rootKey.fingerprint === instance.rootFingerprint;
  if (rightKey && rightName) return;
  // Only one of the two fits: the row was edited, it is not a question of which key.
  if (rightKey || rightName) throw keyringTampered('instance row');
  if (rootKey.origin === 'passphrase') {
    // What a mistyped passphrase would derive is nobody's business.
    throw new SallyportError(
      'vault.root_key_wrong',
      `The passphrase does not give the root key ${instance.rootFingerprint} that this instance needs.`,
      {
        fix: 'Type it again. If it is lost: sallyport recovery restore --kit FILE. Nothing was changed.',
      },
    );
  }
  throw new SallyportError(
    'vault.root_key_wrong',
    `The root key at ${rootKey.source} is ${rootKey.fingerprint}, but this instance needs ${instance.rootFingerprint}.`,
    { fix: 'Put the right root key file in place; your recovery kit or backup has it. Nothing was changed.' },
  );
}

function openTerm(rootKey: RootKey, instance: string, row: TermRow): TermKeys | undefined {
  const { term, wrapped } = row;
  if (!Number.isInteger(term) || term < 1 || term > MAX_TERM || wrapped.length !== WRAPPED_TERM_BYTES) {
    return undefined;
  }
  const nonce = wrapped.subarray(0, NONCE_BYTES);
  const key = rootKey.unwrapTerm(wrapped.subarray(NONCE_BYTES), nonce, instance, term);
  if (!key) return undefined;
  const macKey = (purpose: MacPurpose): TupleMac => derive(key, purpose, (bytes) => new TupleMac(bytes));
  const keys = {
    wrap: derive(key, 'wrap', createSecretKey),
    mac: {
      'row-mac': macKey('row-mac'),
      'token-pepper': macKey('token-pepper'),
      'field-mac': macKey('field-mac'),
      'journal-mac': macKey('journal-mac'),
    },
  };
  key.fill(0);
  return keys;
}

function derive<K>(termKey: Uint8Array, purpose: 'wrap' | MacPurpose, use: (bytes: Uint8Array) => K): K {
  const bytes = new Uint8Array(
    hkdfSync('sha256', termKey, new Uint8Array(0), `sallyport/term/1/${purpose}`, 32),
  );
  const key = use(bytes);
  bytes.fill(0);
  return key;
}

function keyringTampered(detail: string): SallyportError {
  return new SallyportError('vault.tampered', 'The keyring in the database was changed outside Sallyport.', {
    detail,
    fix: 'Restore the whole data folder from one backup. Sallyport does not start on an edited keyring.',
  });
}
