import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { BASE62, toBase62 } from './base62.ts';
import { newCallId, randomBase62 } from './ids.ts';

test('a random text has the length asked for and nothing but base62', () => {
  expect(new Set(BASE62).size).toBe(62);
  for (const length of [0, 1, 2, 12, 32, 61, 500]) {
    expect(randomBase62(length)).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
  }
});

test('no character is likelier than another', () => {
  const total = 310_000;
  const counts = new Map<string, number>();
  for (const char of randomBase62(total)) counts.set(char, (counts.get(char) ?? 0) + 1);
  const expected = total / 62;
  const chi = Array.from(BASE62).reduce(
    (sum, char) => sum + ((counts.get(char) ?? 0) - expected) ** 2 / expected,
    0,
  );
  // 61 degrees of freedom: above 140 once in 30 million runs. Taking bytes modulo 62 gives more than 3000.
  expect(chi).toBeLessThan(140);
});

test('base62 of a number reads back and keeps its width', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), (value) => {
      const text = toBase62(value, 6);
      expect(text).toHaveLength(6);
      expect(Array.from(text).reduce((sum, char) => sum * 62 + BASE62.indexOf(char), 0)).toBe(value);
    }),
  );
  expect(toBase62(Number.MAX_SAFE_INTEGER, 6)).toHaveLength(9);
});

test('call ids are unique and sort by age within one process', () => {
  const ids = Array.from({ length: 5000 }, () => newCallId());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^req_[0-9A-Za-z]{17}$/.test(id))).toBe(true);
  expect(ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))).toEqual(ids);
});
