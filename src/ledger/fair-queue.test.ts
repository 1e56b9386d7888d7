import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { type Attempt, FairQueue, type Waiter } from './fair-queue.ts';

interface Call extends Waiter {
  readonly number: number;
}

const SERVED: Attempt = { kind: 'served' };
let numbers = 0;

function call(team: string, token = team, subjects: readonly string[] = ['key:k']): Call {
  numbers += 1;
  return { team, token, subjects, number: numbers };
}

function fill(queue: FairQueue<Call>, team: string, count: number, weight = 1): Call[] {
  const calls = Array.from({ length: count }, () => call(team));
  for (const one of calls) queue.add(one, weight);
  return calls;
}

/** Serves so many turns; who had them, in order. */
function turns(queue: FairQueue<Call>, count: number): Call[] {
  const order: Call[] = [];
  queue.serve((one) => {
    if (order.length === count) return { kind: 'stopped', by: 'key:k' };
    order.push(one);
    return SERVED;
  });
  return order;
}

const teams = (calls: readonly Call[]): string => calls.map(({ team }) => team).join('');

test('a thousand waiting calls of one team delay a single call of another by one turn', () => {
  for (const served of [0, 1, 7, 500]) {
    const queue = new FairQueue<Call>();
    fill(queue, 'a', 1000);
    turns(queue, served);
    queue.add(call('b'), 1);
    expect(turns(queue, 2).filter(({ team }) => team === 'b')).toHaveLength(1);
    expect(queue.size).toBe(1000 - served - 1);
  }
});

test('a team that sends its calls one by one gets its share of the turns, and no more', () => {
  const queue = new FairQueue<Call>();
  fill(queue, 'a', 1000);
  let had = 0;
  let order = '';
  for (let turn = 0; turn < 200; turn += 1) {
    if (queue.waitingOfTeam('b') === 0) queue.add(call('b'), 1);
    order += teams(turns(queue, 1));
    had = order.split('b').length - 1;
    expect(Math.abs(had - (order.length - had))).toBeLessThanOrEqual(1);
  }
  expect(had).toBe(100);
});

test('turns go by weight', () => {
  const queue = new FairQueue<Call>();
  fill(queue, 'a', 400, 3);
  fill(queue, 'b', 400, 1);
  const order = teams(turns(queue, 400));
  expect([order.split('a').length - 1, order.split('b').length - 1]).toEqual([300, 100]);
});

test('while teams have calls waiting, no two are further apart than a turn of each', () => {
  const team = fc.record({ weight: fc.integer({ min: 1, max: 9 }), calls: fc.integer({ min: 30, max: 60 }) });
  fc.assert(
    fc.property(
      fc.array(team, { minLength: 2, maxLength: 6 }),
      fc.integer({ min: 1, max: 30 }),
      (list, count) => {
        const queue = new FairQueue<Call>();
        for (const [index, { weight, calls }] of list.entries()) fill(queue, String(index), calls, weight);
        const had = new Map<string, number>();
        for (const { team: name } of turns(queue, count)) had.set(name, (had.get(name) ?? 0) + 1);
        const share = (index: number): number => (had.get(String(index)) ?? 0) / (list[index]?.weight ?? 1);
        for (const i of list.keys())
          for (const j of list.keys())
            expect(share(i) - share(j)).toBeLessThanOrEqual(1 / list[i]!.weight + 1 / list[j]!.weight + 1e-9);
      },
    ),
  );
});

test('within a team calls go in the order they came', () => {
  const queue = new FairQueue<Call>();
  const calls = Array.from({ length: 30 }, (_, index) => call('a', `token-${index % 4}`));
  for (const one of calls) queue.add(one, 1);
  expect(turns(queue, 30)).toEqual(calls);
});

test('a limit that holds one call up lets by who has another one, and nobody who has the same', () => {
  const queue = new FairQueue<Call>();
  const shared = ['key:k'];
  const own = call('a', 'slow', ['token:slow', ...shared]);
  const sibling = call('a', 'quick', ['token:quick', ...shared]);
  const behind = call('a', 'slow', ['token:slow', ...shared]);
  const other = call('b', 'other', ['token:other', ...shared]);
  for (const one of [own, sibling, behind, other]) queue.add(one, 1);
  const asked: Call[] = [];
  queue.serve((one) => {
    asked.push(one);
    return one.token === 'slow' ? { kind: 'stopped', by: 'token:slow' } : SERVED;
  });
  expect(asked).toEqual([own, sibling, other]);
  expect([...queue.waiters()]).toEqual([own, behind]);
  // The key itself: whoever is first in turn holds everybody up, so that a large call is not overtaken for ever.
  queue.add(other, 1);
  asked.length = 0;
  queue.serve((one) => {
    asked.push(one);
    return { kind: 'stopped', by: 'key:k' };
  });
  expect(asked).toHaveLength(1);
});

test('nobody saves turns up, neither idle nor held up by a limit of their own', () => {
  const queue = new FairQueue<Call>();
  fill(queue, 'a', 300);
  const stopped = Array.from({ length: 50 }, () => call('b', 'b', ['token:b', 'key:k']));
  for (const one of stopped) queue.add(one, 1);
  let order: string[] = [];
  const serve = (most: number, held: boolean): void => {
    order = [];
    queue.serve((one) => {
      if (order.length === most) return { kind: 'stopped', by: 'key:k' };
      if (held && one.team === 'b') return { kind: 'stopped', by: 'token:b' };
      order.push(one.team);
      return SERVED;
    });
  };
  serve(100, true);
  expect(new Set(order)).toEqual(new Set(['a']));
  serve(20, false);
  expect(order.filter((team) => team === 'b')).toHaveLength(10);
});

test('who leaves is not served, and leaves nothing behind', () => {
  const queue = new FairQueue<Call>();
  const [first, second, third] = fill(queue, 'a', 3) as [Call, Call, Call];
  expect([queue.remove(second), queue.remove(second)]).toEqual([true, false]);
  expect([queue.waitingOfTeam('a'), queue.waitingOfToken('a'), queue.anyoneFor(['key:k'])]).toEqual([
    2,
    2,
    true,
  ]);
  const asked: Call[] = [];
  queue.serve((one) => {
    asked.push(one);
    return one === first ? { kind: 'gone' } : SERVED;
  });
  expect(asked).toEqual([first, third]);
  expect([
    queue.size,
    queue.waitingOfTeam('a'),
    queue.waitingOfToken('a'),
    queue.anyoneFor(['key:k']),
  ]).toEqual([0, 0, 0, false]);
});

test('the newest of the longest queue is found, if it is longer than a given one', () => {
  const queue = new FairQueue<Call>();
  fill(queue, 'a', 2);
  const calls = fill(queue, 'b', 5);
  fill(queue, 'a', 1);
  expect(queue.newestOfLargest(4)).toBe(calls[4]);
  expect(queue.newestOfLargest(5)).toBeUndefined();
});
