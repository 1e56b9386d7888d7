/** Values that are cut into string literals side by side, `"abc" + "def"`, or over lines by a backslash: joined again. */
import { ALPHABETS, isAt, latin1, standsAt } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import type { Places } from './places.ts';

const KEY = ALPHABETS.key.bit;
const MOST_PIECES = 16;
/** Between two pieces: quotes with an operator of some language between them, or a line that goes on. */
const LONGEST_JOINT = 80;
const CONTEXT_BYTES = 100;
const JOINT = String.raw`["'\x60]\s*(?:\+|\.{1,2}|&|~|<>|\|\||\\)?\s*[A-Za-z]{0,2}["'\x60]|\\\r?\n[ \t]*`;
const BEHIND = new RegExp(`^(?:${JOINT})`);
const BEFORE = new RegExp(`(?:${JOINT})$`);
interface Piece {
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
  const pieces: Piece[] = [{ start, end }];
  let first = follows ? pieceBefore(bytes, start) : null;
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
  const opening = pieces[0]?.start ?? start;
  // Rules look at what stands before a value.
  const before = bytes.subarray(Math.max(0, opening - CONTEXT_BYTES), opening);
  const text = Buffer.concat([before, ...pieces.map((piece) => bytes.subarray(piece.start, piece.end))]);
  visit(text, opening, last, (at) => placeIn(pieces, at - before.length), before.length);
  return last;
}

/** Where literals are joined by a plus, which of all operators most languages have. */
const JOINTS = [
  ['" +', 'spacedJoint'],
  ["' +", 'spacedJoint'],
  ['"+', 'joint'],
  ["'+", 'joint'],
] as const;
const LEAST_TEXT = 20;

/** Visits joined literals of which no piece is long enough to be noticed as a run. */
export function eachShortJoint(bytes: Uint8Array, places: Places, visit: OnText): void {
  const { from, to } = places;
  for (const [joint, kind] of JOINTS) {
    let joinedTo = from;
    for (const end of places.of(kind)) {
      if (
        end < joinedTo ||
        !standsAt(bytes, end, joint) ||
        !isAt(bytes, end - 1, KEY) ||
        !leadsToPiece(bytes, end + joint.length)
      )
        continue;
      let start = end;
      while (start > from && end - start < LEAST_TEXT && isAt(bytes, start - 1, KEY)) start -= 1;
      // A longer piece was noticed.
      if (end - start < LEAST_TEXT) joinedTo = visitJoined(bytes, start, end, to, visit);
    }
  }
}

function leadsToPiece(bytes: Uint8Array, behindOperator: number): boolean {
  const quote = skip(bytes, behindOperator, 1, isSpace);
  return QUOTES.has(bytes[quote] ?? 0) && isAt(bytes, quote + 1, KEY);
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
export const LONGEST_GAP = 64;
export const QUOTES = new Set([0x22, 0x27, 0x60]);
/** What stands next to the quotes of a joint, whatever is between: another quote, or the end or the start of an operator. */
export const BESIDE = new Set([...QUOTES, ...Buffer.from('+.&~>|\\<')]);
const LETTER = ALPHABETS.alnum.bit;

/** A first look at what stands before a run, without an expression. */
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

function pieceBefore(bytes: Uint8Array, start: number): Piece | null {
  const text = latin1(bytes, Math.max(0, start - LONGEST_JOINT), start);
  const joint = BEFORE.exec(text);
  if (!joint) return null;
  const end = start - joint[0].length;
  let from = end;
  while (from > 0 && end - from < 512 && isAt(bytes, from - 1, KEY)) from -= 1;
  return from === end ? null : { start: from, end };
}

function pieceBehind(bytes: Uint8Array, end: number, to: number): Piece | null {
  const joint = BEHIND.exec(latin1(bytes, end, Math.min(to, end + LONGEST_JOINT)));
  if (!joint) return null;
  const start = end + joint[0].length;
  let last = start;
  while (last < to && last - start < 512 && isAt(bytes, last, KEY)) last += 1;
  return last === start ? null : { start, end: last };
}

function placeIn(pieces: readonly Piece[], at: number): number {
  let rest = Math.max(0, at);
  for (const { start, end } of pieces) {
    if (rest < end - start) return start + rest;
    rest -= end - start;
  }
  return pieces.at(-1)?.end ?? 0;
}
