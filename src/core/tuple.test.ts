import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { encodeTuple, type TupleField } from './tuple.ts';

const field = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.uint8Array({ maxLength: 12 }),
  // What looks like a length is where a careless encoding goes wrong.
  fc.constantFrom('', '\0\0\0\u0001', new Uint8Array([0, 0, 0, 0]), '\0'),
);

function decode(bytes: Buffer): string[] {
  const fields: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    fields.push(bytes.toString('hex', at + 4, end));
    at = end;
  }
  return fields;
}

const hex = (one: TupleField): string => Buffer.from(one as string).toString('hex');

test('a tuple can be taken apart in one way only', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
      expect(decode(encodeTuple(fields))).toEqual(fields.map(hex));
    }),
  );
});

test('different lists of fields never encode alike', () => {
  const lists = fc.array(field, { maxLength: 5 });
  fc.assert(
    fc.property(lists, lists, (a, b) => {
      const same = a.length === b.length && a.every((one, index) => hex(one) === hex(b[index]!));
      expect(encodeTuple(a).equals(encodeTuple(b))).toBe(same);
    }),
    { numRuns: 500 },
  );
  expect(encodeTuple(['ab', 'c'])).not.toEqual(encodeTuple(['a', 'bc']));
  expect(encodeTuple([])).not.toEqual(encodeTuple(['']));
});
