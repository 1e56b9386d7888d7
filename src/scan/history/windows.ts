/**
 * How far around a new part of an object a scan has to look, so that whatever the part adds, ends or joins is seen as a whole: to both sides at
 * least `NEAR` bytes, then on to a place where no value can go on, and then as much as a name before a value can take.
 */
import { BESIDE, isSpace, QUOTES } from '../../detect/joined.ts';

/** Names stand before their values, within 128 bytes; a shorter value ends within as much. */
const NEAR = 160;
/** What is longer than any value, in whichever encoding (LONGEST_VALUE_BYTES of detect/). */
const FAR = 24 * 1024;
/** So many characters without a blank may be a line of several that belong together, as of base64. */
const DENSE = 40;

/** Where to begin before `at`. */
export function windowStart(bytes: Uint8Array, at: number): number {
  const lowest = Math.max(0, at - FAR);
  let place = Math.max(lowest, at - NEAR);
  for (;;) {
    while (place > lowest && !isSpace(bytes[place - 1] as number)) place -= 1;
    if (place <= lowest) return lowest;
    let end = place - 1;
    while (end > lowest && isSpace(bytes[end - 1] as number)) end -= 1;
    let start = end;
    while (start > lowest && !isSpace(bytes[start - 1] as number)) start -= 1;
    if (end - start < DENSE && !isJoint(bytes[end - 1], bytes[place])) return Math.max(0, place - NEAR);
    place = start;
  }
}

/** Where to end behind `at`. */
export function windowEnd(bytes: Uint8Array, at: number, size: number): number {
  const highest = Math.min(size, at + FAR);
  let place = Math.min(highest, at + NEAR);
  for (;;) {
    while (place < highest && !isSpace(bytes[place] as number)) place += 1;
    if (place >= highest) return highest;
    let start = place;
    while (start < highest && isSpace(bytes[start] as number)) start += 1;
    let end = start;
    while (end < highest && !isSpace(bytes[end] as number)) end += 1;
    if (end - start < DENSE && !isJoint(bytes[place - 1], bytes[start])) return Math.min(size, place + NEAR);
    place = end;
  }
}

/** Whether the blanks between two characters may be inside of literals that are joined (detect/joined.ts). */
function isJoint(before: number | undefined, behind: number | undefined): boolean {
  if (before === undefined || behind === undefined) return false;
  return (
    before === 0x5c ||
    ((QUOTES.has(before) || QUOTES.has(behind)) && BESIDE.has(before) && BESIDE.has(behind))
  );
}
