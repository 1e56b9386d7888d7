/** Numbers in base62. */

export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `value` as base62, left-padded with zeros to `width` characters. `value` is an integer in 0..2^53. */
export function toBase62(value: number, width: number): string {
  let text = '';
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) text = `${BASE62[rest % 62] ?? ''}${text}`;
  return text.padStart(width, '0');
}
