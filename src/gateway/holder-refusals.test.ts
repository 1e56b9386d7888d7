import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { CallRefused } from '../audit/entry.ts';
import { HolderRefusals } from './holder-refusals.ts';

let made = 0;

function refused(tokenId: string, errorCode: string): CallRefused {
  made += 1;
  return {
    action: 'call.refused',
    id: `call_${made}`,
    principal: `token:${tokenId}`,
    userId: null,
    team: 'acme',
    project: null,
    environment: 'dev',
    tokenId,
    resource: 'groq/chat/completions',
    provider: 'groq',
    model: null,
    address: 'a_1',
    errorCode,
  };
}

test('a few refusals of a token stand by themselves; of more, each is counted in the entry of its token, reason and second', () => {
  const clock = new ManualClock();
  const refusals = new HolderRefusals(clock);
  const add = (tokenId: string, code: string): CallRefused | null =>
    refusals.add(tokenId, code, () => refused(tokenId, code));
  const alone = Array.from({ length: 130 }, () => add('t1', 'limit.rate')).filter((entry) => entry !== null);
  expect(alone).toHaveLength(100);
  expect(alone.every(({ count }) => count === undefined)).toBe(true);
  for (let n = 0; n < 7; n += 1) add('t1', 'access.model');
  // Another token has its own.
  expect(add('t2', 'limit.rate')).toMatchObject({ tokenId: 't2' });
  const folded = refusals.take();
  expect(folded.map(({ tokenId, errorCode, count }) => [tokenId, errorCode, count])).toEqual([
    ['t1', 'limit.rate', 30],
    ['t1', 'access.model', 7],
  ]);
  // A folded entry is that of its first call.
  expect(alone.map(({ id }) => id)).not.toContain(folded[0]!.id);
  expect(refusals.take()).toEqual([]);
  clock.pass(5000);
  const later = Array.from({ length: 10 }, () => add('t1', 'limit.rate')).filter((entry) => entry !== null);
  expect(later).toHaveLength(5);
});

test('1,000,000 refused calls of one token in 200 seconds make few entries, and none of them is forgotten', () => {
  const clock = new ManualClock();
  const refusals = new HolderRefusals(clock);
  const codes = ['limit.rate', 'budget.exceeded', 'access.model', 'request.invalid'];
  let bytes = 0;
  let counted = 0;
  const record = (entry: CallRefused): void => {
    bytes += JSON.stringify(entry).length;
    counted += entry.count ?? 1;
  };
  made = 0;
  for (let second = 0; second < 200; second += 1) {
    for (let n = 0; n < 5000; n += 1) {
      const code = codes[n % codes.length]!;
      const entry = refusals.add('t1', code, () => refused('t1', code));
      if (entry) record(entry);
      clock.pass(0.2);
    }
    for (const entry of refusals.take()) record(entry);
  }
  expect(counted).toBe(1_000_000);
  expect(bytes).toBeLessThan(1024 * 1024);
  // Nothing is looked up or put together for a call that is only counted.
  expect(made).toBeLessThan(1100);
});

test('every refusal is on record exactly once, whatever their order and pace', () => {
  const step = fc.tuple(
    fc.constantFrom('t1', 't2'),
    fc.constantFrom('limit.rate', 'access.model'),
    fc.constantFrom(0, 1, 900),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const clock = new ManualClock();
      const refusals = new HolderRefusals(clock);
      const counts = new Map<string, number>();
      const record = ({ tokenId, errorCode, count = 1 }: CallRefused): void => {
        const key = `${tokenId} ${errorCode}`;
        counts.set(key, (counts.get(key) ?? 0) + count);
      };
      for (const [tokenId, code, waitMs, second] of steps) {
        const entry = refusals.add(tokenId, code, () => refused(tokenId, code));
        if (entry) record(entry);
        clock.pass(waitMs);
        if (second) refusals.take().forEach(record);
      }
      refusals.take().forEach(record);
      const expected = new Map<string, number>();
      for (const [tokenId, code] of steps)
        expected.set(`${tokenId} ${code}`, (expected.get(`${tokenId} ${code}`) ?? 0) + 1);
      expect(counts).toEqual(expected);
    }),
  );
});
