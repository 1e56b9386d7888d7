/**
 * An unambiguous byte encoding of a list of fields: for each, a 4-byte big-endian length, then the bytes (text as UTF-8).
 * Used wherever fields are authenticated (AAD, row MACs), so that ("ab","c") and ("a","bc") never encode alike.
 */

export type TupleField = string | Uint8Array;

export function encodeTuple(fields: readonly TupleField[]): Buffer {
  const parts: Buffer[] = [];
  for (const field of fields) {
    const bytes = typeof field === 'string' ? Buffer.from(field, 'utf8') : Buffer.from(field);
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}
