/**
 * Text that repeats itself, such as one prefix ten thousand times: what came to nothing at one place comes to nothing at the next one too, if all that a search
 * looks at is the same there. So a search behind each prefix costs nothing where nothing is new.
 */

/** More than any rule looks at, to either side of where a value begins. */
const LOOKED_AT_BYTES = 1024;
const LONGEST_PERIOD = 64;

export class Repetition {
  #missedAt = -1;
  #period = 0;
  /** In `bytes[#from..#to)` each byte is the one a period before, but for the first period. */
  #from = 0;
  #to = 0;

  /** Notes that nothing begins there. */
  missed(at: number): void {
    this.#missedAt = at;
  }

  /** Whether the place looks as the last one did at which nothing began. Nothing at or behind `to` is looked at. */
  isAnother(bytes: Uint8Array, at: number, to: number): boolean {
    const period = at - this.#missedAt;
    if (this.#missedAt < 0 || period > LONGEST_PERIOD) return false;
    if (period !== this.#period || at >= this.#to) this.#measure(bytes, at, to, period);
    if (at - LOOKED_AT_BYTES < this.#from || at + LOOKED_AT_BYTES > this.#to) return false;
    this.#missedAt = at;
    return true;
  }

  #measure(bytes: Uint8Array, at: number, to: number, period: number): void {
    let end = at;
    while (end < to && bytes[end] === bytes[end - period]) end += 1;
    this.#period = period;
    this.#from = this.#missedAt;
    this.#to = end;
  }
}
