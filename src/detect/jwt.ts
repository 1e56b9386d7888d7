/** JSON Web Tokens: three parts with dots between, of which the first says how the third was made. */
import { ALPHABETS, fromBase64Url, isAt, latin1, standsAt } from './bytes.ts';
import type { Hit } from './examine.ts';
import type { Rule } from './rule.ts';

/** How every JSON object in base64url begins: `{"`. */
const OBJECT = 'eyJ';
/** An escape or a colour that a run begins with is no longer. */
export const LONGEST_GLUE = 6;
const LONGEST_HEAD = 2048;
const LONGEST_PAYLOAD = 8192;
/** 43 for HS256. */
const LEAST_SIGNATURE = 40;
const KEY = ALPHABETS.key.bit;

/** The token whose head is `bytes[at..end)`, the rest of a run, or null. */
export function jwtAt(bytes: Uint8Array, at: number, end: number, to: number, rule: Rule): Hit | null {
  if (end - at > LONGEST_HEAD || !isDot(bytes, end, to) || !standsAt(bytes, end + 1, OBJECT)) return null;
  const payloadEnd = endOfRun(bytes, end + 1, Math.min(to, end + LONGEST_PAYLOAD));
  if (!isDot(bytes, payloadEnd, to)) return null;
  const last = endOfRun(bytes, payloadEnd + 1, to);
  if (last - payloadEnd - 1 < LEAST_SIGNATURE) return null;
  const head = objectOf(latin1(bytes, at, end));
  const payload = objectOf(latin1(bytes, end + 1, payloadEnd));
  if (typeof head?.['alg'] !== 'string' || payload === null) return null;
  // The example of jwt.io, which half of all documentation shows.
  if (payload['name'] === 'John Doe') return null;
  return { rule, start: at, end: last, sure: !isExpired(payload) };
}

/** What has run out opens nothing any more; that it was in a file may still be worth a look. */
function isExpired({ exp }: Record<string, unknown>): boolean {
  return typeof exp === 'number' && exp * 1000 < Date.now();
}

function isDot(bytes: Uint8Array, at: number, to: number): boolean {
  return at < to && bytes[at] === 0x2e;
}

function endOfRun(bytes: Uint8Array, from: number, to: number): number {
  let end = from;
  while (end < to && isAt(bytes, end, KEY)) end += 1;
  return end;
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(fromBase64Url(text));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
