/** Values for tests that look random, and are the same in every run: no run fails by what chance put together. */

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
let state = 20_261_126;

/** Another one at each call. */
export function randomText(length: number, characters: string = BASE62): string {
  return Array.from({ length }, () => characters[Math.floor(next() * characters.length)]).join('');
}

/** mulberry32. */
function next(): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let word = state;
  word = Math.imul(word ^ (word >>> 15), word | 1);
  word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
  return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
}
