/**
 * How far around a new part of an object a scan has to look, so that whatever the part adds, ends or joins is seen as a whole: to both sides at
 * least `NEAR` bytes, then on to a place where no value can go on, and then as much as a name before a value can take.
 */

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
    while (place > lowest && !isBlank(bytes[place - 1] as number)) place -= 1;
    if (place <= lowest) return lowest;
    let end = place - 1;
    while (end > lowest && isBlank(bytes[end - 1] as number)) end -= 1;
    let start = end;
    while (start > lowest && !isBlank(bytes[start - 1] as number)) start -= 1;
    if (end - start < DENSE && !isJoint(bytes[end - 1], bytes[place])) return Math.max(0, place - NEAR);
    place = start;
  }
}

/** Where to end behind `at`. */
export function windowEnd(bytes: Uint8Array, at: number, size: number): number {
  const highest = Math.min(size, at + FAR);
  let place = Math.min(highest, at + NEAR);
  for (;;) {
    while (place < highest && !isBlank(bytes[place] as number)) place += 1;
    if (place >= highest) return highest;
    let start = place;
    while (start < highest && isBlank(bytes[start] as number)) start += 1;
    let end = start;
    while (end < highest && !isBlank(bytes[end] as number)) end += 1;
    if (end - start < DENSE && !isJoint(bytes[place - 1], bytes[start])) return Math.min(size, place + NEAR);
    place = end;
  }
}

/** A zero byte is none: text in UTF-16 is full of them. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

const QUOTES = new Set(Buffer.from('"\'`'));
/** Ends and beginnings of the operators between two literals, and the backslash at the end of a line. */
const OPERATORS = new Set(Buffer.from('+.&~<>|\\'));

/** Whether the blanks between two characters may be inside of literals that are joined (detect/joined.ts). */
function isJoint(before: number | undefined, behind: number | undefined): boolean {
  if (before === undefined || behind === undefined) return false;
  return before === 0x5c || ((QUOTES.has(before) || QUOTES.has(behind)) && partOf(before) && partOf(behind));
}

function partOf(byte: number): boolean {
  return QUOTES.has(byte) || OPERATORS.has(byte);
}
