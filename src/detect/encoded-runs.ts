/**
 * Text inside runs of key characters: base64 (also over several lines) and hexadecimal. What is no ASCII text when decoded is told without
 * decoding, by the characters that ASCII leaves free, so that names and hashes cost next to nothing.
 */
import { ALPHABETS, isAt, latin1 } from './bytes.ts';

/**
 * Decoded text; `placeOf` says where in the encoded bytes a place of it is. Its first `context` bytes stand before what was decoded, and are
 * there to be looked at only.
 */
export type OnText = (
  text: Buffer,
  start: number,
  end: number,
  placeOf: (at: number) => number,
  context?: number,
) => void;

/** Shorter runs hold none of both. */
export const LEAST_ENCODED_RUN = 24;
/** Shorter texts hold no value: 20 characters are 27 in base64. */
export const LEAST_BASE64_GROUPS = 6;
const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/**
 * For each byte, at which places of a group it can be whose three bytes are printable ASCII or a line end: bits 1, 2 and 4; 8 for the fourth,
 * which can be any. The first character has the upper six bits of a byte, the second ends with the upper four, the third with the upper two.
 */
export const PLACES = new Uint8Array(256);
for (const [sextet, code] of Buffer.from(CHARACTERS).entries()) {
  const first = sextet === 2 || sextet === 3 || (sextet >= 8 && sextet < 32) ? 1 : 0;
  const nibble = sextet & 15;
  const second = nibble === 0 || (nibble >= 2 && nibble < 8) ? 2 : 0;
  PLACES[code] = first | second | ((sextet & 2) === 0 ? 4 : 0) | 8;
}
PLACES[0x2d] = PLACES[0x2b] ?? 0;
PLACES[0x5f] = PLACES[0x2f] ?? 0;

/** Visits every ASCII text of 18 bytes or more that is in base64 in `bytes[start..end)`, wherever in it. */
export function eachBase64Text(bytes: Uint8Array, start: number, end: number, visit: OnText): void {
  for (let phase = 0; phase < 4; phase += 1) {
    eachStretch(bytes, start + phase, end, 4, LEAST_BASE64_GROUPS, isTextGroup, (from, to) =>
      visitStretch(bytes, from, to, start, end, visit),
    );
  }
}

/** Finds `least` units of `size` bytes side by side that pass the test, in jumps as run-skip.ts does. */
function eachStretch(
  bytes: Uint8Array,
  start: number,
  end: number,
  size: number,
  least: number,
  test: (bytes: Uint8Array, at: number) => boolean,
  visit: (from: number, to: number) => void,
): void {
  const jump = least * size;
  let from = start;
  while (from + jump <= end) {
    let at = from + jump - size;
    while (at >= from && test(bytes, at)) at -= size;
    if (at >= from) {
      from = at + size;
      continue;
    }
    let to = from + jump;
    while (to + size <= end && test(bytes, to)) to += size;
    visit(from, to);
    from = to + size;
  }
}

function isTextGroup(bytes: Uint8Array, at: number): boolean {
  return (
    ((PLACES[bytes[at] as number] as number) & 1) !== 0 &&
    ((PLACES[bytes[at + 1] as number] as number) & 2) !== 0 &&
    ((PLACES[bytes[at + 2] as number] as number) & 4) !== 0 &&
    ((PLACES[bytes[at + 3] as number] as number) & 8) !== 0
  );
}

function visitStretch(
  bytes: Uint8Array,
  from: number,
  to: number,
  start: number,
  end: number,
  visit: OnText,
): void {
  // The groups at both ends may be text in part.
  const first = from - 4 >= start ? from - 4 : from;
  const last = Math.min(end, to + 4);
  const text = Buffer.from(latin1(bytes, first, last), 'base64');
  visit(text, first, last, (at) => first + Math.floor((at * 4) / 3));
}

export const LEAST_HEX_PAIRS = 18;

/** Visits every ASCII text of 18 bytes or more that is in hexadecimal in `bytes[start..end)`. */
export function eachHexText(bytes: Uint8Array, start: number, end: number, visit: OnText): void {
  for (let phase = 0; phase < 2; phase += 1) {
    eachStretch(bytes, start + phase, end, 2, LEAST_HEX_PAIRS, isTextPair, (from, to) =>
      visit(Buffer.from(latin1(bytes, from, to), 'hex'), from, to, (at) => from + at * 2),
    );
  }
}

