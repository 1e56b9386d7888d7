/**
 * Takes credentials out of text that is about to be logged or relayed. Two ways: by the shapes that provider keys and access tokens
 * have, and by a known value, of which any 16 characters in a row are hidden.
 */

/** Prefixes of credentials, each followed by a run of key characters. */
const PREFIXES = [
  'gsk_',
  'sk-',
  'sallyp_',
  'AIza',
  'hf_',
  'r8_',
  'xai-',
  'pplx-',
  'csk-',
  'nvapi-',
  'tgp_v1_',
  'fw_',
  'AKIA',
  'ASIA',
  'ghp_',
  'github_pat_',
  'glpat-',
  'xoxb-',
  'xoxp-',
];
const BY_PREFIX = new RegExp(`(?:${PREFIXES.join('|')})[A-Za-z0-9_-]{12,}`, 'g');
const BEARER = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
/** A long run that mixes cases and digits is taken for a key of unknown shape; ids and hashes of ours have fields of their own. */
const RUN = /[A-Za-z0-9_-]{32,}/g;

const HIDDEN = '[redacted]';
const WINDOW = 16;

/** `text` without credentials of a known form. Names of models and ids stay as they are: for what a caller reads, and for records. */
export function redactCredentials(text: string): string {
  return text.replace(BEARER, (_whole, scheme: string) => `${scheme} ${HIDDEN}`).replace(BY_PREFIX, HIDDEN);
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
