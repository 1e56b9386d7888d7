import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { readJson, type Span } from './json-scan.ts';
import { cutsOf, splice } from './splice.ts';

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

const gap = fc.constantFrom('', ' ', '\n\t');
const values = fc.array(fc.jsonValue({ maxDepth: 2 }), { minLength: 1, maxLength: 8 });
const drops = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });

/** Where the members of the object, or the elements of its one member, stand. */
function partsOf(bytes: Buffer, inside: boolean): Span[] {
  return readJson(bytes, (tree) => {
    const parts: Span[] = [];
    const container = inside ? 1 : 0;
    for (let part = container + 1; part < tree.next(container); part = tree.next(part))
      parts.push(inside ? tree.span(part) : tree.memberSpan(part));
    return parts;
  });
}

test('elements that are cut out leave the others, and valid JSON', () => {
  fc.assert(
    fc.property(values, drops, gap, (list, drop, space) => {
      fc.pre(list.some((_, index) => !drop[index]));
      const elements = list.map((value) => JSON.stringify(value)).join(`${space},${space}`);
      const bytes = Buffer.from(`{"list":[${space}${elements}${space}]}`);
      const left = splice(
        bytes,
        cutsOf(partsOf(bytes, true), (index) => drop[index] === true),
      );
      const kept = list.filter((_, index) => !drop[index]);
      expect(JSON.parse(left.toString())).toEqual(JSON.parse(JSON.stringify({ list: kept })));
    }),
  );
});

test('so do members', () => {
  fc.assert(
    fc.property(values, drops, gap, (list, drop, space) => {
      fc.pre(list.some((_, index) => !drop[index]));
      const members = list.map(
        (value, index) => `"k\\u0065y${index}"${space}:${space}${JSON.stringify(value)}`,
      );
      const bytes = Buffer.from(`{${space}${members.join(`${space},${space}`)}${space}}`);
      const left = splice(
        bytes,
        cutsOf(partsOf(bytes, false), (index) => drop[index] === true),
      );
      const kept = Object.keys(JSON.parse(left.toString()) as object);
      expect(kept).toEqual(list.flatMap((_, index) => (drop[index] ? [] : [`key${index}`])));
    }),
  );
});

test('nothing is ever cut down to nothing', () => {
  expect(() => cutsOf([{ start: 1, end: 2 }], () => true)).toThrow();
});
