/**
 * What shows that a root key is the right one: the instance row, the wrapped terms, and one sealed record. All of it is ciphertext or
 * digests, but it lets passphrases be tried, so it goes to the local socket only.
 */
import { SallyportError } from '../core/errors.ts';
import { type OwnerRef, open } from '../vault/envelope.ts';
import { RootKey, type RootKeyOrigin } from '../vault/kek/root-key.ts';
import { Keyring } from '../vault/keyring.ts';
import type { InstanceRow, KeyringStore, TermRow } from '../vault/store.ts';

export interface SealedSample {
  readonly sealed: Uint8Array;
  readonly owner: OwnerRef;
}

export interface RecoveryMaterial {
  readonly instance: InstanceRow;
  readonly terms: readonly TermRow[];
  /** Null while no provider key is sealed. */
  readonly sample: SealedSample | null;
}

/** The keyring under this root key. Takes ownership of `bytes`. Rejects with `vault.root_key_wrong` or `vault.tampered`. */
export function openMaterial(
  material: RecoveryMaterial,
  bytes: Uint8Array,
  where: string,
  origin: RootKeyOrigin,
): Promise<Keyring> {
  const store: KeyringStore = {
    loadInstance: () => Promise.resolve(material.instance),
    loadTerms: () => Promise.resolve([...material.terms]),
    createInstance: () => Promise.reject(new SallyportError('conflict', 'The instance exists.')),
  };
  return Keyring.open(RootKey.take(bytes, where, origin), store);
}

/** Opens the sealed record and wipes what was in it. Returns its name, or null when there is none. Throws `vault.tampered`. */
export function openSample({ sample }: RecoveryMaterial, keyring: Keyring): string | null {
  if (!sample) return null;
  open(sample.sealed, sample.owner, keyring)[Symbol.dispose]();
  return sample.owner.recordId;
}
