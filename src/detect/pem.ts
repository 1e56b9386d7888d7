/**
 * Private keys in PEM, as a file or inside a string with `\n` escapes. Sure with enough of a key behind the first line; the line alone
 * may be one. Linear: what is looked at behind one first line ends at the next.
 */
import { ALPHABETS, indexOfText, isAt, latin1, standsAt } from './bytes.ts';
import type { Hit } from './examine.ts';
import { isLifelike } from './lifelike.ts';
import type { Places } from './places.ts';
import type { Rule } from './rule.ts';

const WORD = 'PRIVATE KEY';
/** What it is noticed by: see anchors.ts. */
const ANCHOR_AT = WORD.indexOf('E K');
const BEGIN = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}$/;
const DASHES = '-----';
/** A first line is no longer. */
const LONGEST_BEGIN = 64;
/** An RSA key of 16,384 bits has 13 KB. */
const LONGEST_BODY = 16 * 1024;
/** Fewer characters of base64 are no key: one of 256 bits has more. */
const LEAST_KEY = 48;
/** Shorter pieces between two line ends are words of a header or an ellipsis. */
const LEAST_LINE = 16;
const BASE64 = ALPHABETS.base64;

export function findPrivateKeys(
  bytes: Uint8Array,
  places: Places,
  rule: Rule,
  visit: (hit: Hit) => void,
): void {
  const { from, to } = places;
  let next = from;
  for (const anchor of places.of('privateKey')) {
    const at = anchor - ANCHOR_AT;
    if (at < next || !standsAt(bytes, at, WORD)) continue;
    next = at + WORD.length;
    const begin = BEGIN.exec(latin1(bytes, Math.max(from, at - LONGEST_BEGIN), at));
    const body = endOfFirstLine(bytes, next, to);
    if (begin && body >= 0) {
      const start = at - begin[0].length;
      const { end, sure } = keyBehind(bytes, body, to);
      visit({ rule, start, end, sure });
      next = end;
    }
  }
}

/** Behind the dashes that end a first line; -1 when there are none. */
function endOfFirstLine(bytes: Uint8Array, at: number, to: number): number {
  const tail = latin1(bytes, at, Math.min(to, at + 11));
  const match = /^(?: BLOCK)?-----/.exec(tail);
  return match ? at + match[0].length : -1;
}

function keyBehind(
  bytes: Uint8Array,
  body: number,
  to: number,
): { readonly end: number; readonly sure: boolean } {
  const farthest = Math.min(to, body + LONGEST_BODY);
  const dashes = indexOfText(bytes, DASHES, body, farthest);
  const stop = dashes < 0 ? farthest : dashes;
  let count = 0;
  let lifelike = false;
  let last = body;
  let start = -1;
  for (let at = body; at <= stop; at += 1) {
    if (at < stop && isAt(bytes, at, BASE64.bit)) {
      if (start < 0) start = at;
      continue;
    }
    if (start >= 0 && at - start >= LEAST_LINE) {
      count += at - start;
      lifelike ||= isLifelike(bytes, start, at, BASE64.size);
      last = at;
    }
    start = -1;
  }
  const sure = count >= LEAST_KEY && lifelike;
  return { end: sure ? last : body, sure };
}
