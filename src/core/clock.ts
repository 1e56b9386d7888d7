/** Two clocks, kept apart: monotonic time for waits, holds and windows; wall time for timestamps, expiry and budget periods. */

export interface Clock {
  /** Milliseconds that never go back; meaningless outside this process. */
  monotonicMs(): number;
  /** Milliseconds since 1970; may jump when an operator or NTP sets it. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
