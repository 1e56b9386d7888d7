/**
 * Tokens per minute, per subject. A call counts with the most tokens that it can use from its admission on, and with what it really used
 * as soon as it has ended; both at the moment of its admission. So of the calls admitted in any 60 s, what they used plus what the
 * running ones may still use was within the limit whenever one more was let in. A call that is older than 60 s no longer counts, also
 * while it runs. In memory only: a restart begins with empty windows.
 */
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { named, type RateState, tighter, WINDOW_MS } from './rates.ts';

/** Corrects what a call counts with. Without effect once it has left the window. */
export type SettleTokens = (tokens: number) => void;

export const MAX_TPM = 1_000_000_000;

export class TokenRates {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #limits = new Map<string, number>();
  readonly #windows = new Map<string, TokenWindow>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** In force for the next call. Null is unlimited; a limit that was null until now starts to count here. */
  setLimit(subject: string, limit: number | null): void {
    if (limit === null) {
      this.#limits.delete(subject);
      this.#windows.delete(subject);
    } else {
      this.#limits.set(subject, limit);
    }
  }

  /** Why a call of so many tokens cannot be let in now; null when it can. */
  refusal(subjects: readonly string[], tokens: number): SallyportError | null {
    if (this.#limits.size === 0 || tokens === 0) return null;
    const nowMs = this.#clock.monotonicMs();
    let longest: SallyportError | null = null;
    for (const subject of subjects) {
      const limit = this.#limits.get(subject);
      if (limit === undefined) continue;
      if (tokens > limit) return tooLarge(subject, limit, tokens);
      const waitMs = this.#windows.get(subject)?.waitMs(nowMs, limit - tokens) ?? 0;
      if (waitMs <= 0) continue;
      const refused = rateRefusal(subject, limit, tokens, waitMs);
      if (!longest || (refused.retryAfterSeconds ?? 0) > (longest.retryAfterSeconds ?? 0)) longest = refused;
    }
    return longest;
  }

  /** Counts a call that `refusal` has nothing against. */
  take(subjects: readonly string[], tokens: number): SettleTokens {
    if (this.#limits.size === 0 || tokens === 0) return settleNothing;
    const nowMs = this.#clock.monotonicMs();
    const entries: [window: TokenWindow, entry: number][] = [];
    for (const subject of subjects) {
      if (!this.#limits.has(subject)) continue;
      let window = this.#windows.get(subject);
      if (!window) this.#windows.set(subject, (window = new TokenWindow()));
      entries.push([window, window.add(nowMs, tokens)]);
    }
    return (used) => {
      for (const [window, entry] of entries) window.correct(entry, used);
    };
  }

  tightest(subjects: readonly string[]): RateState | null {
    if (this.#limits.size === 0) return null;
    const nowMs = this.#clock.monotonicMs();
    let tightest: RateState | null = null;
    for (const subject of subjects) {
      const limit = this.#limits.get(subject);
      if (limit === undefined) continue;
      const window = this.#windows.get(subject);
      const remaining = Math.max(0, limit - (window?.sum(nowMs) ?? 0));
      tightest = tighter(tightest, { subject, limit, remaining, resetMs: window?.emptyInMs(nowMs) ?? 0 });
    }
    return tightest;
  }

  /** Forgets empty windows. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [subject, window] of this.#windows)
      if (window.emptyInMs(nowMs) === 0) this.#windows.delete(subject);
  }
}

/** The calls of 60 s with their tokens, oldest first: a ring that doubles when it is full. */
class TokenWindow {
  #times = new Float64Array(8);
  #tokens = new Float64Array(8);
  /** Entries are numbered for ever; those from `#first` to before `#next` are in the window. */
  #first = 0;
  #next = 0;
  #sum = 0;

  /** Returns the entry's number. */
  add(nowMs: number, tokens: number): number {
    this.#expire(nowMs);
    if (this.#next - this.#first === this.#times.length) this.#grow();
    const at = this.#next & (this.#times.length - 1);
    this.#times[at] = nowMs;
    this.#tokens[at] = tokens;
    this.#sum += tokens;
    this.#next += 1;
    return this.#next - 1;
  }

  correct(entry: number, tokens: number): void {
    if (entry < this.#first) return;
    const at = entry & (this.#times.length - 1);
    this.#sum += tokens - (this.#tokens[at] ?? 0);
    this.#tokens[at] = tokens;
  }

  sum(nowMs: number): number {
    this.#expire(nowMs);
    return this.#sum;
  }

  /** How long until no more than `room` is left in the window, if no call ends before; 0 when that is so now. */
  waitMs(nowMs: number, room: number): number {
    let left = this.sum(nowMs);
    let waitMs = 0;
    for (let entry = this.#first; left > room; entry += 1) {
      const at = entry & (this.#times.length - 1);
      left -= this.#tokens[at] ?? 0;
      waitMs = (this.#times[at] ?? 0) + WINDOW_MS - nowMs;
    }
    return waitMs;
  }

  /** How long until nothing is counted any more. */
  emptyInMs(nowMs: number): number {
    this.#expire(nowMs);
    if (this.#first === this.#next) return 0;
    return (this.#times[(this.#next - 1) & (this.#times.length - 1)] ?? 0) + WINDOW_MS - nowMs;
  }

  #expire(nowMs: number): void {
    const mask = this.#times.length - 1;
    while (this.#first < this.#next && nowMs - (this.#times[this.#first & mask] ?? 0) >= WINDOW_MS) {
      this.#sum -= this.#tokens[this.#first & mask] ?? 0;
      this.#first += 1;
    }
  }

  #grow(): void {
    const size = this.#times.length;
    const times = new Float64Array(size * 2);
    const tokens = new Float64Array(size * 2);
    for (let entry = this.#first; entry < this.#next; entry += 1) {
      times[entry & (size * 2 - 1)] = this.#times[entry & (size - 1)] ?? 0;
      tokens[entry & (size * 2 - 1)] = this.#tokens[entry & (size - 1)] ?? 0;
    }
    this.#times = times;
    this.#tokens = tokens;
  }
}

function settleNothing(): void {
  // No limit counts this call.
}

function tooLarge(subject: string, limit: number, tokens: number): SallyportError {
  const message = `This request may use up to ${tokens} tokens, more than the ${limit} tokens of any 60 seconds that ${named(subject)} has.`;
  return new SallyportError(
    'limit.too_large',
    limit === 0 ? `Calls of ${named(subject)} are switched off: its token rate is 0.` : message,
    {
      fix:
        limit === 0
          ? 'Ask an operator to raise the token rate.'
          : 'Ask for fewer output tokens (max_completion_tokens) or send a shorter prompt; it will not fit later either.',
    },
  );
}

function rateRefusal(subject: string, limit: number, tokens: number, waitMs: number): SallyportError {
  return new SallyportError(
    'limit.tokens',
    `${named(subject, true)} has too few of its ${limit} tokens of any 60 seconds left for this request, which may use up to ${tokens}.`,
    {
      fix: 'Ask for fewer output tokens (max_completion_tokens), send requests more slowly, or ask an operator to raise the token rate.',
      retryable: true,
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    },
  );
}
