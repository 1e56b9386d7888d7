/**
 * An unambiguous byte encoding of a list of fields: for each, a 4-byte big-endian length, then the bytes (text as UTF-8).
 * Used wherever fields are authenticated (AAD, row MACs), so that ("ab","c") and ("a","bc") never encode alike.
 */

export type TupleField = string | Uint8Array;

const LENGTH_BYTES = 4;

export function encodeTuple(fields: readonly TupleField[]): Buffer {
  const encoded = Buffer.allocUnsafe(tupleBytes(fields));
  encodeTupleInto(encoded, 0, fields);
  return encoded;
}

/** How many bytes `encodeTuple` gives. */
export function tupleBytes(fields: readonly TupleField[]): number {
  let bytes = 0;
  for (const field of fields)
    bytes += LENGTH_BYTES + (typeof field === 'string' ? Buffer.byteLength(field) : field.length);
  return bytes;
}

/** Writes the encoding to `target`, which has room for it, from `offset`. */
export function encodeTupleInto(target: Buffer, offset: number, fields: readonly TupleField[]): void {
  let at = offset;
  for (const field of fields) {
    const start = at + LENGTH_BYTES;
    let bytes: number;
    if (typeof field === 'string') bytes = target.write(field, start);
    else {
      target.set(field, start);
      bytes = field.length;
    }
    target.writeUInt32BE(bytes, at);
    at = start + bytes;
  }
}
