/** How often one principal may ask whose a value is: often enough for a large scan, too seldom to find a value by trying. */
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';

const MINUTE_MS = 60_000;
export const LEAK_QUESTIONS_PER_MINUTE = 60;

export class LeakLimits {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** By principal: what may be asked now, and when that was so. Grows back evenly. */
  readonly #left = new Map<string, { questions: number; atMs: number }>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Throws `limit.rate`. */
  admit(principal: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#left.get(principal) ?? { questions: LEAK_QUESTIONS_PER_MINUTE, atMs: nowMs };
    const grown = ((nowMs - before.atMs) * LEAK_QUESTIONS_PER_MINUTE) / MINUTE_MS;
    const questions = Math.min(LEAK_QUESTIONS_PER_MINUTE, before.questions + grown);
    if (questions < 1) {
      throw new SallyportError(
        'limit.rate',
        `More than ${LEAK_QUESTIONS_PER_MINUTE} questions about leaks a minute are not answered.`,
        {
          fix: 'Ask about up to 256 values at once, or wait a little.',
          retryable: true,
          retryAfterSeconds: Math.ceil(((1 - questions) * MINUTE_MS) / LEAK_QUESTIONS_PER_MINUTE / 1000),
        },
      );
    }
    this.#left.set(principal, { questions: questions - 1, atMs: nowMs });
  }
}
