import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { AuthRefused } from '../audit/entry.ts';
import { StrangerRefusals } from './stranger-refusals.ts';

const clock = new ManualClock();
const inClear = (address: string): string => address;
const sum = (entries: readonly AuthRefused[]): number => entries.reduce((all, { count }) => all + count, 0);

test('every refusal is counted once, by address and reason', () => {
  const refusal = fc.tuple(
    fc.constantFrom('a_1', 'a_2', 'a_3'),
    fc.constantFrom('token.invalid', 'request.invalid'),
  );
  fc.assert(
    fc.property(fc.array(refusal, { maxLength: 50 }), (all) => {
      const strangers = new StrangerRefusals(clock, inClear);
      for (const [address, code] of all) strangers.add(address, code);
      const entries = strangers.take();
      for (const { address, errorCode, count, action } of entries) {
        expect(action).toBe('auth.refused');
        expect(count).toBe(all.filter(([from, code]) => from === address && code === errorCode).length);
      }
      expect(sum(entries)).toBe(all.length);
      expect(strangers.take()).toEqual([]);
    }),
  );
});

test('any number of strangers makes a bounded number of entries, and none of them is forgotten', () => {
  const strangers = new StrangerRefusals(clock, inClear);
  for (let n = 0; n < 200_000; n += 1)
    strangers.add(`a_${n}`, n % 2 === 0 ? 'token.invalid' : 'request.invalid');
  const entries = strangers.take();
  expect(entries.length).toBeLessThanOrEqual(102);
  expect(sum(entries)).toBe(200_000);
  const others = entries.filter(({ address }) => address === 'others');
  expect(others.map(({ count }) => count)).toEqual([99_950, 99_950]);
});

test('strangers that go on for an hour, from ever new addresses, make a few entries a second', () => {
  const time = new ManualClock();
  const strangers = new StrangerRefusals(time, inClear);
  let entries = 0;
  let counted = 0;
  for (let second = 0; second < 3600; second += 1) {
    for (let n = 0; n < 200; n += 1) strangers.add(`a_${second}_${n}`, 'token.invalid');
    time.pass(1000);
    const taken = strangers.take();
    entries += taken.length;
    counted += sum(taken);
  }
  expect(counted).toBe(3600 * 200);
  expect(entries).toBeLessThan(100 + 3600 * 3 + 10);
  // One that has been quiet for a while is told apart again.
  time.pass(60_000);
  for (let n = 0; n < 50; n += 1) strangers.add(`late_${n}`, 'token.invalid');
  expect(strangers.take()).toHaveLength(50);
});

test('who is known already is still counted apart when there is no room for others', () => {
  const strangers = new StrangerRefusals(clock, inClear);
  for (let n = 0; n < 1500; n += 1) strangers.add(`a_${n}`, 'token.invalid');
  strangers.add('a_7', 'token.invalid');
  expect(strangers.take().find(({ address }) => address === 'a_7')?.count).toBe(2);
});

test('no crowd of strangers hides who holds a token that has ended', () => {
  const strangers = new StrangerRefusals(clock, inClear);
  for (let n = 0; n < 5000; n += 1) strangers.add(`a_${n}`, 'token.invalid');
  strangers.add('thief', 'token.invalid', 'AAAAAAAAAAAA');
  expect(strangers.take().filter(({ tokenId }) => tokenId !== null)).toEqual([
    {
      action: 'auth.refused',
      address: 'thief',
      tokenId: 'AAAAAAAAAAAA',
      errorCode: 'token.invalid',
      count: 1,
    },
  ]);
  // Beyond its own room an address is lost, but not which token it was.
  for (let n = 0; n < 5000; n += 1) strangers.add(`b_${n}`, 'token.invalid', 'AAAAAAAAAAAA');
  const entries = strangers.take();
  expect(entries.every(({ tokenId }) => tokenId === 'AAAAAAAAAAAA')).toBe(true);
  expect([sum(entries), entries.length <= 101]).toEqual([5000, true]);
});

test('only addresses that get an entry of their own get a pseudonym', () => {
  const committed: string[] = [];
  const strangers = new StrangerRefusals(clock, (address) => {
    committed.push(address);
    return `p_${address}`;
  });
  for (let n = 0; n < 5000; n += 1) strangers.add(`a_${n}`, 'token.invalid');
  expect(committed).toEqual([]);
  const addresses = strangers.take().map(({ address }) => address);
  expect(committed).toEqual(Array.from({ length: 100 }, (_, n) => `a_${n}`));
  expect(addresses).toEqual([...committed.map((address) => `p_${address}`), 'others']);
});
