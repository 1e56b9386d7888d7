/** Client secrets of Azure, which have their mark inside: three characters, a digit and `Q~`, then about 34 of an alphabet with a tilde and a dot. */
import { ALPHABETS, isAt, latin1 } from './bytes.ts';
import type { Hit } from './examine.ts';
import { isLifelike, isName } from './lifelike.ts';
import type { Places } from './places.ts';
import type { Rule } from './rule.ts';

const TILDE = 0x7e;
const DOT = 0x2e;
const BEFORE = 5;
const LEAST_BODY = 31;
export const MOST_BODY = 34;
/** Letters, digits, `_`, `~`, `.` and `-`. */
const ALPHABET_SIZE = 66;
const HEAD = /^[A-Za-z0-9_.~-]{3}\dQ$/;

export function findClientSecrets(
  bytes: Uint8Array,
  places: Places,
  rule: Rule,
  visit: (hit: Hit) => void,
): void {
  for (const at of places.of('clientSecret')) {
    const hit = secretAt(bytes, at + 2, places.from, places.to, rule);
    if (hit) visit(hit);
  }
}

/** The secret whose tilde is at `tilde`, or null. Nothing before `from`, and nothing at or behind `to`, is looked at. */
export function secretAt(bytes: Uint8Array, tilde: number, from: number, to: number, rule: Rule): Hit | null {
  const start = tilde - BEFORE;
  const body = tilde + 1;
  if (start < from || !HEAD.test(latin1(bytes, start, tilde))) return null;
  let end = body;
  while (end < to && end - body <= MOST_BODY && isOfSecret(bytes, end)) end += 1;
  // The end of a sentence, or of a comment in HTML.
  if (bytes[end - 1] === DOT && end - body > LEAST_BODY) end -= 1;
  else if (end < to && bytes[end] === 0x3e && latin1(bytes, end - 2, end) === '--') end -= 2;
  else if (end - body > MOST_BODY && !isAt(bytes, end - 1, ALPHABETS.alnum.bit)) end -= 1;
  if (end - body < LEAST_BODY || end - body > MOST_BODY) return null;
  const random = isLifelike(bytes, body, end, ALPHABET_SIZE) && !isName(bytes, body, end, 'telling');
  return random ? { rule, start, end, sure: true } : null;
}

export function isOfSecret(bytes: Uint8Array, at: number): boolean {
  return isAt(bytes, at, ALPHABETS.key.bit) || bytes[at] === TILDE || bytes[at] === DOT;
}
