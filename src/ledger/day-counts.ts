/**
 * Requests per day, per subject: the calls that were started on this local date of the limit's time zone. The audit index has them all, so
 * a restart goes on where the last process was; a day that has ended never comes back, whatever the clock does.
 */
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { periodKey, periodSpan } from './period.ts';
import { type RateState, tighter } from './rates.ts';

export const MAX_RPD = 100_000_000;

interface DayCount {
  readonly limit: number;
  readonly zone: string;
  startMs: number;
  endMs: number;
  count: number;
}

/** Where earlier calls of a day are still to be counted. */
export interface OpenDay {
  readonly sinceMs: number;
  /** What comes from then on was counted already. */
  readonly untilMs: number;
  /** Adds what was found, unless the day is over. */
  readonly add: (calls: number) => void;
}

export class DayCounts {
  readonly #clock: Clock;
  readonly #days = new Map<string, DayCount>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * In force for the next call. Null is unlimited. A changed limit keeps its count; for a new one, or another zone, the calls that the day
   * had before are the caller's to find: the day is returned.
   */
  setLimit(subject: string, limit: number | null, zone: string): OpenDay | null {
    const known = this.#days.get(subject);
    if (limit === null) {
      this.#days.delete(subject);
      return null;
    }
    if (known?.zone === zone) {
      this.#days.set(subject, { ...known, limit });
      return null;
    }
    const wallMs = this.#clock.wallMs();
    const span = periodSpan(periodKey('day', wallMs, zone), zone);
    const day: DayCount = { limit, zone, ...span, count: 0 };
    this.#days.set(subject, day);
    return {
      sinceMs: span.startMs,
      // A call of this very millisecond may be counted twice; none is forgotten.
      untilMs: Math.floor(wallMs) + 1,
      add: (calls) => {
        const now = this.#days.get(subject);
        if (now?.zone === zone && now.startMs === span.startMs) now.count += calls;
      },
    };
  }

  /** Why one more call cannot be let in today; null when it can. */
  refusal(subjects: readonly string[]): SallyportError | null {
    if (this.#days.size === 0) return null;
    const wallMs = this.#clock.wallMs();
    let refused: SallyportError | null = null;
    for (const subject of subjects) {
      const day = this.#today(subject, wallMs);
      if (day && day.count >= day.limit) refused ??= dayRefusal(subject, day);
    }
    return refused;
  }

  /** Counts a call. The returned function takes it back: for a call that was never started. */
  take(subjects: readonly string[]): () => void {
    if (this.#days.size === 0) return takeNothing;
    const wallMs = this.#clock.wallMs();
    const counted: [subject: string, startMs: number][] = [];
    for (const subject of subjects) {
      const day = this.#today(subject, wallMs);
      if (!day) continue;
      day.count += 1;
      counted.push([subject, day.startMs]);
    }
    return () => {
      for (const [subject, startMs] of counted.splice(0)) {
        const day = this.#days.get(subject);
        if (day?.startMs === startMs) day.count -= 1;
      }
    };
  }

  tightest(subjects: readonly string[]): RateState | null {
    if (this.#days.size === 0) return null;
    const wallMs = this.#clock.wallMs();
    let tightest: RateState | null = null;
    for (const subject of subjects) {
      const day = this.#today(subject, wallMs);
      if (!day) continue;
      const { limit, count, endMs } = day;
      const remaining = Math.max(0, limit - count);
      tightest = tighter(tightest, { subject, limit, remaining, resetMs: Math.max(0, endMs - wallMs) });
    }
    return tightest;
  }

  /** Calls of today, and when they are forgotten; null for a subject without a limit. */
  view(subject: string): { readonly count: number; readonly endMs: number } | null {
    return this.#today(subject, this.#clock.wallMs()) ?? null;
  }

  #today(subject: string, wallMs: number): DayCount | undefined {
    const day = this.#days.get(subject);
    // INVARIANT: only ahead, so a clock that goes back gives nobody a second day.
    if (day && wallMs >= day.endMs) {
      Object.assign(day, periodSpan(periodKey('day', wallMs, day.zone), day.zone), { count: 0 });
    }
    return day;
  }
}

function takeNothing(): void {
  // No limit counts this call.
}

function dayRefusal(subject: string, { limit, endMs }: DayCount): SallyportError {
  if (limit === 0) {
    return new SallyportError('limit.rate', `Calls of ${subject} are switched off: its daily limit is 0.`, {
      fix: 'Ask an operator to raise the limit.',
    });
  }
  // Not retryable: an SDK that is told to come back in hours would sleep that long.
  return new SallyportError('limit.rate', `${subject} has made its ${limit} requests of this day.`, {
    fix: `The next day begins at ${new Date(endMs).toISOString()}; or ask an operator to raise the limit.`,
  });
}
