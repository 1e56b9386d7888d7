import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { rejectionOf } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import type { EntryBody, PlacedEntry } from '../audit/entry.ts';
import { silentLog } from '../core/log.ts';
import { Trust } from '../records/trust.ts';
import { openStorage, type Storage } from '../storage/storage.ts';
import type { Alert } from './alert.ts';
import { Courier, MAX_ATTEMPTS } from './courier.ts';
import type { Destination, HeldDestination } from './destinations.ts';
import { AlertOutbox } from './outbox.ts';
import type { Outcome } from './sender.ts';

const authenticator = (await testKeyring()).authenticator('row-mac');
const DELIVERED: Outcome = { delivered: true, error: null, retryAfterMs: null };
const FAILED: Outcome = { delivered: false, error: 'status 503', retryAfterMs: null };

/** An outbox over a real database, and a receiver that answers what the test says. */
class Rig {
  readonly clock = new ManualClock();
  readonly held: HeldDestination[] = [];
  readonly sent: { destination: string; alert: string; type: string }[] = [];
  readonly recorded: EntryBody[] = [];
  outbox!: AlertOutbox;
  trust!: Trust;
  courier!: Courier;
  answer: (destination: string, alert: Alert) => Outcome | Promise<Outcome> = () => DELIVERED;
  #seq = 0;

  readonly storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  /** As a start of the process would. */
  async open(): Promise<void> {
    const { records, outbox: store } = this.storage;
    const waiting = await store.waiting();
    const tags = { records: [], statuses: [], outbox: waiting.map(({ mac }) => mac) };
    this.trust = Trust.open(authenticator, await records.loadTrust(), tags);
    const directory = {
      active: () => this.held.filter(({ destination }) => destination.state === 'active'),
      find: (id: string) => this.held.find(({ destination }) => destination.id === id),
    };
    const owners = { budget: () => ({ subject: 'team:acme', team: 'acme' }), keyTeam: () => null };
    this.outbox = new AlertOutbox(
      { instance: 'test', authenticator, owners, directory },
      waiting,
      await store.known(),
    );
    this.courier = new Courier({
      outbox: this.outbox,
      store,
      trust: this.trust,
      directory,
      clock: this.clock,
      log: silentLog,
      random: () => 0.5,
      stopGraceMs: 1,
      record: (entry) => this.recorded.push(entry),
      send: async ({ destination }, payload) => {
        const alert = JSON.parse(payload) as Alert;
        this.sent.push({ destination: destination.name, alert: alert.id, type: alert.type });
        return this.answer(destination.name, alert);
      },
    });
  }

  addDestination(name: string, change: Partial<Destination> = {}): HeldDestination {
    const id = `dst_${name.padEnd(12, '0')}`;
    const held = {
      destination: { id, name, state: 'active', events: ['*'], team: null, ...change } as Destination,
      sealed: null,
    };
    this.held.push(held);
    return held;
  }

