import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Unseen } from './unseen.ts';

/** The fastest that a provider is taken to write, in tokens a millisecond and choice. */
const PACE = 2;

test('never nothing, and in proportion to the time and the choices', () => {
  expect(new Unseen(1).tokens(0)).toBe(100);
  expect(new Unseen(3).tokens(0)).toBe(300);
  expect(new Unseen(1).tokens(1000)).toBe(2100);
  expect(new Unseen(1).tokensWithin(1000)).toBe(2100);
  // A clock that goes back changes nothing.
  expect(new Unseen(1).tokens(-5000)).toBe(100);
});

test('a pause between two chunks leaves nothing behind, a long silence does', () => {
  const unseen = new Unseen(1);
  for (let chunk = 0; chunk < 1000; chunk += 1) unseen.waited('provider', 1999);
  expect(unseen.tokens(0)).toBe(100);
  unseen.waited('provider', 2500);
  unseen.caughtUp();
  expect(unseen.tokens(0)).toBe(5100);
});

test('a client that takes its time lets the provider get ahead, until we have caught up', () => {
  const unseen = new Unseen(1);
  unseen.waited('client', 100);
  expect(unseen.behind).toBe(false);
  unseen.waited('client', 101);
  unseen.waited('client', 400);
  expect([unseen.behind, unseen.tokens(0)]).toEqual([true, 1102]);
  unseen.caughtUp();
  expect([unseen.behind, unseen.tokens(0)]).toEqual([false, 100]);
});

test('what a provider makes in a wait that counts is never more than what is charged for it', () => {
  const wait = fc.record({
    whom: fc.constantFrom('provider' as const, 'client' as const),
    ms: fc.integer({ min: 2001, max: 60_000 }),
    tokensPerMs: fc.double({ min: 0, max: PACE, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(wait, { maxLength: 20 }), fc.integer({ min: 0, max: 5000 }), (waits, lastMs) => {
      const unseen = new Unseen(1);
      let made = lastMs * PACE;
      for (const { whom, ms, tokensPerMs } of waits) {
        made += ms * tokensPerMs;
        unseen.waited(whom, ms);
      }
      expect(unseen.tokens(lastMs)).toBeGreaterThanOrEqual(made);
    }),
  );
});
