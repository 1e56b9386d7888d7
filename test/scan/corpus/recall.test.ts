/** How much of the corpus is found, with one frozen seed: the aims of issue 5. `npm run bench:recall` takes other seeds, and more of each. */
import { expect, test } from 'bun:test';
import { carrierOf, type Cell, evaluate, recallBy, shapeOf } from './evaluate.ts';

const SEED = 1;
const PLAIN_AIM = 0.99;

const plain = evaluate({ seed: SEED, perCell: 2, encoded: false });

function below(cells: readonly Cell[], aim: number, nameOf: (cell: Cell) => string): [string, number][] {
  return [...recallBy(cells, nameOf)].filter(([, share]) => share < aim);
}

test('of keys that stand as they are, 99 of 100 are found in every carrier', () => {
  expect(below(plain, PLAIN_AIM, carrierOf)).toEqual([]);
  expect(recallBy(plain, carrierOf).size).toBeGreaterThan(200);
});

test('and of every provider', () => {
  expect(below(plain, PLAIN_AIM, shapeOf)).toEqual([]);
  expect(recallBy(plain, shapeOf).size).toBeGreaterThan(50);
});
