/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/core/clock.ts';

export class ManualClock implements Clock {
  nowMonotonicMs = 1000;
  nowWallMs = Date.parse('2026-11-21T12:00:00Z');

  monotonicMs(): number {
    return this.nowMonotonicMs;
  }

  wallMs(): number {
    return this.nowWallMs;
  }

  pass(ms: number): void {
    this.nowMonotonicMs += ms;
    this.nowWallMs += ms;
  }
}
