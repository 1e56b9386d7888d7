/**
 * Refusals of callers that we do not know, or whose token has ended, folded to one entry per address, reason and second: they are on record, and strangers cannot
 * fill the disk. An address becomes a pseudonym only when its entry is taken, so that the table of pseudonyms is bounded as well.
 */
import type { AuthRefused } from '../audit/entry.ts';

type Folded = { -readonly [Field in keyof AuthRefused]: AuthRefused[Field] };

/** Further addresses of the same second share one entry. */
const MAX_ADDRESSES = 100;
const OTHERS = 'others';

export class StrangerRefusals {
  readonly #commit: (address: string) => string;
  #counts = new Map<string, Folded>();

  /** `commit` gives the pseudonym under which an address is recorded. */
  constructor(commit: (address: string) => string) {
    this.#commit = commit;
  }

  /** `tokenId`: of a token that has ended, whose secret was right. */
  add(address: string, errorCode: string, tokenId: string | null = null): void {
    const key = `${errorCode} ${tokenId ?? ''} ${address}`;
    const known = this.#counts.get(key);
    if (known) {
      known.count += 1;
      return;
    }
    if (this.#counts.size < MAX_ADDRESSES || address === OTHERS)
      this.#counts.set(key, { action: 'auth.refused', address, tokenId, errorCode, count: 1 });
    else this.add(OTHERS, errorCode);
  }

  /** The entries of the time since the last call. */
  take(): AuthRefused[] {
    if (this.#counts.size === 0) return [];
    const counts = this.#counts;
    this.#counts = new Map();
    for (const entry of counts.values()) {
      if (entry.address !== OTHERS) entry.address = this.#commit(entry.address);
    }
    return [...counts.values()];
  }
}
