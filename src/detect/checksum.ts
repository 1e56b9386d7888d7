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
  // Loaded at the first look-alike: it takes longer than most scans.
  const { crc32 } = process.getBuiltinModule('node:zlib');
  return `${body}${toBase62(crc32(body), 6)}`;
}
