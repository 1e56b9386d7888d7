import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { sha256, TupleMac } from './sha256.ts';
import { encodeTuple } from './tuple.ts';

const field = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.uint8Array({ maxLength: 300 }));

test("a digest is that of the runtime's own SHA-256, however long the message is", () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 5 }), (parts) => {
      const hash = createHash('sha256');
      for (const part of parts) hash.update(typeof part === 'string' ? Buffer.from(part) : part);
      expect(sha256(...parts)).toEqual(hash.digest());
    }),
  );
  for (const length of [0, 1, 16_383, 16_384, 16_385, 200_000]) {
    const text = 'é'.repeat(length);
    expect(sha256(text, Buffer.alloc(3))).toEqual(
      createHash('sha256').update(text).update(Buffer.alloc(3)).digest(),
    );
  }
});

test("a tag is that of the runtime's own HMAC-SHA-256, at its place and nowhere else", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(key, fc.array(field, { maxLength: 5 }), fc.nat(8), (bytes, fields, offset) => {
      const target = Buffer.alloc(48, 0xaa);
      new TupleMac(bytes).write(fields, target, offset);
      const expected = Buffer.alloc(48, 0xaa);
      createHmac('sha256', bytes).update(encodeTuple(fields)).digest().copy(expected, offset);
      expect(target).toEqual(expected);
    }),
  );
});

test('a tag over more than the scratch holds is right as well', () => {
  const key = Buffer.alloc(32, 7);
  const fields = ['x'.repeat(16_200), Buffer.alloc(120), 'y'.repeat(100_000)];
  const target = Buffer.alloc(32);
  new TupleMac(key).write(fields, target, 0);
  expect(target).toEqual(createHmac('sha256', key).update(encodeTuple(fields)).digest());
});

test('a key that is empty or longer than a block is refused', () => {
  expect(() => new TupleMac(new Uint8Array())).toThrow(TypeError);
  expect(() => new TupleMac(new Uint8Array(65))).toThrow(TypeError);
});
