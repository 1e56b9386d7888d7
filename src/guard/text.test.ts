import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { beginning, characters } from './text.ts';

const anyText = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 1 }), fc.constantFrom('\ud83d', '\ude00', 'e\u0301')),
});

test('characters are code points', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(characters(text)).toBe(Array.from(text).length);
    }),
  );
  expect(characters('a😀é日')).toBe(4);
});

test('the beginning of a text is its beginning, never longer than asked, and breaks no pair', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, atMost) => {
      const cut = beginning(text, atMost);
      expect(text.startsWith(cut)).toBe(true);
      expect(characters(cut)).toBeLessThanOrEqual(atMost);
      expect(cut === '').toBe(text === '');
      // Only a text that had a half by itself may have one afterwards.
      if (text.isWellFormed()) expect(cut.isWellFormed()).toBe(true);
      if (characters(text) <= atMost) expect(cut).toBe(text);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ['a pair', `abc😀`, 4, 'abc😀'],
  ['a pair that has no room', `abc😀d`, 3, 'abc'],
  ['a letter and its accent stay together', 'abce\u0301', 4, 'abc'],
  ['a family stays together', `ab👨‍👩‍👧x`, 5, 'ab'],
  ['a flag stays together', 'ab🇩🇪x', 3, 'ab'],
  [
    'one letter longer than the room is cut by code points',
    `e${'\u0301'.repeat(50)}`,
    10,
    `e${'\u0301'.repeat(9)}`,
  ],
  ['marks beyond any window too', `x${'\u0301'.repeat(5000)}`, 4000, `x${'\u0301'.repeat(3999)}`],
])('%s', (_, text, atMost, expected) => {
  expect(beginning(text, atMost)).toBe(expected);
});

test('a cut in a long text looks at a few letters, not at all of it', () => {
  const text = `${'a'.repeat(3_999_999)}😀b`;
  expect(beginning(text, 4_000_000)).toBe(text.slice(0, -1));
});
