/**
 * Refusals of callers that we do not know, folded to one entry per address, reason and second: they are on record, and strangers cannot
 * fill the disk.
 */
import type { AuthRefused } from '../audit/entry.ts';

/** Further addresses of the same second share one entry. */
const MAX_ADDRESSES = 1000;
const OTHERS = 'others';

export class StrangerRefusals {
  #counts = new Map<string, { action: 'auth.refused'; address: string; errorCode: string; count: number }>();

  add(address: string, errorCode: string): void {
    const key = `${errorCode} ${address}`;
    const known = this.#counts.get(key);
    if (known) {
      known.count += 1;
      return;
    }
    if (this.#counts.size < MAX_ADDRESSES || address === OTHERS)
      this.#counts.set(key, { action: 'auth.refused', address, errorCode, count: 1 });
    else this.add(OTHERS, errorCode);
  }

  /** The entries of the time since the last call. */
  take(): AuthRefused[] {
    if (this.#counts.size === 0) return [];
    const counts = this.#counts;
    this.#counts = new Map();
    return [...counts.values()];
  }
}
