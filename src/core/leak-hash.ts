/**
 * How one side shows another that it has a value, without showing the value: docs/adr/0043. Values of 128 bits and more cannot be found from
 * it; those that a person may have chosen could, by whoever reads the request, so nobody makes a hash of them.
 */
import { createHash, createHmac } from 'node:crypto';

export const LEAK_SALT_BYTES = 32;

/** Of a provider key, under a salt that is made anew for each request. */
export function leakHash(salt: Uint8Array, value: Uint8Array): Buffer {
  return createHmac('sha256', salt).update('sallyport.leak.v1\n').update(value).digest();
}

/**
 * Of an access token's whole text. Without a salt, because the gateway has no token to hash anew: it keeps a keyed hash of this one. The secret
 * in it has 190 bits.
 */
export function tokenLeakHash(token: Uint8Array): Buffer {
  return createHash('sha256').update('sallyport.leak.token.v1\n').update(token).digest();
}
