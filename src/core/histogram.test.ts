import { expect, test } from 'bun:test';
import { Histogram } from './histogram.ts';

test('a value that equals a bound belongs to it, and one above all bounds is counted as well', () => {
  const histogram = new Histogram([1, 2, 4]);
  for (const value of [0, 1, 1.5, 2, 3, 4, 4.1, 1e9]) histogram.observe(value);
  expect([...histogram.counts]).toEqual([2, 2, 2, 2]);
  expect(histogram.count).toBe(8);
  expect(histogram.sum).toBeCloseTo(1e9 + 15.6);
});
