/** What may vouch for bytes that an untrusted store keeps. The vault's keyring implements it; nobody else holds the keys. */
import type { TupleField } from './tuple.ts';

export interface Authenticator {
  /** A keyed tag over the fields, prefixed with the 4-byte number of the keyring term that made it. */
  tag(fields: readonly TupleField[]): Buffer;
  /** True when `tag` was made over exactly these fields by a term of this keyring. Constant time in the tag. */
  verify(fields: readonly TupleField[], tag: Uint8Array): boolean;
}
