/** How much of the corpus is found, with one frozen seed: the aims of issue 5. `npm run bench:recall` takes other seeds, and more of each. */
import { expect, test } from 'bun:test';
import { findDeep } from '../../../src/detect/deep.ts';
import { carrierOf, type Cell, evaluate, recallBy, shapeOf } from './evaluate.ts';
import { NEGATIVES } from './negatives.ts';
import { POSITIONS } from './positions.ts';
import { Random } from './random.ts';

const SEED = 1;
const PLAIN_AIM = 0.99;
const ENCODED_AIM = 0.95;

const plain = await evaluate({ seed: SEED, perCell: 2, encoded: false });
const encoded = await evaluate({ seed: SEED, perCell: 1, encoded: true });
const seenThrough = encoded.filter(({ carrier }) => !carrier.missed);

function below(cells: readonly Cell[], aim: number, nameOf: (cell: Cell) => string): [string, number][] {
  return [...recallBy(cells, nameOf)].filter(([, share]) => share < aim);
}

test('of keys that stand as they are, 99 of 100 are found in every carrier', () => {
  expect(below(plain, PLAIN_AIM, carrierOf)).toEqual([]);
  expect(recallBy(plain, carrierOf).size).toBeGreaterThan(200);
});

test('and of every provider, as they stand', () => {
  expect(below(plain, PLAIN_AIM, shapeOf)).toEqual([]);
  expect(recallBy(plain, shapeOf).size).toBeGreaterThan(50);
});

test('of keys that are encoded, 95 of 100 are found in every carrier', () => {
  expect(below(seenThrough, ENCODED_AIM, carrierOf)).toEqual([]);
  expect(recallBy(seenThrough, carrierOf).size).toBeGreaterThan(120);
});

test('and of every provider, encoded', () => {
  expect(below(seenThrough, ENCODED_AIM, shapeOf)).toEqual([]);
});

test('what is said to be missed is missed: the page of figures says the same', () => {
  const missed = encoded.filter(({ carrier }) => carrier.missed);
  expect([...recallBy(missed, carrierOf)].filter(([, share]) => share > 0.2)).toEqual([]);
  expect(missed.length).toBeGreaterThan(0);
});

test.each(POSITIONS.map((position) => [position.name, position] as const))('and %s', async (_, position) => {
  const some = /^(?:\.env|JSON|Kubernetes secret|XML nested|fromCharCode)$/;
  const cells = await evaluate({
    seed: SEED,
    perCell: 1,
    position,
    carriers: (carrier) => some.test(carrier.name) && position.carriers(carrier),
  });
  expect(cells.length).toBeGreaterThan(150);
  expect(recallBy(cells, () => 'all').get('all')).toBeGreaterThanOrEqual(PLAIN_AIM);
});

test.each(NEGATIVES.map(({ name, write }) => [name, write] as const))(
  'nothing is found in: %s',
  (name, write) => {
    const random = new Random(SEED, name);
    for (let round = 0; round < 40; round += 1) {
      const text = write(random);
      expect([text, findDeep(Buffer.from(text)).map(({ rule }) => rule.id)]).toEqual([text, []]);
    }
  },
);