  /** As the indexer would: folded, then committed with the position. */
  async journal(...bodies: EntryBody[]): Promise<void> {
    for (const body of bodies) this.outbox.apply(this.#placed(body));
    const outbox = this.outbox.pending();
    await this.trust.commit(
      () => ({ added: outbox.map(({ mac }) => mac) }),
      (trust) => this.storage.index.commitIndex({ rows: [], statuses: [], pseudonyms: [], outbox, trust }),
    );
    this.outbox.committed();
  }

  #placed(body: EntryBody): PlacedEntry {
    this.#seq += 1;
    const at = new Date(this.clock.wallMs()).toISOString();
    const hash = Buffer.alloc(32, this.#seq);
    return {
      entry: { ...body, seq: this.#seq, at },
      position: { stream: 'n1@000001', seq: this.#seq, hash, segment: 1, offset: this.#seq },
    };
  }

  /** Lets the courier do what it would do now, and waits for it. */
  async settle(): Promise<void> {
    this.courier.start();
    for (let turn = 0; turn < 200; turn += 1) await Bun.sleep(0);
    await this.courier.stop();
  }

  states = async (): Promise<string[]> =>
    (await this.storage.outbox.list({ limit: 100 })).map(({ state, attempts }) => `${state} ${attempts}`);
}

const jump = (jumpMs = 1): EntryBody => ({
  action: 'clock.jumped',
  principal: 'system',
  jumpMs,
  stoppedAt: '2026-11-21T12:00:00.000Z',
});
const threshold = (percent: number, period = '2026-11'): EntryBody => ({
  action: 'budget.alert',
  budget: 'b',
  period,
  principal: 'system',
  percent,
  spentPicoUsd: '5',
  heldPicoUsd: '0',
  limitPicoUsd: '10',
  deltaPicoUsd: '0',
  reason: null,
});
const rejected = (keyId = 'groq@1'): EntryBody => ({
  action: 'key.rejected',
  keyId,
  provider: 'groq',
  status: 401,
  errorCode: 'invalid_api_key',
  principal: 'gateway',
});

let storage: Storage;
let rig: Rig;
beforeEach(async () => {
  storage = await openStorage({ file: ':memory:' });
  rig = new Rig(storage);
  await rig.open();
});
afterEach(() => storage.close());

test('an alert is sent once to each destination that wants it, and never again, also by the next process', async () => {
  rig.addDestination('a');
  rig.addDestination('b', { events: ['budget.*'] });
  rig.addDestination('c', { team: 'other' });
  await rig.journal(jump(), threshold(50));
  await rig.settle();
  expect(rig.sent.map(({ destination, type }) => `${destination} ${type}`).toSorted()).toEqual([
    'a budget.alert',
    'a clock.jumped',
    'b budget.alert',
  ]);
  await rig.open();
  await rig.settle();
  expect(rig.sent).toHaveLength(3);
  expect(await rig.states()).toEqual(['delivered 1', 'delivered 1', 'delivered 1']);
});

test('the same event has the same id whenever it is derived, and is made once; another period is another event', async () => {
  rig.addDestination('a');
  await rig.journal(threshold(50), threshold(50), threshold(80));
  await rig.open();
  await rig.journal(threshold(50), threshold(50, '2026-12'));
  await rig.settle();
  expect(rig.sent.map(({ type }) => type)).toHaveLength(3);
  expect(new Set(rig.sent.map(({ alert }) => alert)).size).toBe(3);
});

test('what says the same as long as nobody acts is told once in six hours, and per key', async () => {
  rig.addDestination('a');
  await rig.journal(rejected(), rejected('other@1'));
  rig.clock.pass(3_600_000);
  await rig.open();
  await rig.journal(rejected());
  rig.clock.pass(5 * 3_600_000);
  await rig.journal(rejected());
  // A destination that came later has been told nothing yet.
  rig.addDestination('b');
  rig.clock.pass(1000);
  await rig.journal(rejected());
  await rig.settle();
  expect(rig.sent.map(({ destination }) => destination).toSorted()).toEqual(['a', 'a', 'a', 'b']);
});

test('a clock that was a year ahead for a while does not end the folding for a year', async () => {
  rig.addDestination('a');
  rig.clock.nowWallMs += 365 * 86_400_000;
  await rig.journal(rejected());
  rig.clock.nowWallMs -= 365 * 86_400_000;
  for (let minute = 0; minute < 60; minute += 1) {
    rig.clock.pass(60_000);
    await rig.journal(rejected());
  }
  await rig.settle();
  expect(rig.sent).toHaveLength(2);
});

test('a message that fails is tried again after 5, 15, 45 seconds and so on, up to six hours, 14 times; then it is given up on record', async () => {
  rig.addDestination('a');
  rig.answer = () => FAILED;
  await rig.journal(jump());
  const waits: number[] = [];
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    await rig.settle();
    expect(rig.sent).toHaveLength(attempt);
    const [row] = await storage.outbox.list({ limit: 1 });
    if (row!.state !== 'pending') break;
    waits.push(row!.nextAtMs - rig.clock.wallMs());
    // Not a moment sooner, also over a restart.
    await rig.open();
    rig.clock.pass(waits.at(-1)! - 1);
    await rig.settle();
    expect(rig.sent).toHaveLength(attempt);
    rig.clock.pass(1);
  }
  const hour = 3600;
  expect(waits.map((ms) => ms / 1000)).toEqual([
    5,
    15,
    45,
    135,
    405,
    1215,
    3645,
    10_935,
    ...[6, 6, 6, 6, 6].map((hours) => hours * hour),
  ]);
  expect(await rig.states()).toEqual([`dead ${MAX_ATTEMPTS}`]);
  expect(rig.recorded).toEqual([
    expect.objectContaining({
      action: 'alert.undelivered',
      destination: 'a',
      alert: rig.sent[0]!.alert,
      error: 'status 503',
    }),
  ]);
  expect(new Set(rig.sent.map(({ alert }) => alert)).size).toBe(1);
});

test('what was given up waits again when somebody says so, once, and is vouched for', async () => {
  rig.addDestination('a');
  rig.answer = () => FAILED;
  await rig.journal(jump());
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    await rig.settle();
    rig.clock.pass(7 * 3_600_000);
  }
  const dead = await storage.outbox.list({ state: 'dead', limit: 9 });
  expect(await Promise.all([rig.courier.revive(dead), rig.courier.revive(dead)])).toEqual([1, 0]);
  await rig.open();
  rig.answer = () => DELIVERED;
  await rig.settle();
  expect(await rig.states()).toEqual(['delivered 1']);
  await rig.open();
});

test('a destination that fails holds up no other, and is left alone between its tries', async () => {
  rig.addDestination('dead');
  rig.addDestination('well');
  rig.answer = (destination) => (destination === 'dead' ? FAILED : DELIVERED);
  await rig.journal(...[1, 2, 3, 4, 5].map(jump));
  await rig.settle();
  const count = (name: string): number => rig.sent.filter(({ destination }) => destination === name).length;
  expect([count('dead'), count('well')]).toEqual([1, 5]);
  rig.clock.pass(5000);
  await rig.settle();
  expect(count('dead')).toBe(2);
  rig.answer = () => DELIVERED;
  rig.clock.pass(10_000);
  await rig.settle();
  // It works again: nothing waits for its own turn any more.
  expect(count('dead')).toBe(7);
});

test('a receiver that says when to come back is not asked before', async () => {
  rig.addDestination('a');
  rig.answer = () => ({ ...FAILED, error: 'status 429', retryAfterMs: 120_000 });
  await rig.journal(jump());
  await rig.settle();
  rig.clock.pass(119_000);
  rig.courier.start();
  await rig.settle();
  expect(rig.sent).toHaveLength(1);
  rig.clock.pass(1000);
  await rig.settle();
  expect(rig.sent).toHaveLength(2);
});

test('a message that was delivered is never sent again because the database could not note it', async () => {
  rig.addDestination('a');
  let full = true;
  const settle = storage.outbox.settle.bind(storage.outbox);
  storage.outbox.settle = (...args) => (full ? Promise.reject(new Error('disk full')) : settle(...args));
  await rig.journal(jump());
  for (let turn = 0; turn < 3; turn += 1) {
    await rig.settle();
    rig.clock.pass(600_000);
  }
  expect([rig.sent.length, await rig.states()]).toEqual([1, ['pending 0']]);
  full = false;
  await rig.settle();
  expect([rig.sent.length, await rig.states()]).toEqual([1, ['delivered 1']]);
  await rig.open();
});

test('a clock that is set back a year holds nothing up', async () => {
  rig.addDestination('a');
  rig.answer = () => FAILED;
  await rig.journal(jump());
  await rig.settle();
  rig.clock.nowWallMs -= 365 * 86_400_000;
  rig.clock.nowMonotonicMs += 10_000;
  rig.answer = () => DELIVERED;
  await rig.settle();
  expect(await rig.states()).toEqual(['delivered 2']);
});

test('being cut off by the end of the process is no try', async () => {
  rig.addDestination('a');
  rig.answer = () => FAILED;
  await rig.journal(jump());
  let cut = (): void => undefined;
  rig.answer = () => new Promise((resolve) => (cut = () => resolve(FAILED)));
  rig.courier.start();
  for (let turn = 0; turn < 200 && rig.sent.length === 0; turn += 1) await Bun.sleep(1);
  const stopped = rig.courier.stop();
  await Bun.sleep(20);
  cut();
  await stopped;
  expect(await rig.states()).toEqual(['pending 0']);
});

test('a row that was deleted, edited, added, or marked as sent outside Sallyport is seen at the next start', async () => {
  rig.addDestination('a');
  rig.answer = () => FAILED;
  await rig.journal(jump(1), jump(2));
  const { waiting } = storage.outbox;
  const rows = await waiting();
  const [first, second] = rows;
  const changes = {
    deleted: [second!],
    edited: [{ ...first!, payload: first!.payload.replace('ahead', 'back') }, second!],
    redirected: [{ ...first!, destination: 'dst_elsewhere000' }, second!],
    added: [...rows, { ...first!, alert: 'alr_forged' }],
    doubled: [...rows, first!],
  };
  for (const [name, changed] of Object.entries(changes)) {
    storage.outbox.waiting = () => Promise.resolve(changed);
    expect([name, (await rejectionOf(rig.open())).code]).toEqual([name, 'store.tampered']);
  }
  storage.outbox.waiting = waiting;
  await rig.open();
});

test('nothing that looks like a credential is sent, whatever an entry holds', async () => {
  const key = ['g', 'sk_', 'abcdefghijklmnop', '0123456789'].join('');
  rig.addDestination('a');
  await rig.journal(
    { ...rejected(), provider: key } as EntryBody,
    { ...rejected('x@1'), errorCode: `bad\n${key}` } as EntryBody,
  );
  const payloads = (await storage.outbox.list({ limit: 9 })).map(({ payload }) => payload);
  expect(payloads.filter((payload) => payload.includes(key.slice(4)))).toEqual([]);
  const codes = payloads.map((payload) => (JSON.parse(payload) as Alert).data['errorCode']);
  expect(new Set(codes)).toEqual(new Set(['invalid_api_key', null]));
});
