/** Addresses with a password in them, of databases, brokers and other services: `postgres://user:password@host`. */
import { ALPHABETS, isAt, latin1 } from './bytes.ts';
import type { Hit } from './examine.ts';
import { isTyped } from './lifelike.ts';
import type { Places } from './places.ts';
import type { Rule } from './rule.ts';

const SEPARATOR = '://';
const SCHEME =
  /(?<![a-z0-9+.-])(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|cockroachdb|clickhouse|nats|smtps?|ldaps?|ftps?|sftp|ssh|https?)(?:\+\w{1,12})?$/i;
const LONGEST_SCHEME = 32;
export const LONGEST_USER = 300;
const LEAST_PASSWORD = 8;
const LEAST_DIFFERENT = 5;
/** The password, and the host that it is for. A brace, a dollar or an angle bracket is a place to fill in. */
const ADDRESS =
  /^([^\s:/?#@"'`<>{}$\\]{0,128}):([^\s/?#@"'`<>{}$\\]{8,200})@([A-Za-z0-9][A-Za-z0-9.-]{0,200})/;
/** Passwords that stand for one. */
const COMMON =
  /^(?:my|your|the|db|new|some)?[_-]?(?:password|passwd|secret|pass|pwd|postgres|mysql|redis|mongodb|rabbitmq|guest|root|admin)s?\d{0,4}$/i;
/** Names that mean this machine, a neighbour in a compose file, or an example. */
const NOWHERE =
  /^(?:localhost|127\.[\d.]+|0\.0\.0\.0|(?:[\w-]+\.)*example(?:\.\w+)?|(?:[\w-]+\.)*(?:test|local|invalid|localhost)|host(?:name)?(?:\..*)?|[\w-]+)$/i;

export function findConnections(
  bytes: Uint8Array,
  places: Places,
  rule: Rule,
  visit: (hit: Hit) => void,
): void {
  for (const at of places.of('connection')) {
    const hit = connectionAt(bytes, at, places, rule);
    if (hit) visit(hit);
  }
}

/** The address whose `://` is at `at`, or null. Its scheme begins at or behind `from`; nothing at or behind `to` is looked at. */
export function connectionAt(
  bytes: Uint8Array,
  at: number,
  { from, to }: Pick<Places, 'from' | 'to'>,
  rule: Rule,
): Hit | null {
  const user = at + SEPARATOR.length;
  if (!hasAt(bytes, user, Math.min(to, user + LONGEST_USER))) return null;
  const scheme = SCHEME.exec(latin1(bytes, Math.max(from, at - LONGEST_SCHEME), at));
  if (!scheme) return null;
  const match = ADDRESS.exec(latin1(bytes, user, Math.min(to, user + 2 * LONGEST_USER)));
  if (!match) return null;
  const [whole, , written = '', host = ''] = match;
  const password = written.replaceAll(/%[0-9A-Fa-f]{2}/g, '%');
  if (password.length < LEAST_PASSWORD || new Set(password).size < LEAST_DIFFERENT) return null;
  if (NOWHERE.test(host) || isTyped(password) || COMMON.test(password)) return null;
  return { rule, start: at - scheme[0].length, end: user + whole.length, sure: true };
}

/** Whether an @ comes before anything that ends the part of an address where it could be. */
function hasAt(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x40) return true;
    // Letters and digits first: they are nearly all.
    if (isAt(bytes, at, ALPHABETS.key.bit)) continue;
    if (byte <= 0x22 || byte === 0x2f || byte === 0x27 || byte === 0x3c || byte === 0x60) return false;
  }
  return false;
}
