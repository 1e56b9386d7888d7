/** Counts of values by size, in an array that is made once: observing a value allocates nothing. */

export class Histogram {
  /** Ascending upper bounds; a value that equals one belongs to it. */
  readonly bounds: readonly number[];
  /** Of each bucket by itself, not added up; the last is what is above every bound. */
  readonly counts: Float64Array;
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.#sum += value;
    this.#count += 1;
  }
}
