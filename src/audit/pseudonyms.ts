/**
 * Addresses and end users stand in the journal as salted commitments, their clear values in a table that may be erased: the chain stays
 * whole when a person has to be forgotten. A salt is random per value and leaves with it, so a commitment cannot be guessed afterwards.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { PseudonymRow } from './store.ts';

const MAX_REMEMBERED = 20_000;
const COMMITMENT_CHARS = 22;

export class Pseudonyms {
  readonly #known = new Map<string, string>();
  #unsaved: PseudonymRow[] = [];

  /** The commitment of a value: the same for the same value until it falls out of memory (20,000 values) or the process ends. */
  commit(kind: PseudonymRow['kind'], value: string): string {
    const name = `${kind}:${value}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const salt = randomBytes(16);
    const digest = createHash('sha256').update(salt).update(name).digest('base64url');
    const commitment = `${kind === 'user' ? 'u' : 'a'}_${digest.slice(0, COMMITMENT_CHARS)}`;
    if (this.#known.size >= MAX_REMEMBERED) {
      const oldest = this.#known.keys().next();
      if (!oldest.done) this.#known.delete(oldest.value);
    }
    this.#known.set(name, commitment);
    this.#unsaved.push({ commitment, kind, value, salt });
    return commitment;
  }

  /** Rows to store; `restore` gives them back when storing failed. */
  take(): PseudonymRow[] {
    return this.#unsaved.splice(0);
  }

  restore(rows: readonly PseudonymRow[]): void {
    this.#unsaved = [...rows, ...this.#unsaved];
  }
}
