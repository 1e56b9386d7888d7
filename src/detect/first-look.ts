/**
 * A first look at what an anchor stands in. The more frequent ones (quotes side by side, numbers behind a comma) stand in every program; one look at a few
 * bytes lets pass what the searches would go on with, and of the rest they never hear.
 */
import { PLACE } from './anchors.ts';
import { standsAt } from './bytes.ts';
import { isJoint, QUOTES } from './joined.ts';
import { OF_LIST, SEPARATOR } from './number-lists.ts';

const JOINTS = PLACE.joint | PLACE.spacedJoint | PLACE.touching;
const FREQUENT = JOINTS | PLACE.number | PLACE.list;

/** Which of the bits are worth a search. */
export function worthASearch(bytes: Uint8Array, at: number, to: number, bits: number): number {
  if ((bits & FREQUENT) === 0) return bits;
  let left = bits;
  if ((left & JOINTS) !== 0 && !isJoint(bytes, at, to)) left &= ~JOINTS;
  if ((left & PLACE.number) !== 0 && !isAmongNumbers(bytes, at, to)) left &= ~PLACE.number;
  if ((left & PLACE.list) !== 0 && !mayJoinLiterals(bytes, at, to)) left &= ~PLACE.list;
  return left;
}

/** Of a list of twenty codes at least as much follows on the first that is noticed: every key has one among its first few characters. */
const LOOK_BYTES = 24;
const LEAST_BETWEEN = 2;

function isAmongNumbers(bytes: Uint8Array, at: number, to: number): boolean {
  const end = Math.min(to, at + LOOK_BYTES);
  let between = 0;
  for (let place = at; place < end; place += 1) {
    const kind = OF_LIST[bytes[place] as number] as number;
    if (kind === 0) return false;
    if (kind === SEPARATOR) between += 1;
  }
  return between >= LEAST_BETWEEN;
}

const BRACKET = 0x5d;
const PLUS = 0x2b;
const SPACE = 0x20;
const [SMALL_N, SMALL_I, SMALL_A, CAPITAL_A, DOLLAR] = Buffer.from('niaA$');
const LONGEST_GAP = 8;

/** `].join(`, `join(`, `concat(`, `+= "` or `${"`. */
function mayJoinLiterals(bytes: Uint8Array, at: number, to: number): boolean {
  const byte = bytes[at];
  if (byte === BRACKET) return standsAt(bytes, at + 1, '.join(');
  if (byte === DOLLAR) return true;
  if (byte === PLUS) {
    let quote = at + 2;
    while (quote < to && quote < at + 2 + LONGEST_GAP && bytes[quote] === SPACE) quote += 1;
    return QUOTES.has(bytes[quote] ?? 0);
  }
  const before = bytes[at - 1];
  return byte === SMALL_N ? before === SMALL_I : before === SMALL_A || before === CAPITAL_A;
}
