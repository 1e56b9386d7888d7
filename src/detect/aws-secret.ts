/**
 * Secret halves of AWS keys. Of 40 characters in base64 one in eight has a plus or a slash so often that no run is long enough to be noticed: those are
 * looked for behind their name and beside their id.
 */
import { ALPHABETS, CLASS, isAt, latin1, standsAt } from './bytes.ts';
import { glueAt, type Hit } from './examine.ts';
import { isLifelike, isScrambled } from './lifelike.ts';
import type { Places } from './places.ts';
import type { Rule } from './rule.ts';

const BASE64 = ALPHABETS.base64;
const LENGTH = 40;
/** Of names in snake case and the like; those are runs, which are noticed. */
const LEAST_NAME = 21;
const LONGEST_NAME = 64;
const NAME = /aws[_-]secret[_-]access[_-]key$/i;
const CAMEL_NAME = 'ecretAccessKey';
const SHORT_NAME = /^aws_secret/i;
const SHORT_NAME_BYTES = 9;
const CAMEL_ANCHOR = CAMEL_NAME.indexOf('tAc');
const BEHIND_NAME_BYTES = 64;
const BESIDE_ID_BYTES = 240;

/** Behind the run `bytes[start..end)`, if that is the name of one. */
export function secretBehindName(
  bytes: Uint8Array,
  start: number,
  end: number,
  to: number,
  rule: Rule,
): Hit | null {
  if (end - start < LEAST_NAME || !(standsAt(bytes, end - 3, 'KEY') || standsAt(bytes, end - 3, 'key')))
    return null;
  if (!NAME.test(latin1(bytes, Math.max(start, end - LONGEST_NAME), end))) return null;
  return secretIn(bytes, end, Math.min(to, end + BEHIND_NAME_BYTES + LENGTH), rule);
}

/** Of a name at whose anchor `place` is; -1 when it is none. */
function endOfName(bytes: Uint8Array, place: number): number {
  const at = place - CAMEL_ANCHOR;
  if (at >= 0 && standsAt(bytes, at, CAMEL_NAME)) return at + CAMEL_NAME.length;
  const short = SHORT_NAME.exec(latin1(bytes, Math.max(0, place - 1), place + SHORT_NAME_BYTES));
  return short ? Math.max(0, place - 1) + short[0].length : -1;
}

/** Behind each name in camel case, and each that is too short to be noticed. */
export function findBehindNames(
  bytes: Uint8Array,
  places: Places,
  rule: Rule,
  visit: (hit: Hit) => void,
): void {
  for (const place of places.of('rare')) {
    const end = endOfName(bytes, place);
    if (end < 0) continue;
    const hit = secretIn(bytes, end, Math.min(places.to, end + BEHIND_NAME_BYTES + LENGTH), rule);
    if (hit) visit(hit);
  }
}

/** Behind or before an id, on the next lines. */
export function secretBesideId(
  bytes: Uint8Array,
  { start, end }: Hit,
  from: number,
  to: number,
  rule: Rule,
): Hit | null {
  return (
    secretIn(bytes, end, Math.min(to, end + BESIDE_ID_BYTES), rule) ??
    secretIn(bytes, Math.max(from, start - BESIDE_ID_BYTES), start, rule)
  );
}

/** The first that is all of what is in base64 around it. */
export function secretIn(bytes: Uint8Array, from: number, to: number, rule: Rule): Hit | null {
  let start = from;
  while (start < to) {
    let end = start;
    while (end < to && ((CLASS[bytes[end] as number] as number) & BASE64.bit) !== 0) end += 1;
    // An equals sign belongs to an assignment.
    while (start < end && bytes[start] === 0x3d) start += 1;
    const glue = glueAt(bytes, start);
    start += Math.min(end - start, glue);
    const free = glue > 0 || !isAt(bytes, start - 1, ALPHABETS.key.bit);
    const whole = free && end - start === LENGTH && !isAt(bytes, end, BASE64.bit);
    if (whole && isSecret(bytes, start, end)) return { rule, start, end, sure: true };
    start = end + 1;
  }
  return null;
}

function isSecret(bytes: Uint8Array, start: number, end: number): boolean {
  const text = latin1(bytes, start, end);
  // AWS writes its documentation with a key that ends so.
  return (
    !text.endsWith('EXAMPLEKEY') &&
    isScrambled(bytes, start, end) &&
    isLifelike(bytes, start, end, BASE64.size)
  );
}
