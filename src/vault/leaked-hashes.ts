/** Hashes of values that were found somewhere, to be compared with the values in the vault. How they are made: core/leak-hash.ts. */
import { createHmac, randomBytes } from 'node:crypto';
import { leakHash } from '../core/leak-hash.ts';
import type { Secret } from '../core/secret.ts';
import type { KeySlot, KeyVersion } from './provider-keys.ts';

export interface LeakedVersion {
  /** Of the hash that its value has. */
  readonly index: number;
  readonly slot: KeySlot;
  readonly version: KeyVersion;
}

export interface LeakedVersions {
  readonly found: readonly LeakedVersion[];
  /** Versions whose value is not in the database, or does not open. */
  readonly notCompared: number;
}

export class LeakedHashes {
  readonly #salt: Uint8Array;
  /** INVARIANT: nobody knows it, so how long a look into the map takes says nothing about a hash that is not among those given. */
  readonly #blind = randomBytes(32);
  readonly #indices = new Map<string, number[]>();

  constructor(salt: Uint8Array, hashes: readonly Uint8Array[]) {
    this.#salt = salt;
    for (const [index, hash] of hashes.entries()) {
      const key = this.#blinded(hash);
      this.#indices.set(key, [...(this.#indices.get(key) ?? []), index]);
    }
  }

  /** Of the hashes that are this value's. */
  indicesOf(value: Secret): readonly number[] {
    const hash = value.reveal((bytes) => leakHash(this.#salt, bytes));
    return this.#indices.get(this.#blinded(hash)) ?? [];
  }

  #blinded(hash: Uint8Array): string {
    return createHmac('sha256', this.#blind).update(hash).digest('base64url');
  }
}
