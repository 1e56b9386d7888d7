/**
 * Refusals of callers that we do not know, or whose token has ended, folded to one entry per address, reason and second: they are on record,
 * and strangers cannot fill the disk. However many addresses they have, and however long they go on, few entries a second are of one
 * address; the others are counted together. An address becomes a pseudonym only when its entry is taken, so that the table of pseudonyms is
 * bounded as well.
 */
import type { AuthRefused } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';
import { Allowance } from './allowance.ts';

type Folded = { -readonly [Field in keyof AuthRefused]: AuthRefused[Field] };

/** Entries of one address: so many at once, and then so many a second. */
const BURST = 100;
const PER_SECOND = 2;
const OTHERS = 'others';

export class StrangerRefusals {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #commit: (address: string) => string;
  /** Whoever holds the secret of an ended token is not lost among those that hold nothing. */
  readonly #allowances: { readonly strangers: Allowance; readonly ended: Allowance };
  #counts = new Map<string, Folded>();

  /** `commit` gives the pseudonym under which an address is recorded. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, commit: (address: string) => string) {
    this.#clock = clock;
    this.#commit = commit;
    const nowMs = clock.monotonicMs();
    this.#allowances = {
      strangers: new Allowance(BURST, PER_SECOND, nowMs),
      ended: new Allowance(BURST, PER_SECOND, nowMs),
    };
  }

  /** `tokenId`: of a token that has ended, whose secret was right. */
  add(address: string, errorCode: string, tokenId: string | null = null): void {
    if (this.#countOn(address, errorCode, tokenId)) return;
    const allowance = tokenId === null ? this.#allowances.strangers : this.#allowances.ended;
    const own = allowance.take(this.#clock.monotonicMs());
    if (!own && this.#countOn(OTHERS, errorCode, tokenId)) return;
    const entry = {
      action: 'auth.refused',
      address: own ? address : OTHERS,
      tokenId,
      errorCode,
      count: 1,
    } as const;
    this.#counts.set(keyOf(entry.address, errorCode, tokenId), { ...entry });
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

  #countOn(address: string, errorCode: string, tokenId: string | null): boolean {
    const known = this.#counts.get(keyOf(address, errorCode, tokenId));
    if (known) known.count += 1;
    return known !== undefined;
  }
}

function keyOf(address: string, errorCode: string, tokenId: string | null): string {
  return `${errorCode} ${tokenId ?? ''} ${address}`;
}
