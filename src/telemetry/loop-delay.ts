/**
 * How late the event loop is: a timer that should fire at a steady pace says by how much it did not. While something holds the loop for
 * 80 ms, every call waits that long.
 */
import { Histogram } from '../core/histogram.ts';

const SAMPLE_MS = 100;
const DELAY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

export class LoopDelay {
  readonly seconds = new Histogram(DELAY_SECONDS);
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    let lastMs = performance.now();
    this.#timer ??= setInterval(() => {
      const nowMs = performance.now();
      this.seconds.observe(Math.max(0, nowMs - lastMs - SAMPLE_MS) / 1000);
      lastMs = nowMs;
    }, SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
