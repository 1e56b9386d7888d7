/** Chance that is the same for the same seed, on every machine: what the corpus is made from. */

export const DIGITS = '0123456789';
export const LOWER = 'abcdefghijklmnopqrstuvwxyz';
export const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const HEX = `${DIGITS}abcdef`;
export const ALNUM = DIGITS + LOWER + UPPER;
export const LOWER_ALNUM = DIGITS + LOWER;
export const BASE32 = `${UPPER}234567`;
export const BASE64 = `${ALNUM}+/`;
export const UNRESERVED = `${ALNUM}_-`;

export class Random {
  #state: number;

  /** Different for each name, so that a cell of the matrix does not change when another is added. */
  constructor(seed: number, ...names: readonly string[]) {
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(`${seed}\0${names.join('\0')}`))
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    this.#state = hash;
  }

  /** From 0 to 1, without 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let word = this.#state;
    word = Math.imul(word ^ (word >>> 15), word | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new RangeError('nothing to choose from');
    return chosen;
  }

  text(characters: string, length: number): string {
    return Array.from({ length }, () => characters.charAt(this.below(characters.length))).join('');
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  uuid(): string {
    const hex = this.text(HEX, 32);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `a${hex.slice(17, 20)}`,
      hex.slice(20),
    ].join('-');
  }

  /** Cut into `count` pieces that are not empty. */
  cut(text: string, count: number): string[] {
    const places = new Set<number>();
    while (places.size < Math.min(count, text.length) - 1) places.add(this.between(1, text.length - 1));
    const cuts = [0, ...[...places].sort((a, b) => a - b), text.length];
    return cuts.slice(1).map((end, index) => text.slice(cuts[index], end));
  }
}
