import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { splice } from './splice.ts';

test('without edits the very same bytes come back', () => {
  const bytes = Buffer.from('x');
  expect(splice(bytes, [])).toBe(bytes);
});

test('whatever is outside the edits stays, in any order of the edits', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          keep: fc.uint8Array({ maxLength: 5 }),
          gone: fc.uint8Array({ maxLength: 5 }),
          text: fc.string(),
        }),
        {
          maxLength: 5,
        },
      ),
      fc.nat(),
      (pieces, turn) => {
        let at = 0;
        const edits = pieces.map(({ keep, gone, text }) => {
          const start = at + keep.length;
          at = start + gone.length;
          return { start, end: at, text };
        });
        const bytes = Buffer.concat(pieces.flatMap(({ keep, gone }) => [keep, gone]));
        const expected = Buffer.concat(pieces.flatMap(({ keep, text }) => [keep, Buffer.from(text)]));
        // Insertions at one place keep their order; so only edits at different places may be turned around.
        const distinct = new Set(edits.map(({ start }) => start)).size === edits.length;
        const turned = distinct ? edits.map((_, index) => edits[(index + turn) % edits.length]!) : edits;
        expect(splice(bytes, turned)).toEqual(expected);
      },
    ),
  );
});
