/** How values begin, of all rules together: to see that one ends where the next begins, with nothing between. */
import { standsAt } from './bytes.ts';
import { RULES } from './rules.ts';

/** Three characters of one come together by chance in one long value of a thousand. */
const LEAST = 4;
const BY_FIRST: string[][] = [];
let longest = 0;
for (const { shape } of RULES) {
  if (shape.by !== 'prefix') continue;
  for (const prefix of shape.prefixes) {
    const begin = `${shape.lead ?? ''}${prefix}`;
    longest = Math.max(longest, begin.length);
    if (begin.length >= LEAST) (BY_FIRST[begin.charCodeAt(0)] ??= []).push(begin);
  }
}

export const LONGEST_PREFIX = longest;

/** Nothing at or behind `to` is looked at. */
export function isPrefixAt(bytes: Uint8Array, at: number, to: number): boolean {
  return (
    BY_FIRST[bytes[at] ?? 0]?.some((prefix) => at + prefix.length <= to && standsAt(bytes, at, prefix)) ??
    false
  );
}
