/**
 * Rate and concurrency limits per subject (`team:<id>`, `token:<id>`). The rate is an exact sliding window: no 60 s ever hold more
 * admissions than the limit, unlike with fixed windows or refilling buckets. All limits of a call are checked before any is used.
 */
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';

export interface SubjectLimits {
  /** Calls in any 60 s. Null is unlimited, 0 refuses all. */
  readonly rateLimitRpm: number | null;
  /** Calls at the same time. Null is unlimited, 0 refuses all. */
  readonly concurrency: number | null;
}

/** The rate limit with the fewest calls left, for `x-ratelimit-*` headers. */
export interface RateState {
  readonly subject: string;
  readonly limit: number;
  readonly remaining: number;
  /** Until nothing is counted any more and all of `limit` is back, as Groq and OpenAI define a reset. */
  readonly resetMs: number;
}

/** Gives the concurrency slots back. Only the first call has an effect. */
export type ReleaseSlots = () => void;

export const WINDOW_MS = 60_000;
/** Keeps a subject's memory below 16 MB. */
export const MAX_LIMIT = 1_000_000;

interface SubjectState {
  readonly admitted: AdmissionRing;
  running: number;
}

export class RateLimits {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #limits = new Map<string, SubjectLimits>();
  readonly #states = new Map<string, SubjectState>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * Sets or changes the limits of a subject; in force for the next call. A lowered rate counts what was admitted before; a rate that
   * was unlimited until now starts to count here. Throws `input.invalid`.
   */
  setSubjectLimits(subject: string, limits: SubjectLimits): void {
    checkLimit('rate limit', limits.rateLimitRpm);
    checkLimit('concurrency limit', limits.concurrency);
    if (limits.rateLimitRpm === null && limits.concurrency === null) this.#limits.delete(subject);
    else this.#limits.set(subject, limits);
  }

  /** What `admit` would throw; null when it would let a call in. */
  refusal(subjects: readonly string[]): SallyportError | null {
    return this.#refusal(subjects, this.#clock.monotonicMs());
  }

  /**
   * Counts one call against every subject, or against none. Throws `limit.rate` or `limit.concurrency`, which name the subject and
   * when to come again. The caller must run the returned release when the call is over, however it ends.
   */
  admit(subjects: readonly string[]): ReleaseSlots {
    const nowMs = this.#clock.monotonicMs();
    const refused = this.#refusal(subjects, nowMs);
    if (refused) throw refused;
    const taken: SubjectState[] = [];
    for (const [index, subject] of subjects.entries()) {
      if (subjects.indexOf(subject) !== index) continue;
      const state = this.#stateOf(subject);
      if (this.#rpmOf(subject) !== null) state.admitted.push(nowMs);
      state.running += 1;
      taken.push(state);
    }
    return () => {
      for (const state of taken.splice(0)) state.running -= 1;
    };
  }

  /** The tightest rate limit among the subjects, or null when none has one. */
  tightest(subjects: readonly string[]): RateState | null {
    const nowMs = this.#clock.monotonicMs();
    let tightest: RateState | null = null;
    for (const subject of subjects) {
      const limit = this.#rpmOf(subject);
      if (limit === null) continue;
      const admitted = this.#states.get(subject)?.admitted;
      admitted?.expire(nowMs);
      const remaining = Math.max(0, limit - (admitted?.size ?? 0));
      const resetMs = admitted && admitted.size > 0 ? admitted.at(admitted.size - 1) + WINDOW_MS - nowMs : 0;
      tightest = tighter(tightest, { subject, limit, remaining, resetMs });
    }
    return tightest;
  }

  /** Forgets subjects with nothing running and nothing in their window. The caller ticks, every few seconds. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [subject, state] of this.#states) {
      state.admitted.expire(nowMs);
      if (state.running === 0 && state.admitted.size === 0) this.#states.delete(subject);
    }
  }

  /** How many subjects use memory now. */
  get trackedSubjects(): number {
    return this.#states.size;
  }

  #refusal(subjects: readonly string[], nowMs: number): SallyportError | null {
    let longestWaitMs = -1;
    let rateLimited = '';
    for (const subject of subjects) {
      const waitMs = this.#rateWaitMs(subject, nowMs);
      if (waitMs <= longestWaitMs) continue;
      longestWaitMs = waitMs;
      rateLimited = subject;
    }
    if (longestWaitMs >= 0) return rateRefusal(rateLimited, this.#rpmOf(rateLimited) ?? 0, longestWaitMs);
    for (const subject of subjects) {
      const limit = this.#limits.get(subject)?.concurrency ?? null;
      if (limit === null) continue;
      const running = this.#states.get(subject)?.running ?? 0;
      if (running >= limit) return concurrencyRefusal(subject, limit);
    }
    return null;
  }

  /** How long the subject has to wait for its next call; -1 when it has not. */
  #rateWaitMs(subject: string, nowMs: number): number {
    const limit = this.#rpmOf(subject);
    if (limit === null) return -1;
    if (limit === 0) return Number.POSITIVE_INFINITY;
    const admitted = this.#states.get(subject)?.admitted;
    admitted?.expire(nowMs);
    if (!admitted || admitted.size < limit) return -1;
    // With a lowered limit several admissions have to leave the window first.
    return admitted.at(admitted.size - limit) + WINDOW_MS - nowMs;
  }

