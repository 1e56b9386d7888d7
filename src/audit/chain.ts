/**
 * The bytes of a journal line and the hash that chains it (docs/spec/audit-log.md, sections 2 and 3).
 * A line is `<json>\t<hash>\n`; JSON escapes tabs and line breaks inside text, so both separators are unambiguous.
 */
import { createHash } from 'node:crypto';

export const HASH_BYTES = 32;
/** base64url of 32 bytes, without padding. */
const HASH_CHARS = 43;
/** Tab, hash, line feed. */
export const TRAILER_BYTES = HASH_CHARS + 2;

/** What the first line of a stream follows. */
export const NO_HASH: Buffer = Buffer.alloc(HASH_BYTES);

const DOMAIN = Buffer.from('sallyport.audit.v1\n');
const TAB = 9;

export function chainHash(previous: Uint8Array, json: Uint8Array | string): Buffer {
  return createHash('sha256').update(DOMAIN).update(previous).update(json).digest();
}

export function formatLine(json: string, hash: Buffer): Buffer {
  return Buffer.from(`${json}\t${hash.toString('base64url')}\n`);
}

/** Splits a line (without its line feed) into JSON bytes and stated hash; null when it is not of that form. */
export function parseLine(line: Buffer): { json: Buffer; hash: Buffer } | null {
  const tab = line.length - HASH_CHARS - 1;
  if (tab < 2 || line[tab] !== TAB) return null;
  const text = line.toString('latin1', tab + 1);
  const hash = Buffer.from(text, 'base64url');
  // The last character has two spare bits: only one spelling of a hash is a hash, or a changed byte would go unseen.
  if (hash.toString('base64url') !== text) return null;
  return { json: line.subarray(0, tab), hash };
}
