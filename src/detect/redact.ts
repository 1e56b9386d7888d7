/**
 * Takes credentials out of text that is about to be logged or relayed. Two ways: by the shapes that provider keys and access tokens
 * have, and by a known value, of which any 16 characters in a row are hidden.
 */
import { RULES } from './rules.ts';

/** How credentials begin, each followed by a run of key characters: every prefix of the scanner's rules, whatever length or form they ask for. */
const PREFIXES = shortest(
  RULES.flatMap(({ shape }) =>
    shape.by === 'prefix' ? shape.prefixes.map((prefix) => `${shape.lead ?? ''}${prefix}`) : [],
  ),
);
const BY_PREFIX = new RegExp(`(?:${PREFIXES.join('|')})[A-Za-z0-9_-]{12,}`, 'g');
/** To the last line of the key, or as far as it goes. */
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[^])*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g;
const BEARER = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
/** A long run that mixes cases and digits is taken for a key of unknown shape; ids and hashes of ours have fields of their own. */
const RUN = /[A-Za-z0-9_-]{32,}/g;

const HIDDEN = '[redacted]';
const WINDOW = 16;

/** Without those that begin with another, as expressions. */
function shortest(prefixes: readonly string[]): string[] {
  const kept = prefixes.filter(
    (prefix, at) =>
      prefixes.indexOf(prefix) === at &&
      !prefixes.some((other) => other !== prefix && prefix.startsWith(other)),
  );
  return kept.map((prefix) => prefix.replaceAll('.', String.raw`\.`));
}

/** `text` without credentials of a known form. Names of models and ids stay as they are: for what a caller reads, and for records. */
export function redactCredentials(text: string): string {
  return text
    .replace(BEARER, (_whole, scheme: string) => `${scheme} ${HIDDEN}`)
    .replace(BY_PREFIX, HIDDEN)
    .replace(PRIVATE_KEY, HIDDEN);
}

/** `text` without anything that looks like a credential, long names included: for the log, where too much is better than too little. */
export function redactShapes(text: string): string {
  return redactCredentials(text).replace(RUN, (run) =>
    /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run) ? HIDDEN : run,
  );
}

/** `text` without any 16 characters in a row of `secret`, nor the whole of a shorter one. */
export function redactValue(text: string, secret: string): string {
  const size = Math.min(WINDOW, secret.length);
  if (size === 0) return text;
  const windows = new Set<string>();
  for (let at = 0; at + size <= secret.length; at += 1) windows.add(secret.slice(at, at + size));
  let result = '';
  let kept = 0;
  for (let at = 0; at + size <= text.length; at += 1) {
    if (!windows.has(text.slice(at, at + size))) continue;
    let end = at + size;
    while (end < text.length && windows.has(text.slice(end - size + 1, end + 1))) end += 1;
    result += `${text.slice(kept, at)}${HIDDEN}`;
    kept = end;
    at = end - 1;
  }
  return result + text.slice(kept);
}
