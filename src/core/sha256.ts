/**
 * SHA-256 and HMAC-SHA-256 (RFC 2104) of short messages on the hot path: one call into the runtime's one-shot hash, no object per digest.
 * The runtime's own hash and HMAC objects cost several times the hashing itself. Vectors: sha256.test.ts.
 */
import { encodeTupleInto, type TupleField, tupleBytes } from './tuple.ts';

const BLOCK_BYTES = 64;
export const SHA256_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Room for a message that is put together here; longer ones get memory of their own. */
const SCRATCH_BYTES = 16 * 1024;

const scratch = Buffer.alloc(SCRATCH_BYTES);

/** Memory for a message of so many bytes, shared by all that fit: whoever puts a secret in zeroes it before they return. */
function room(bytes: number): Buffer {
  return bytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(bytes);
}

/** The digest of parts in their order; text counts as UTF-8. */
export function sha256(...parts: readonly TupleField[]): Buffer {
  let bytes = 0;
  for (const part of parts) bytes += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
  const message = room(bytes);
  let at = 0;
  for (const part of parts) {
    if (typeof part === 'string') at += message.write(part, at);
    else {
      message.set(part, at);
      at += part.length;
    }
  }
  const digest = Buffer.allocUnsafe(SHA256_BYTES);
  Bun.SHA256.hash(message.subarray(0, bytes), digest);
  return digest;
}

/** A key for tags over tuples. The key's bytes may be wiped after construction. */
export class TupleMac {
  readonly #inner = Buffer.alloc(BLOCK_BYTES, INNER_PAD);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + SHA256_BYTES, OUTER_PAD);

  /** `key` has 1 to 64 bytes. */
  constructor(key: Uint8Array) {
    if (key.length === 0 || key.length > BLOCK_BYTES)
      throw new TypeError('An HMAC key has 1 to 64 bytes here.');
    for (const [index, byte] of key.entries()) {
      this.#inner[index] = INNER_PAD ^ byte;
      this.#outer[index] = OUTER_PAD ^ byte;
    }
  }

  /** Writes HMAC-SHA-256 over the encoded tuple to `target` at `offset`. */
  write(fields: readonly TupleField[], target: Buffer, offset: number): void {
    const bytes = BLOCK_BYTES + tupleBytes(fields);
    const message = room(bytes);
    this.#inner.copy(message);
    encodeTupleInto(message, BLOCK_BYTES, fields);
    Bun.SHA256.hash(message.subarray(0, bytes), this.#outer.subarray(BLOCK_BYTES));
    // A token's secret or the key's pad may have been in it.
    message.fill(0, 0, bytes);
    Bun.SHA256.hash(this.#outer, target.subarray(offset, offset + SHA256_BYTES));
  }
}
