/** What may vouch for bytes that an untrusted store keeps. The vault's keyring implements it; nobody else holds the keys. */
import type { TupleField } from './tuple.ts';

export interface Authenticator {
  /** Of the keyring, the newest first: the one that tags are made under. */
  readonly terms: readonly number[];
  /** A keyed tag over the fields, prefixed with the 4-byte number of the keyring term that made it: the newest, or the one given. */
  tag(fields: readonly TupleField[], term?: number): Buffer;
  /** True when `tag` was made over exactly these fields by a term of this keyring. Constant time in the tag. */
  verify(fields: readonly TupleField[], tag: Uint8Array): boolean;
}

/** The term that a tag was made under. */
export function termOf(tag: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = tag;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
