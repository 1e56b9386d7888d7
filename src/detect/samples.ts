/** Values for examples of rules, put together at run time: no file of the project holds a text that looks like a key. */
import type { Alphabet } from './bytes.ts';

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

const CHARACTERS: Readonly<Record<Alphabet | 'digit', string>> = {
  digit: DIGITS,
  hex: `${DIGITS}abcdef`,
  lowerAlnum: DIGITS + LOWER,
  upperAlnum: DIGITS + UPPER,
  alnum: DIGITS + LOWER + UPPER,
  lowerBase32: `${LOWER}234567`,
  base32: `${UPPER}234567`,
  base64: `${DIGITS}${LOWER}${UPPER}+/`,
  value: `${DIGITS}${LOWER}${UPPER}_.~+/=-`,
  key: `${DIGITS}${LOWER}${UPPER}_-`,
};

/** `length` characters that look random and are always the same for the same `seed`. */
export function sample(alphabet: Alphabet | 'digit', length: number, seed = 0): string {
  const characters = CHARACTERS[alphabet];
  // A linear congruential generator: its high bits are good enough to look at.
  let state = (seed * 2654435761 + 12345) >>> 0;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += characters[Math.floor((state / 2 ** 32) * characters.length)] ?? '';
  }
  return text;
}