/** The first digit of printable ASCII is 2 to 7. */
function isTextPair(bytes: Uint8Array, at: number): boolean {
  const high = bytes[at] as number;
  return high >= 0x32 && high <= 0x37 && isHexDigit(bytes[at + 1] as number);
}

export function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
}

const PLUS = 0x2b;
/** What is longer is looked at in pieces. */
const MOST_AROUND = 16 * 1024;

/**
 * The run with what goes on in base64 before and behind it, down to `lowest`. Of the two characters that no run has, only the plus stands for one of a
 * value, the tilde.
 */
export function base64Around(
  bytes: Uint8Array,
  start: number,
  end: number,
  lowest: number,
  to: number,
): { readonly start: number; readonly end: number } {
  let first = start;
  const farthestBack = Math.max(lowest, start - MOST_AROUND);
  while (first > farthestBack && goesOnAt(bytes, first - 1)) first -= 1;
  let last = end;
  const farthest = Math.min(to, end + MOST_AROUND);
  while (last < farthest && goesOnAt(bytes, last)) last += 1;
  return { start: first, end: last };
}

function goesOnAt(bytes: Uint8Array, at: number): boolean {
  return isAt(bytes, at, ALPHABETS.key.bit) || bytes[at] === PLUS;
}

export const LEAST_LINE = 40;
export const LONGEST_LINE = 200;
const MOST_LINES = 4000;
/** What may follow the last line. */
const ENDS_LINE = new Set(Buffer.from('\r\n\\"\'`<),;]}-'));
const BASE64 = ALPHABETS.base64.bit;

/** The lines of base64 that begin with the one around the run, joined; null when the run is not the start of several. */
export function wrappedBase64(
  bytes: Uint8Array,
  start: number,
  end: number,
  to: number,
): { readonly joined: Buffer; readonly end: number; readonly placeOf: (at: number) => number } | null {
  if (end - start < LEAST_LINE && !isAt(bytes, start - 1, BASE64)) return null;
  let first = start;
  while (first > 0 && start - first < 128 && isAt(bytes, first - 1, BASE64)) first -= 1;
  const lines: { readonly from: number; readonly to: number }[] = [];
  let at = first;
  while (lines.length < MOST_LINES) {
    let lineEnd = at;
    const longest = Math.min(to, at + LONGEST_LINE);
    while (lineEnd < longest && isAt(bytes, lineEnd, BASE64)) lineEnd += 1;
    // What is longer is not wrapped.
    if (lineEnd === at || lineEnd === at + LONGEST_LINE) break;
    // Words on the next line are none of it.
    if (lines.length > 0 && lineEnd < to && !ENDS_LINE.has(bytes[lineEnd] ?? 0)) break;
    lines.push({ from: at, to: lineEnd });
    const next = nextLine(bytes, lineEnd, to);
    if (next < 0 || lineEnd - at < LEAST_LINE) break;
    at = next;
  }
  if (lines.length < 2) return null;
  const joined = Buffer.concat(lines.map((line) => bytes.subarray(line.from, line.to)));
  const placeOf = (place: number): number => {
    let rest = place;
    for (const line of lines) {
      if (rest < line.to - line.from) return line.from + rest;
      rest -= line.to - line.from;
    }
    return lines.at(-1)?.to ?? first;
  };
  return { joined, end: lines.at(-1)?.to ?? end, placeOf };
}

/** Where the text of the next line begins, when nothing but a line end (as it is, or escaped) and an indent is between; else -1. */
function nextLine(bytes: Uint8Array, at: number, to: number): number {
  const byte = bytes[at];
  if (byte !== 0x0a && byte !== 0x0d && byte !== 0x5c) return -1;
  const match = /^(?:\r?\n[ \t]{0,32}|(?:\\r)?\\n)/.exec(latin1(bytes, at, Math.min(to, at + 40)));
  return match ? at + match[0].length : -1;
}
