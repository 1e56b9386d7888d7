/** Values that are cut into string literals side by side, `"abc" + "def"`, also in a string with escapes, or over lines by a backslash: joined again. */
import { ALPHABETS, isAt, latin1 } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import type { Places } from './places.ts';
import { RUN } from './run-skip.ts';

const KEY = ALPHABETS.key.bit;
const MOST_PIECES = 16;
/** Between two pieces: quotes with an operator of some language between them, or a line that goes on. */
const LONGEST_JOINT = 80;
const LONGEST_PIECE = 512;
const CONTEXT_BYTES = 240;
const QUOTE = String.raw`\\{0,3}["'\x60]`;
const GAP = String.raw`(?:\s|\\{1,3}[nrt])*`;
const OPERATOR = String.raw`\+{1,2}|\.{1,2}|&{1,2}(?:\s*_)?|~|<>|<<|\|{1,2}|\\`;
const JOINT = [
  `${QUOTE}${GAP}(?:${OPERATOR})?${GAP}[A-Za-z]{0,2}${QUOTE}`,
  // A line that goes on, a value that is added to, a method, a literal inside another.
  String.raw`\\\r?\n[ \t]*`,
  String.raw`${QUOTE}\s*;?\s*[\w$.]{1,40}\s*(?:\+=|\.=|<<)\s*${QUOTE}`,
  String.raw`${QUOTE}\s*\.\s*concat\(\s*${QUOTE}`,
  String.raw`\$\{\s*${QUOTE}`,
].join('|');
const BEHIND = new RegExp(`^(?:${JOINT})`);
const BEFORE = new RegExp(`(?:${JOINT})$`);
export interface Piece {
  readonly start: number;
  readonly end: number;
}

/** Visits the text that the run is a piece of. Returns where it ends: runs before that are in it. */
export function visitJoined(
  bytes: Uint8Array,
  start: number,
  end: number,
  to: number,
  visit: OnText,
): number {
  const follows = mayFollow(bytes, start);
  // Nearly all runs end here.
  if (!follows && !mayGoOn(bytes, end)) return end;
  if (!hasChance(bytes, start, end, RUN)) return end;
  return joinAround(bytes, start, end, to, visit);
}

/** The same, where a joint is known to be. */
export function joinAround(bytes: Uint8Array, start: number, end: number, to: number, visit: OnText): number {
  const pieces: Piece[] = [{ start, end }];
  let first = pieceBefore(bytes, start);
  while (first && pieces.length < MOST_PIECES) {
    pieces.unshift(first);
    first = pieceBefore(bytes, first.start);
  }
  let last = end;
  while (pieces.length < 2 * MOST_PIECES) {
    const piece = pieceBehind(bytes, last, to);
    if (!piece) break;
    pieces.push(piece);
    last = piece.end;
  }
  if (pieces.length < 2) return end;
  // Shorter ones are words.
  if (pieces.reduce((sum, piece) => sum + piece.end - piece.start, 0) < RUN) return last;
  const opening = pieces[0]?.start ?? start;
  // Rules look at what stands before a value.
  const before = bytes.subarray(Math.max(0, opening - CONTEXT_BYTES), opening);
  const whole = Buffer.concat(pieces.map((piece) => bytes.subarray(piece.start, piece.end)));
  if (!hasChance(whole, 0, whole.length, RUN)) return last;
  const text = Buffer.concat([before, whole]);
  visit(text, opening, last, (at) => placeIn(pieces, at - before.length), before.length);
  return last;
}

/** Of twenty characters in a row of a random value at least as many are capitals or digits, but for one value in thousands. */
const LEAST_UNUSUAL = 3;
const UNUSUAL = ALPHABETS.upperAlnum.bit;

/** In so many bytes on either side of a joint most of twenty characters are, whatever joins them. */
const NEAR_BYTES = 60;

/** Whether so many bytes in a row have what nobody writes as words. Most of what is joined is text, or names. */
function hasChance(bytes: Uint8Array, from: number, to: number, inARow: number): boolean {
  let unusual = 0;
  for (let at = from; at < to; at += 1) {
    if (isAt(bytes, at, UNUSUAL)) unusual += 1;
    if (at - inARow >= from && isAt(bytes, at - inARow, UNUSUAL)) unusual -= 1;
    if (unusual >= LEAST_UNUSUAL) return true;
  }
  return false;
}

/** Visits joined literals around each joint beside which no piece was noticed as a run. */
export function eachShortJoint(bytes: Uint8Array, places: Places, visit: OnText): void {
  const { from, to } = places;
  for (const kind of ['joint', 'spacedJoint', 'touching'] as const) {
    let joinedTo = from;
    for (const quote of places.of(kind)) {
      if (quote < joinedTo) continue;
      const end = endBefore(bytes, quote);
      let start = end;
      let run = 0;
      let key = 0;
      while (start > from && end - start < LONGEST_PIECE && isAt(bytes, start - 1, VALUE)) {
        start -= 1;
        run += 1;
        if (isAt(bytes, start, KEY)) key += 1;
      }
      // A longer piece of key characters alone was noticed.
      const noticed = key === run && run >= RUN && end === quote;
      if (!noticed && BEHIND.test(latin1(bytes, end, Math.min(to, end + LONGEST_JOINT))))
        joinedTo = joinAround(bytes, start, end, to, visit);
    }
  }
}

