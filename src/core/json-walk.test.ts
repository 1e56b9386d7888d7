import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { cutsOf, elementsOf, membersOf, valueAt } from './json-walk.ts';
import type { Span } from './json-scan.ts';
import { type Edit, splice } from './splice.ts';

/** The same value in many spellings: spaces anywhere, escapes in strings. */
const spelled = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

const array = fc
  .tuple(fc.array(spelled, { maxLength: 8 }), fc.constantFrom('', ' ', '\n\t', '\r\n'))
  .map(([items, gap]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`);

const key = fc.string({ unit: 'binary', maxLength: 6 });
const object = fc
  .tuple(
    fc.uniqueArray(fc.tuple(key, spelled), { selector: ([name]) => name, maxLength: 8 }),
    fc.constantFrom('', ' ', '\n'),
  )
  .map(([members, gap]) => {
    const inner = members.map(([name, value]) => `${escaped(name)}${gap}:${gap}${value}`);
    return `{${gap}${inner.join(`${gap},${gap}`)}${gap}}`;
  });

/** Every character as an escape: a key is what it decodes to. */
function escaped(name: string): string {
  const units = Array.from({ length: name.length }, (_, at) =>
    name.charCodeAt(at).toString(16).padStart(4, '0'),
  );
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

const cut = ({ start, end }: Span): Edit => ({ start, end, text: '' });

test('elements are those that JSON.parse sees, whatever stands around the array', () => {
  fc.assert(
    fc.property(array, fc.constantFrom('', '  ', '"x":'), (text, before) => {
      const bytes = Buffer.from(`${before}${text},"after":[1]`);
      const start = Buffer.byteLength(before);
      const spans = elementsOf(bytes, { start, end: start + Buffer.byteLength(text) });
      expect(spans.map((span) => valueAt(bytes, span))).toEqual(JSON.parse(text) as unknown[]);
    }),
    { numRuns: 1000 },
  );
});

test('members are those that JSON.parse sees, keys decoded', () => {
  fc.assert(
    fc.property(object, (text) => {
      const bytes = Buffer.from(text);
      const members = membersOf(bytes, { start: 0, end: bytes.length });
      const seen = members.map((member) => [member.key, valueAt(bytes, member.value)] as const);
      expect(new Map(seen)).toEqual(new Map(Object.entries(JSON.parse(text) as object)));
    }),
    { numRuns: 1000 },
  );
});

test('what is cut out leaves the rest, and valid JSON', () => {
  fc.assert(
    fc.property(array, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (text, drops) => {
      const bytes = Buffer.from(text);
      const spans = elementsOf(bytes, { start: 0, end: bytes.length });
      const values = JSON.parse(text) as unknown[];
      const drop = (index: number): boolean => drops[index] === true;
      fc.pre(values.some((_, index) => !drop(index)));
      const cuts = cutsOf(spans, drop).map(cut);
      expect(JSON.parse(splice(bytes, cuts).toString())).toEqual(values.filter((_, index) => !drop(index)));
    }),
    { numRuns: 2000 },
  );
});

test('likewise of an object', () => {
  fc.assert(
    fc.property(object, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (text, drops) => {
      const bytes = Buffer.from(text);
      const members = membersOf(bytes, { start: 0, end: bytes.length });
      fc.pre(members.some((_, index) => !drops[index]));
      const cuts = cutsOf(
        members.map(({ span }) => span),
        (index) => drops[index] === true,
      ).map(cut);
      const left = new Map(Object.entries(JSON.parse(splice(bytes, cuts).toString()) as object));
      const kept = members.filter((_, index) => !drops[index]);
      expect([...left.keys()].toSorted()).toEqual(kept.map((member) => member.key).toSorted());
    }),
    { numRuns: 1000 },
  );
});

test('nothing is ever cut down to nothing', () => {
  const bytes = Buffer.from('[1,2]');
  expect(() => cutsOf(elementsOf(bytes, { start: 0, end: 5 }), () => true)).toThrow();
});
