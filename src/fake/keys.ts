/**
 * API keys as the fake sees them: it accepts whatever looks like one, and remembers only fingerprints.
 */
import { createHash } from 'node:crypto';

const BEARER = /^Bearer +([A-Za-z0-9_-]{8,})$/i;
const SECRET_HEADER = /^(?:cookie|.*(?:auth|key|token|secret).*)$/;
const CACHE_LIMIT = 10_000;
const fingerprints = new Map<string, string>();

/** The key in an `Authorization` header, or null when the header is missing or malformed. */
export function bearerKey(authorization: string | null): string | null {
  return BEARER.exec(authorization ?? '')?.[1] ?? null;
}

/** First 16 hex digits of the SHA-256 of a key: how a key is named in every output of the fake. */
export function keyFingerprint(key: string): string {
  let fingerprint = fingerprints.get(key);
  if (fingerprint === undefined) {
    fingerprint = createHash('sha256').update(key).digest('hex').slice(0, 16);
    if (fingerprints.size >= CACHE_LIMIT) fingerprints.clear();
    fingerprints.set(key, fingerprint);
  }
  return fingerprint;
}

/** Received headers fit to show: credential-bearing ones keep their name and lose their value. */
export function safeHeaders(headers: Headers, key: string | null): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of headers)
    shown[name] = SECRET_HEADER.test(name) ? '[hidden]' : scrub(value, key);
  return shown;
}

/** The text without the key, wherever a client may have put it. */
export function scrub(text: string, key: string | null): string {
  return key !== null && text.includes(key) ? text.replaceAll(key, '[hidden]') : text;
}
