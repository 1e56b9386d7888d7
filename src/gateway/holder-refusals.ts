/**
 * Refusals of token holders. Each is on record by itself as long as its token has few of them; beyond that they are folded to one entry per
 * token, reason and second, so that nobody who holds a token can fill the disk with calls that were never made.
 */
import type { CallRefused } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';
import { Allowance } from './allowance.ts';

/** Of one token on record by themselves: so many at once, and then so many a second. */
const BURST = 100;
const PER_SECOND = 1;

type Folded = { -readonly [Field in keyof CallRefused]: CallRefused[Field] };

export class HolderRefusals {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** Bounded by the tokens there are, times the reasons to refuse. */
  readonly #allowances = new Map<string, Allowance>();
  #folded = new Map<string, Folded>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Gives the entry to record now, or null when the refusal was counted in one that comes with `take`. `describe` runs only if need be. */
  add(tokenId: string, errorCode: string, describe: () => CallRefused): CallRefused | null {
    if (this.#mayStandAlone(tokenId)) return describe();
    const key = `${tokenId} ${errorCode}`;
    const known = this.#folded.get(key);
    if (known) known.count = (known.count ?? 0) + 1;
    else this.#folded.set(key, { ...describe(), count: 1 });
    return null;
  }

  /** The folded entries since the last call. */
  take(): CallRefused[] {
    this.#forgetIdle();
    if (this.#folded.size === 0) return [];
    const folded = this.#folded;
    this.#folded = new Map();
    return [...folded.values()];
  }

  #mayStandAlone(tokenId: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    let allowance = this.#allowances.get(tokenId);
    if (!allowance) this.#allowances.set(tokenId, (allowance = new Allowance(BURST, PER_SECOND, nowMs)));
    return allowance.take(nowMs);
  }

  #forgetIdle(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [tokenId, allowance] of this.#allowances)
      if (allowance.isFull(nowMs)) this.#allowances.delete(tokenId);
  }
}