/** Whether a value may end at the quote, and go on behind another: what `eachShortJoint` is told of. */
export function isJoint(bytes: Uint8Array, quote: number, to: number): boolean {
  return (
    isAt(bytes, endBefore(bytes, quote) - 1, VALUE) &&
    leadsToQuote(bytes, quote + 1, to) &&
    hasChance(bytes, Math.max(0, quote - NEAR_BYTES), Math.min(to, quote + NEAR_BYTES), NEAR_BYTES)
  );
}

/** Of what stands before a quote, which in a string may have backslashes before it. */
function endBefore(bytes: Uint8Array, quote: number): number {
  let end = quote;
  while (bytes[end - 1] === BACKSLASH && quote - end < 3) end -= 1;
  return end;
}

/** A first look at what is between two quotes, without an expression. */
function leadsToQuote(bytes: Uint8Array, from: number, to: number): boolean {
  let letters = 0;
  for (let at = from; at < Math.min(to, from + LONGEST_JOINT); at += 1) {
    const byte = bytes[at] ?? 0;
    if (QUOTES.has(byte)) return true;
    letters = isAt(bytes, at, LETTER) ? letters + 1 : 0;
    if (letters > 2 || !(letters > 0 || isSpace(byte) || BESIDE.has(byte) || byte === UNDERSCORE))
      return false;
  }
  return false;
}

const VALUE = ALPHABETS.value.bit;

function endOfPiece(bytes: Uint8Array, from: number, to: number): number {
  let end = from;
  while (end < to && end - from < LONGEST_PIECE && isAt(bytes, end, VALUE)) end += 1;
  return end;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
export const LONGEST_GAP = 64;
export const QUOTES = new Set([0x22, 0x27, 0x60]);
/** What stands next to the quotes of a joint, whatever is between: another quote, or the end or the start of an operator. */
export const BESIDE = new Set([...QUOTES, ...Buffer.from('+.&~>|\\<')]);
const LETTER = ALPHABETS.alnum.bit;

/** A first look at what stands before a run, without an expression; skim-runs.ts takes the same. */
function mayFollow(bytes: Uint8Array, start: number): boolean {
  let at = start - 1;
  if (QUOTES.has(bytes[at] ?? 0)) {
    at -= 1;
    for (let letters = 0; letters < 2 && isAt(bytes, at, LETTER); letters += 1) at -= 1;
    return BESIDE.has(bytes[skip(bytes, at, -1, isSpace)] ?? 0);
  }
  at = skip(bytes, at, -1, isIndent);
  return bytes[at] === NEWLINE && (bytes[at - 1] === BACKSLASH || bytes[at - 2] === BACKSLASH);
}

function mayGoOn(bytes: Uint8Array, end: number): boolean {
  const byte = bytes[end] ?? 0;
  if (byte === BACKSLASH) return bytes[end + 1] === NEWLINE || bytes[end + 2] === NEWLINE;
  if (!QUOTES.has(byte)) return false;
  let at = skip(bytes, end + 1, 1, isSpace);
  for (let letters = 0; letters < 2 && isAt(bytes, at, LETTER); letters += 1) at += 1;
  return BESIDE.has(bytes[at] ?? 0);
}

function skip(bytes: Uint8Array, from: number, step: 1 | -1, over: (byte: number) => boolean): number {
  let at = from;
  for (let count = 0; count < LONGEST_GAP && over(bytes[at] ?? 0x78); count += 1) at += step;
  return at;
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

export function isIndent(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** A first look at what stands before a piece, without an expression: most strings begin where nothing is joined to them. */
function mayBeJoined(bytes: Uint8Array, start: number): boolean {
  let at = start - 1;
  if (!QUOTES.has(bytes[at] ?? 0)) return mayFollow(bytes, start);
  at = skip(bytes, at - 1, -1, isBackslash);
  for (let letters = 0; letters < 2 && isAt(bytes, at, LETTER); letters += 1) at -= 1;
  at = skip(bytes, at, -1, isSpace);
  const byte = bytes[at] ?? 0;
  const before = bytes[at - 1] ?? 0;
  if (byte === EQUALS) return before === PLUS || before === POINT;
  if (byte === PARENTHESIS) return before === T_OF_CONCAT;
  if (byte === BRACE) return before === DOLLAR;
  return BESIDE.has(byte) || byte === UNDERSCORE || before === BACKSLASH;
}

const [EQUALS, PLUS, POINT, PARENTHESIS, T_OF_CONCAT, BRACE, DOLLAR] = Buffer.from('=+.(t{$');

function isBackslash(byte: number): boolean {
  return byte === BACKSLASH;
}

function pieceBefore(bytes: Uint8Array, start: number): Piece | null {
  if (!mayBeJoined(bytes, start)) return null;
  const text = latin1(bytes, Math.max(0, start - LONGEST_JOINT), start);
  const joint = BEFORE.exec(text);
  if (!joint) return null;
  const end = start - joint[0].length;
  let from = end;
  while (from > 0 && end - from < LONGEST_PIECE && isAt(bytes, from - 1, VALUE)) from -= 1;
  return from === end ? null : { start: from, end };
}

function pieceBehind(bytes: Uint8Array, end: number, to: number): Piece | null {
  const joint = BEHIND.exec(latin1(bytes, end, Math.min(to, end + LONGEST_JOINT)));
  if (!joint) return null;
  const start = end + joint[0].length;
  const last = endOfPiece(bytes, start, to);
  return last === start ? null : { start, end: last };
}

/** The place of what stands at `at` in the joined text. */
export function placeIn(pieces: readonly Piece[], at: number): number {
  let rest = Math.max(0, at);
  for (const { start, end } of pieces) {
    if (rest < end - start) return start + rest;
    rest -= end - start;
  }
  return pieces.at(-1)?.end ?? 0;
}