  #rpmOf(subject: string): number | null {
    return this.#limits.get(subject)?.rateLimitRpm ?? null;
  }

  #stateOf(subject: string): SubjectState {
    let state = this.#states.get(subject);
    if (!state) {
      state = { admitted: new AdmissionRing(), running: 0 };
      this.#states.set(subject, state);
    }
    return state;
  }
}

/** The one with less left; of two alike the one that lasts longer. */
export function tighter(a: RateState | null, b: RateState | null): RateState | null {
  if (!a || !b) return a ?? b;
  if (a.remaining !== b.remaining) return a.remaining < b.remaining ? a : b;
  return a.resetMs >= b.resetMs ? a : b;
}

/** Times of the admissions in the window, oldest first. Grows by doubling to what one window needs, and is dropped when idle. */
class AdmissionRing {
  #times = new Float64Array(8);
  #head = 0;
  size = 0;

  /** The n-th oldest. */
  at(index: number): number {
    return this.#times[(this.#head + index) & (this.#times.length - 1)] ?? 0;
  }

  push(timeMs: number): void {
    if (this.size === this.#times.length) {
      const larger = new Float64Array(this.#times.length * 2);
      for (let index = 0; index < this.size; index += 1) larger[index] = this.at(index);
      this.#times = larger;
      this.#head = 0;
    }
    this.#times[(this.#head + this.size) & (this.#times.length - 1)] = timeMs;
    this.size += 1;
  }

  /** Drops what is 60 s old: a window is half open, so an admission and one exactly 60 s later are never in the same one. */
  expire(nowMs: number): void {
    while (this.size > 0 && nowMs - this.at(0) >= WINDOW_MS) {
      this.#head = (this.#head + 1) & (this.#times.length - 1);
      this.size -= 1;
    }
  }
}

function checkLimit(name: string, limit: number | null): void {
  if (limit === null || (Number.isInteger(limit) && limit >= 0 && limit <= MAX_LIMIT)) return;
  throw new SallyportError('input.invalid', `A ${name} must be a whole number from 0 to ${MAX_LIMIT}.`);
}

/** A subject in a message to a caller, who need not know what provider keys are called. */
export function named(subject: string, begins = false): string {
  if (!subject.startsWith('key:')) return subject;
  return `${begins ? 'The' : 'the'} provider key of this call`;
}

function rateRefusal(subject: string, limit: number, waitMs: number): SallyportError {
  if (limit === 0) {
    // No wait helps: an SDK that is told to come again would do so for ever.
    return new SallyportError(
      'limit.rate',
      `Calls of ${named(subject)} are switched off: its rate limit is 0.`,
      {
        fix: 'Ask an operator to raise the rate limit.',
      },
    );
  }
  return new SallyportError(
    'limit.rate',
    `${named(subject, true)} has made its ${limit} requests of any 60 seconds.`,
    {
      fix: 'Send requests more slowly, or ask an operator to raise the rate limit.',
      retryable: true,
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    },
  );
}

function concurrencyRefusal(subject: string, limit: number): SallyportError {
  if (limit === 0) {
    return new SallyportError(
      'limit.concurrency',
      `Calls of ${named(subject)} are switched off: its concurrency limit is 0.`,
      { fix: 'Ask an operator to raise the concurrency limit.' },
    );
  }
  return new SallyportError(
    'limit.concurrency',
    `${named(subject, true)} already has ${limit} requests running at the same time.`,
    {
      fix: 'Wait for a running request to end, or ask an operator to raise the concurrency limit.',
      retryable: true,
      retryAfterSeconds: 1,
    },
  );
}
