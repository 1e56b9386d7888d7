import { describe, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { refusalOf, rejectionOf } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import { SallyportError } from '../core/errors.ts';
import { type Admission, Limits } from '../ledger/limits.ts';
import { type Caller, type Load, Turns } from './turns.ts';

const KEY = 'key:groq';
const loadOf = (token: string, team: string, tokens = 10): Load => ({
  subjects: [`token:${token}`, `team:${team}`, KEY],
  tokens,
});

interface Rig {
  readonly clock: ManualClock;
  readonly limits: Limits;
  readonly turns: Turns;
  /** A call that enters or waits; resolves to its place. */
  go(team: string, change?: Partial<Caller> & { readonly load?: Load }): Promise<Admission>;
}

/** One call at once through the key; teams a and b may wait. */
async function open(maxWaiting = 100, waitMs = 20_000): Promise<Rig> {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const { book } = await openMemoryBook(store, await testKeyring(store));
  const limits = new Limits({ clock, records: book, callsBetween: () => Promise.resolve(0) });
  await limits.set('local', KEY, { concurrency: 1 });
  for (const team of ['a', 'b']) await limits.set('local', `team:${team}`, { queue: { length: 50, waitMs } });
  const turns = new Turns({ clock, limits, maxWaiting });
  const go: Rig['go'] = (team, { load = loadOf(`of-${team}`, team), ...change } = {}) => {
    const caller: Caller = {
      tokenId: `of-${team}`,
      team,
      arrivedMs: clock.monotonicMs(),
      patienceMs: null,
      signal: new AbortController().signal,
      decideAgain: () => load,
      ...change,
    };
    try {
      const place = turns.enter(caller.tokenId, team, load);
      return place ? Promise.resolve(place) : turns.wait(caller, load);
    } catch (error) {
      return Promise.reject(error);
    }
  };
  return { clock, limits, turns, go };
}

/** Microtasks that are due. */
const settle = async (): Promise<void> => {
  for (let round = 0; round < 20; round += 1) await Promise.resolve();
};

describe('a place', () => {
  test('is there at once while there is room, and at the turn when another call gives it back', async () => {
    const { turns, go } = await open();
    const first = await go('a');
    let second: Admission | undefined;
    void go('b').then((place) => (second = place));
    await settle();
    expect([turns.waiting, turns.waitingOfTeam('b'), second]).toEqual([1, 1, undefined]);
    first.release();
    await settle();
    expect([turns.waiting, second === undefined]).toEqual([0, false]);
    turns.stop();
  });

  test('goes round the teams, whoever has more calls waiting', async () => {
    const { turns, go } = await open();
    const order: string[] = [];
    let running = await go('a');
    const queue = (team: string): Promise<void> =>
      go(team).then(
        (place) => {
          running = place;
          order.push(team);
        },
        () => undefined,
      );
    for (let index = 0; index < 40; index += 1) void queue('a');
    void queue('b');
    void queue('b');
    await settle();
    for (let turn = 0; turn < 6; turn += 1) {
      running.release();
      await settle();
    }
    expect(order.join('')).toBe('ababaa');
    turns.stop();
    await settle();
  });

  test('is not taken by a newcomer before those who wait, whether it may wait or not', async () => {
    const { turns, go, limits } = await open();
    const running = await go('a');
    const order: string[] = [];
    void go('a').then(() => order.push('waited'));
    running.release();
    // The room is there, but somebody waits for it.
    const refused = await rejectionOf(go('c'));
    expect([refused.code, refused.retryable, refused.retryAfterSeconds]).toEqual(['limit.queue', true, 1]);
    // And whoever asks beforehand is told the same.
    expect(turns.outlook('of-c', 'c', loadOf('of-c', 'c'))).toMatchObject({ kind: 'refused' });
    expect(turns.outlook('of-b', 'b', loadOf('of-b', 'b'))).toMatchObject({ kind: 'waits', upToMs: 20_000 });
    const came = go('b');
    await settle();
    expect([order, turns.waiting]).toEqual([['waited'], 1]);
    expect(limits.refusal([KEY], 0)?.code).toBe('limit.concurrency');
    turns.stop();
    await rejectionOf(came);
  });

  test('of a call without a queue is refused as before', async () => {
    const { go } = await open();
    await go('a');
    expect((await rejectionOf(go('c'))).code).toBe('limit.concurrency');
  });

  test('of a token is waited for by the token’s own rule before its team’s', async () => {
    const { go, limits, turns } = await open();
    await go('a');
    await limits.set('local', 'token:never', { queue: { length: 0, waitMs: 1 } });
    await limits.set('local', 'token:once', { queue: { length: 1, waitMs: 20_000 } });
    expect((await rejectionOf(go('a', { tokenId: 'never' }))).code).toBe('limit.concurrency');
    const waiting = go('c', { tokenId: 'once' });
    await settle();
    expect((await rejectionOf(go('c', { tokenId: 'once' }))).message).toContain('(1)');
    turns.stop();
    expect((await rejectionOf(waiting)).code).toBe('gateway.stopping');
  });
});

describe('a wait ends', () => {
  test('when its time is over, counted from the arrival of the request', async () => {
    const { clock, turns, go } = await open();
    await go('a');
    // The body took 15 s to come.
    const late = go('a', { arrivedMs: clock.monotonicMs() - 15_000 });
    const fresh = go('a');
    clock.pass(4999);
    turns.tick();
    await settle();
    expect(turns.waiting).toBe(2);
    clock.pass(1);
    turns.tick();
    const refused = await rejectionOf(late);
    expect([refused.code, refused.retryable, refused.retryAfterSeconds]).toEqual(['limit.queue', true, 1]);
    expect(refused.message).toContain('20 s');
    expect(turns.waiting).toBe(1);
    turns.stop();
    await rejectionOf(fresh);
  });

  test('when the client itself would wait no longer', async () => {
    const { clock, turns, go } = await open();
    await go('a');
    const waiting = go('a', { patienceMs: 3000 });
    clock.pass(3000);
    turns.tick();
    expect((await rejectionOf(waiting)).code).toBe('limit.queue');
  });

  test('when the client leaves, before or while it waits', async () => {
    const { turns, go } = await open();
    const running = await go('a');
    const leaving = new AbortController();
    const waiting = go('a', { signal: leaving.signal });
    await settle();
    leaving.abort();
    expect((await rejectionOf(waiting)).code).toBe('client.aborted');
    expect((await rejectionOf(go('a', { signal: AbortSignal.abort() }))).code).toBe('client.aborted');
    expect(turns.waiting).toBe(0);
    // And what it waited for goes to somebody else.
    running.release();
    (await go('b')).release();
  });

  test('when its token is revoked, and when the process stops', async () => {
    const { turns, go } = await open();
    await go('a');
    const cut = go('a', { tokenId: 'cut' });
    const stays = go('b');
    await settle();
    turns.cut('cut');
    expect((await rejectionOf(cut)).code).toBe('token.invalid');
    expect(turns.waiting).toBe(1);
    turns.stop();
    expect(await rejectionOf(stays)).toMatchObject({ code: 'gateway.stopping', retryable: true });
    expect((await rejectionOf(go('b'))).code).toBe('gateway.stopping');
  });

  test('with what the decision at its turn says', async () => {
    const { turns, go } = await open();
    const running = await go('a');
    let asked = 0;
    const gone = go('a', {
      decideAgain: () => {
        asked += 1;
        if (asked < 2) return loadOf('of-a', 'a');
        throw new SallyportError('access.model', 'not any more');
      },
    });
    const next = go('a');
    await settle();
    running.release();
    expect((await rejectionOf(gone)).code).toBe('access.model');
    // The turn that it did not take is somebody else's, at once.
    (await next).release();
    expect(turns.waiting).toBe(0);
  });

  test('and goes on for what the call counts for now, if that is more', async () => {
    const { turns, go, limits } = await open();
    await limits.set('local', KEY, { concurrency: null, rateLimitTPM: 100 });
    const running = await go('a', { load: loadOf('of-a', 'a', 90) });
    let load = loadOf('of-a', 'a', 20);
    let place: Admission | undefined;
    void go('a', { load, decideAgain: () => load }).then((taken) => (place = taken));
    await settle();
    load = loadOf('of-a', 'a', 60);
    running.started();
    running.settle(50);
    running.release();
    await settle();
    expect([place, turns.waiting]).toEqual([undefined, 1]);
    load = loadOf('of-a', 'a', 30);
    turns.tick();
    await settle();
    expect([place === undefined, turns.waiting]).toEqual([false, 0]);
  });
});

describe('room in the queue', () => {
  test('ends at the length of the policy: the next call is told when to come back', async () => {
    const { turns, go, limits } = await open();
    await limits.set('local', 'team:a', { queue: { length: 2, waitMs: 20_000 } });
    await go('a');
    const waiting = [go('a'), go('a')];
    const refused = await rejectionOf(go('a'));
    expect([refused.code, refused.retryable, refused.retryAfterSeconds]).toEqual(['limit.queue', true, 2]);
    turns.stop();
    for (const one of waiting) await rejectionOf(one);
  });

  test('of all teams is shared: who has the most makes room for who has less', async () => {
    const { turns, go } = await open(10);
    await go('a');
    const greedy = Array.from({ length: 10 }, () =>
      go('a').then(
        () => 'served',
        (error: SallyportError) => error.code,
      ),
    );
    expect((await rejectionOf(go('a'))).code).toBe('limit.queue');
    const modest = Array.from({ length: 6 }, () =>
      go('b').then(
        () => 'served',
        (error: SallyportError) => error.code,
      ),
    );
    await settle();
    expect([turns.waitingOfTeam('a'), turns.waitingOfTeam('b'), turns.waiting]).toEqual([5, 5, 10]);
    // The newest were sent away: those that had waited longest still do.
    expect(await Promise.all(greedy.slice(5))).toEqual(Array(5).fill('limit.queue'));
    expect(await modest[5]).toBe('limit.queue');
    turns.stop();
    expect(new Set(await Promise.all([...greedy.slice(0, 5), ...modest.slice(0, 5)]))).toEqual(
      new Set(['gateway.stopping']),
    );
  });
});

test('no wait is begun that cannot help: a limit of zero, a request above the whole limit, a minute that is longer than the wait', async () => {
  const { go, limits, clock } = await open();
  await limits.set('local', KEY, { concurrency: null, rateLimitRPM: 1 });
  (await go('a')).release();
  expect((await rejectionOf(go('a'))).code).toBe('limit.rate');
  clock.pass(45_000);
  const soon = go('a');
  await settle();
  await limits.set('local', KEY, { rateLimitRPM: 0 });
  expect((await rejectionOf(soon)).message).toContain('switched off');
  await limits.set('local', KEY, { rateLimitRPM: null, rateLimitTPM: 50 });
  expect((await rejectionOf(go('a', { load: loadOf('of-a', 'a', 51) }))).code).toBe('limit.too_large');
});

test('the limits of a provider key are shared by all its callers, and named to none', async () => {
  const { limits } = await open();
  expect(limits.withKey(['team:a'], 'groq')).toEqual(['team:a', KEY]);
  expect(limits.withKey(['team:a'], 'other')).toEqual(['team:a']);
  limits.admit(['team:a', KEY], 0);
  const refused = refusalOf(() => limits.admit(['team:b', KEY], 0));
  expect(refused.message).toBe(
    'The provider key of this call already has 1 requests running at the same time.',
  );
  await limits.set('local', KEY, { concurrency: null });
  expect(limits.withKey(['team:a'], 'groq')).toEqual(['team:a']);
});

test.each([
  ['a daily limit of a key', KEY, { rateLimitRPD: 5 }],
  ['a queue of a key', KEY, { queue: { length: 1, waitMs: 1 } }],
  ['a weight of a token', 'token:x', { queueWeight: 2 }],
  ['a weight of nothing', 'team:a', { queueWeight: 0 }],
  ['a wait without an end', 'team:a', { queue: { length: 1, waitMs: 3_600_000 } }],
])('%s is refused', async (_, subject, change) => {
  const { limits } = await open();
  expect((await rejectionOf(limits.set('local', subject, change))).code).toBe('input.invalid');
});
