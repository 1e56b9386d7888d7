/** Says when so many credentials are refused that somebody may be guessing: at once, then every ten minutes while it goes on. */
import type { AuthBurst, AuthRefused } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';

const WINDOW_MS = 60_000;
const QUIET_MS = 10 * 60_000;

export interface AuthBurstsDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Refusals within a minute; 0: never. */
  readonly threshold: number;
  readonly record: (entry: AuthBurst) => void;
}

export class AuthBursts {
  readonly #deps: AuthBurstsDeps;
  /** Of the last minute. Folded by who hands them in, so there are at most about a hundred a second. */
  #recent: { readonly atMs: number; readonly count: number; readonly address: string }[] = [];
  #quietUntilMs = -Infinity;

  constructor(deps: AuthBurstsDeps) {
    this.#deps = deps;
  }

  /** Takes the refusals of the time since the last call. */
  see(refused: readonly AuthRefused[]): void {
    const { clock, threshold, record } = this.#deps;
    if (refused.length === 0 || threshold === 0) return;
    const nowMs = clock.monotonicMs();
    this.#recent = this.#recent.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    for (const { count, address } of refused) this.#recent.push({ atMs: nowMs, count, address });
    const count = this.#recent.reduce((sum, one) => sum + one.count, 0);
    if (count < threshold || nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + QUIET_MS;
    record({
      action: 'auth.burst',
      principal: 'system',
      count,
      windowSeconds: WINDOW_MS / 1000,
      addresses: new Set(this.#recent.map(({ address }) => address)).size,
      threshold,
    });
  }
}
