/**
 * Values that are cut into a list of string literals which something joins: `['ab', 'cd'].join('')`, `''.join(["ab", "cd"])`, `CONCAT('ab', 'cd')`; and into
 * literals of which one is added to the other: `k += 'cd'`, `'ab'.concat('cd')`, `ab${'cd'}`.
 */
import { ALPHABETS, isAt, latin1 } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import { isSpace, joinAround, type Piece, placeIn, QUOTES } from './joined.ts';
import type { Places } from './places.ts';

const KEY = ALPHABETS.key.bit;
const LONGEST_LIST = 2048;
const CONTEXT_BYTES = 240;
const JOIN = /^\]\s{0,8}\.join\(\s{0,8}(?:""|''|``)\s{0,8}\)/;
/** Up to the parenthesis, which is at the second byte of an anchor. */
const CALL = /(?:concat|(?:""|'')\.join)$/i;
const CALL_BYTES = 16;
const OPENING = /^\(\s{0,8}\[?/;
const OTHERS = new Set(Buffer.from(' \t\r\n,"\'`.~+/='));
const BRACKET = 0x5b;
const COMMA = 0x2c;

export function eachLiteralList(bytes: Uint8Array, places: Places, visit: OnText): void {
  let next = places.from;
  for (const place of places.of('list')) {
    if (place < next) continue;
    const added = addedAt(bytes, place, places.to);
    if (added) {
      next = joinAround(bytes, added.start, added.end, places.to, visit);
      continue;
    }
    const start = startOf(bytes, place, places);
    const pieces = start < 0 ? [] : literalsAt(bytes, start, Math.min(places.to, start + LONGEST_LIST));
    const [first, last] = [pieces[0], pieces.at(-1)];
    if (!first || !last) continue;
    if (pieces.length < 2) {
      next = joinAround(bytes, first.start, first.end, places.to, visit);
      continue;
    }
    const before = bytes.subarray(Math.max(0, first.start - CONTEXT_BYTES), first.start);
    const text = Buffer.concat([before, ...pieces.map(({ start: from, end }) => bytes.subarray(from, end))]);
    visit(text, first.start, last.end, (at) => placeIn(pieces, at - before.length), before.length);
    next = last.end;
  }
}

const ADDED = /^(?:\$\{|\+=)\s{0,8}["'`]([\w.~+/=-]{1,512})/;

/** The literal that is added to another here. */
function addedAt(bytes: Uint8Array, place: number, to: number): Piece | null {
  if (bytes[place] !== DOLLAR && bytes[place] !== PLUS) return null;
  const match = ADDED.exec(latin1(bytes, place, Math.min(to, place + 536)));
  if (!match) return null;
  const end = place + match[0].length;
  return { start: end - (match[1] ?? '').length, end };
}

const DOLLAR = 0x24;
const PLUS = 0x2b;

/** Where the first literal may begin; -1 when nothing joins a list here. */
function startOf(bytes: Uint8Array, place: number, { from, to }: Places): number {
  if (bytes[place] === DOLLAR || bytes[place] === PLUS) return -1;
  if (bytes[place] !== 0x5d) {
    if (!CALL.test(latin1(bytes, Math.max(from, place + 1 - CALL_BYTES), place + 1))) return -1;
    const opening = OPENING.exec(latin1(bytes, place + 1, Math.min(to, place + 12)));
    return opening ? place + 1 + opening[0].length : -1;
  }
  if (!JOIN.test(latin1(bytes, place, Math.min(to, place + 40)))) return -1;
  let at = place;
  const lowest = Math.max(from, place - LONGEST_LIST);
  while (at > lowest && (isAt(bytes, at - 1, KEY) || OTHERS.has(bytes[at - 1] ?? 0))) at -= 1;
  return bytes[at - 1] === BRACKET ? at : -1;
}

/** Literals with commas between, of characters of values alone. */
function literalsAt(bytes: Uint8Array, start: number, to: number): Piece[] {
  const pieces: Piece[] = [];
  let at = skipSpace(bytes, start, to);
  while (at < to && QUOTES.has(bytes[at] ?? 0)) {
    const quote = bytes[at];
    let end = at + 1;
    while (end < to && bytes[end] !== quote) end += 1;
    if (end === to) break;
    pieces.push({ start: at + 1, end });
    at = skipSpace(bytes, end + 1, to);
    if (bytes[at] !== COMMA) break;
    at = skipSpace(bytes, at + 1, to);
  }
  return pieces;
}

function skipSpace(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isSpace(bytes[at] as number)) at += 1;
  return at;
}
