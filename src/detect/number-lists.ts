/**
 * Text that is written as the codes of its characters, in decimal or hexadecimal, with something between: `103, 115, 107`, `0x67, 0x73`, `67:73:6b`. Found
 * by a stretch of nothing but digits and separators around one of them.
 */
import { ALPHABETS, isAt, latin1 } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import type { Places } from './places.ts';

/** Twenty characters, in two digits each and one between. */
const LEAST_STRETCH = 50;
const LEAST_CODES = 20;
/** In a dump several codes stand together. */
const MOST_DIGITS = 10;
const LEAST_NUMBERS = 4;
const DIGIT_OR_LETTER = ALPHABETS.alnum.bit;
/** A longer stretch is looked at in pieces that overlap by the longest value. */
const PIECE = 16 * 1024;
const OVERLAP = 4 * 1024;
const CONTEXT_BYTES = 240;

const DIGIT = 1;
export const SEPARATOR = 2;
/** With `0x`. */
const LONGEST_NUMBER = 18;
/** What each byte is in a list of codes; 0 for none. */
export const OF_LIST = new Uint8Array(256);
for (const byte of Buffer.from('0123456789abcdefABCDEFxX')) OF_LIST[byte] = DIGIT;
for (const byte of Buffer.from(' ,:;-\t\r\n')) OF_LIST[byte] = SEPARATOR;

export function eachNumberList(bytes: Uint8Array, places: Places, visit: OnText): void {
  const { from, to } = places;
  let next = from;
  for (const place of places.of('number')) {
    if (place < next) continue;
    const start = startOfStretch(bytes, place, next);
    const stretch = endOfStretch(bytes, start, to);
    if (stretch.end - start >= LEAST_STRETCH) eachPiece(bytes, start, stretch.end, visit);
    next = Math.max(place + 1, stretch.next);
  }
}

function startOfStretch(bytes: Uint8Array, place: number, lowest: number): number {
  let digits = 0;
  let start = place;
  while (start > lowest && digits <= LONGEST_NUMBER) {
    const kind = OF_LIST[bytes[start - 1] as number] as number;
    if (kind === 0) break;
    digits = kind === SEPARATOR ? 0 : digits + 1;
    start -= 1;
  }
  return start;
}

/** A stretch ends before what is no number for its length; the next may begin behind that. */
function endOfStretch(
  bytes: Uint8Array,
  start: number,
  to: number,
): { readonly end: number; readonly next: number } {
  let digits = 0;
  let end = start;
  for (; end < to; end += 1) {
    const kind = OF_LIST[bytes[end] as number] as number;
    if (kind === 0) return { end, next: end + 1 };
    digits = kind === SEPARATOR ? 0 : digits + 1;
    if (digits > LONGEST_NUMBER) break;
  }
  let next = end;
  while (next < to && OF_LIST[bytes[next] as number] === DIGIT) next += 1;
  return { end: end - digits, next: Math.max(next, end) };
}

function eachPiece(bytes: Uint8Array, start: number, end: number, visit: OnText): void {
  for (let first = start; first < end; first += PIECE - OVERLAP) {
    const last = Math.min(end, first + PIECE);
    eachList(bytes, first, last, visit);
    if (last === end) return;
  }
}

interface List {
  readonly codes: number[];
  readonly places: number[];
  end: number;
}

const NUMBER = /(?:0x|x)?([0-9a-f]+)/gi;

/** The lists in a stretch, of one notation each. */
function eachList(bytes: Uint8Array, start: number, end: number, visit: OnText): void {
  // Nearly all stretches are blanks, or one hash.
  if (!hasNumbers(bytes, start, end)) return;
  const text = latin1(bytes, start, end);
  let [hex, decimal] = [newList(), newList()];
  for (const match of text.matchAll(NUMBER)) {
    const digits = match[1] ?? '';
    const place = start + match.index + match[0].length - digits.length;
    if (!addHex(hex, digits, place)) hex = finish(bytes, hex, visit);
    if (!addDecimal(decimal, match[0], place)) decimal = finish(bytes, decimal, visit);
  }
  finish(bytes, hex, visit);
  finish(bytes, decimal, visit);
}

/** Whether enough numbers of few digits end in the stretch. */
function hasNumbers(bytes: Uint8Array, start: number, end: number): boolean {
  let numbers = 0;
  let digits = 0;
  for (let at = start; at < end; at += 1) {
    if (isAt(bytes, at, DIGIT_OR_LETTER)) digits += 1;
    else {
      if (digits > 0 && digits <= MOST_DIGITS) numbers += 1;
      if (numbers === LEAST_NUMBERS) return true;
      digits = 0;
    }
  }
  return false;
}

function newList(): List {
  return { codes: [], places: [], end: 0 };
}

function finish(bytes: Uint8Array, { codes, places, end }: List, visit: OnText): List {
  const start = places[0] ?? 0;
  if (codes.length >= LEAST_CODES) {
    // Without what says that the first is in hexadecimal.
    let from = start;
    while (from > 0 && isAt(bytes, from - 1, DIGIT_OR_LETTER)) from -= 1;
    const before = bytes.subarray(Math.max(0, from - CONTEXT_BYTES), from);
    const placeOf = (at: number): number => places[Math.max(0, at - before.length)] ?? end;
    visit(Buffer.concat([before, Buffer.from(codes)]), start, end, placeOf, before.length);
  }
  return newList();
}

/** Two digits a character; several characters may stand together, as in a dump. */
function addHex(list: List, digits: string, place: number): boolean {
  if (digits.length % 2 !== 0 || digits.length > 16) return false;
  const codes = (digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  if (!codes.every(isText)) return false;
  list.codes.push(...codes);
  list.places.push(...codes.map((_, index) => place + 2 * index));
  list.end = place + digits.length;
  return true;
}

function addDecimal(list: List, digits: string, place: number): boolean {
  if (!/^\d{2,3}$/.test(digits)) return false;
  const code = Number(digits);
  if (!isText(code)) return false;
  list.codes.push(code);
  list.places.push(place);
  list.end = place + digits.length;
  return true;
}

/** Printable ASCII, or the end of a line. */
function isText(code: number): boolean {
  return (code >= 0x20 && code < 0x7f) || code === 0x0a || code === 0x0d || code === 0x09;
}
