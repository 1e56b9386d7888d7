import { expect, test } from 'bun:test';
import { slopeOf } from '../../bench/soak/slope.ts';

test('a line has its own slope and no error; noise around it has the slope and an error', () => {
  const line = Array.from({ length: 10 }, (_, n) => ({ x: n * 1000, y: 5_000_000 + n * 700_000 }));
  expect(slopeOf(line)).toEqual({ perUnit: 700, error: 0 });
  const noisy = line.map(({ x, y }, n) => ({ x, y: y + (n % 2 === 0 ? 50_000 : -50_000) }));
  const { perUnit, error } = slopeOf(noisy);
  expect(Math.abs(perUnit - 700)).toBeLessThan(2 * error);
  expect(error).toBeGreaterThan(1);
  expect(slopeOf(line.slice(0, 2)).perUnit).toBeNaN();
});
