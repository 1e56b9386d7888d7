/** So many at once, and then so many a second: what may be put on record by itself. */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  /** Full at `nowMs`; all times are monotonic. */
  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  /** False when there is none left. */
  take(nowMs: number): boolean {
    this.#left = this.#refilled(nowMs);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  isFull(nowMs: number): boolean {
    return this.#refilled(nowMs) >= this.#burst;
  }

  #refilled(nowMs: number): number {
    return Math.min(this.#burst, this.#left + ((nowMs - this.#atMs) / 1000) * this.#perSecond);
  }
}
