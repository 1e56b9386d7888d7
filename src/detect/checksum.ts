/** Values that prove themselves: a checksum inside tells one from a look-alike, without asking anybody. */
import { toBase62 } from '../core/base62.ts';

/** Sallyport's own tokens (docs/spec/token.md, section 2); the last six characters are the CRC-32 of what stands before them. */
export function isSallyportToken(value: string): boolean {
  return (
    /^sallyp_[a-z][0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/.test(value) && withChecksum(value.slice(0, -6)) === value
  );
}

/** `body` with the checksum that makes it a token, for examples. */
export function withChecksum(body: string): string {
  return `${body}${toBase62(crc32(body), 6)}`;
}

/** Not the runtime's own: to load it takes longer than most scans, and not every runtime that the log redactor is for has one. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at += 1) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
