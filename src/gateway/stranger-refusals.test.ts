import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { StrangerRefusals } from './stranger-refusals.ts';

const inClear = (address: string): string => address;

test('every refusal is counted once, by address and reason', () => {
  const refusal = fc.tuple(
    fc.constantFrom('a_1', 'a_2', 'a_3'),
    fc.constantFrom('token.invalid', 'request.invalid'),
  );
  fc.assert(
    fc.property(fc.array(refusal, { maxLength: 50 }), (all) => {
      const strangers = new StrangerRefusals(inClear);
      for (const [address, code] of all) strangers.add(address, code);
      const entries = strangers.take();
      for (const { address, errorCode, count, action } of entries) {
        expect(action).toBe('auth.refused');
        expect(count).toBe(all.filter(([from, code]) => from === address && code === errorCode).length);
      }
      expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
      expect(strangers.take()).toEqual([]);
    }),
  );
});

test('any number of strangers makes a bounded number of entries, and none of them is forgotten', () => {
  const strangers = new StrangerRefusals(inClear);
  for (let n = 0; n < 200_000; n += 1)
    strangers.add(`a_${n}`, n % 2 === 0 ? 'token.invalid' : 'request.invalid');
  const entries = strangers.take();
  expect(entries.length).toBeLessThanOrEqual(102);
  expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(200_000);
  const others = entries.filter(({ address }) => address === 'others');
  expect(others.map(({ count }) => count)).toEqual([99_950, 99_950]);
});

test('who is known already is still counted apart when the table is full', () => {
  const strangers = new StrangerRefusals(inClear);
  for (let n = 0; n < 1500; n += 1) strangers.add(`a_${n}`, 'token.invalid');
  strangers.add('a_7', 'token.invalid');
  expect(strangers.take().find(({ address }) => address === 'a_7')?.count).toBe(2);
});

test('only addresses that get an entry of their own get a pseudonym', () => {
  const committed: string[] = [];
  const strangers = new StrangerRefusals((address) => {
    committed.push(address);
    return `p_${address}`;
  });
  for (let n = 0; n < 5000; n += 1) strangers.add(`a_${n}`, 'token.invalid');
  expect(committed).toEqual([]);
  const addresses = strangers.take().map(({ address }) => address);
  expect(committed).toEqual(Array.from({ length: 100 }, (_, n) => `a_${n}`));
  expect(addresses).toEqual([...committed.map((address) => `p_${address}`), 'others']);
});
