import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { eachRun, RUN } from './run-skip.ts';

function runsOf(text: string, from = 0, to = text.length): string[] {
  const bytes = Buffer.from(text, 'latin1');
  const runs: string[] = [];
  eachRun(bytes, from, to, (start, end) => runs.push(`${start}:${text.slice(start, end)}`));
  return runs;
}

function byExpression(text: string): string[] {
  const expression = new RegExp(`[A-Za-z0-9_-]{${RUN},}`, 'g');
  return [...text.matchAll(expression)].map((match) => `${match.index}:${match[0]}`);
}

const piece = fc.oneof(
  fc.nat(RUN * 3).map((length) => 'k'.repeat(length)),
  fc.constantFrom(' ', '.', '"', '\n', '\u00ff', 'a', '-', '_'),
  fc.string({ unit: 'binary-ascii', maxLength: 5 }),
);

test('jumping finds the same runs as an expression that looks at every character', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      expect(runsOf(text)).toEqual(byExpression(text));
    }),
    { numRuns: 2000 },
  );
});

test('a run is cut by the bounds of what is searched, and nothing outside is seen', () => {
  const text = `${'a'.repeat(50)} ${'b'.repeat(50)}`;
  expect(runsOf(text, 10, 40)).toEqual([`10:${'a'.repeat(30)}`]);
  expect(runsOf(text, 40, 60)).toEqual([]);
  expect(runsOf(text, 45, 71)).toEqual([`51:${'b'.repeat(20)}`]);
});
