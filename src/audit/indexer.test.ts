import { expect, test } from 'bun:test';
import { callEnd, callProgress, callStart, JournalLab } from '../../test/support/journal-lab.ts';
import { MemoryIndex, noAlerts } from '../../test/support/memory-index.ts';
import { refusalOf, thrownBy } from '../../test/support/refusal.ts';
import { keyringAndNext, testKeyring } from '../../test/support/test-keyring.ts';
import type { Authenticator } from '../core/authenticator.ts';
import { silentLog } from '../core/log.ts';
import { Trust } from '../records/trust.ts';
import type { Entry, PlacedEntry } from './entry.ts';
import { Indexer, type StatusProjection } from './indexer.ts';
import { openCallTag } from './open-call-tag.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { closeOpenCalls } from './recovery.ts';

const AUTHENTICATOR = (await testKeyring()).authenticator('row-mac');

/** Counts what every entry was folded for, and what of it is committed. */
class CountingStatuses implements StatusProjection {
  readonly applied: number[] = [];
  commits = 0;

  apply(entry: Entry): void {
    this.applied.push(entry.seq);
  }

  pending(): ReturnType<StatusProjection['pending']> {
    return { rows: [], gone: [], added: [] };
  }

  committed(): void {
    this.commits += 1;
  }
}

async function openIndexer(
  index: MemoryIndex,
  authenticator: Authenticator = AUTHENTICATOR,
): Promise<{ indexer: Indexer; statuses: CountingStatuses; trust: Trust; pseudonyms: Pseudonyms }> {
  const statuses = new CountingStatuses();
  const pseudonyms = new Pseudonyms();
  const open = await index.openCalls();
  const trust = Trust.open(authenticator, index.trust, {
    records: [],
    statuses: [],
    openCalls: (term) => open.map((row) => openCallTag(authenticator, row, term)),
  });
  const indexer = await Indexer.open({
    store: index,
    trust,
    statuses,
    alerts: noAlerts,
    pseudonyms,
    authenticator,
    log: silentLog,
  });
  return { indexer, statuses, trust, pseudonyms };
}

function addNew(lab: JournalLab, indexer: Indexer): void {
  for (const placed of lab.written.splice(0)) indexer.add(placed);
}

test('start and end in one batch are one row, and in two batches the same row', async () => {
  const ends: unknown[] = [];
  for (const split of [false, true]) {
    using lab = new JournalLab();
    const index = new MemoryIndex();
    const { indexer } = await openIndexer(index);
    const journal = lab.open();
    journal.append(callStart('req_1'));
    if (split) {
      addNew(lab, indexer);
      await indexer.flush();
      expect(index.rows.get('req_1')).toMatchObject({ result: null, boundPicoUsd: 1000n });
    }
    journal.append(callProgress('req_1', '300'));
    journal.append(callEnd('req_1'));
    addNew(lab, indexer);
    await indexer.flush();
    expect([...index.rows.keys()]).toEqual(['n1@000001#1', 'req_1']);
    expect(indexer.openCalls()).toEqual([]);
    ends.push(index.rows.get('req_1'));
  }
  expect(ends[0]).toEqual(ends[1]);
  expect(ends[0]).toMatchObject({ result: 'success', costPicoUsd: 400n, boundPicoUsd: 300n });
});

test('a commit that fails is made up for by the next one, and no entry is folded twice', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer, statuses, trust, pseudonyms } = await openIndexer(index);
  const journal = lab.open();
  pseudonyms.commit('user', 'ann');
  let failures = 3;
  index.beforeCommit = () => {
    failures -= 1;
    if (failures >= 0) throw new Error('SQLITE_FULL');
  };
  const bodies = [callStart('req_1'), callProgress('req_1', '9'), callEnd('req_1', '4')];
  for (const body of bodies) {
    journal.append(body);
    addNew(lab, indexer);
    expect(await thrownBy(indexer.flush())).toMatchObject({ message: 'SQLITE_FULL' });
    expect({ rows: index.rows.size, position: trust.position.seq }).toEqual({ rows: 0, position: 0 });
  }
  await indexer.flush();
  expect(index.rows.get('req_1')).toMatchObject({ result: 'success', costPicoUsd: 4n });
  expect(index.people.size).toBe(1);
  expect(statuses.applied).toEqual([1, 2, 3, 4]);
  expect(trust.position.seq).toBe(4);
  expect(statuses.commits).toBe(index.commits);
});

test('while a control change holds it, the position stays before the entry', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer, trust } = await openIndexer(index);
  const journal = lab.open();
  addNew(lab, indexer);
  await indexer.flush();
  const before = trust.position;
  const release = indexer.pause();
  const second = indexer.pause();
  journal.append({ action: 'control.team.add', principal: 'local', records: [] });
  journal.append(callStart('req_1'));
  addNew(lab, indexer);
  await indexer.flush();
  release();
  release();
  await indexer.flush();
  expect(trust.position).toEqual(before);
  expect(index.trust).toMatchObject({ seq: before.seq });
  expect(indexer.lag).toBe(2);
  second();
  await indexer.flush();
  expect(trust.position.seq).toBe(3);
  expect(indexer.lag).toBe(0);
});

test('a pause that begins while a batch is being stored lets that batch through, and nothing after it', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer, trust } = await openIndexer(index);
  const journal = lab.open();
  addNew(lab, indexer);
  let release = (): void => undefined;
  index.beforeCommit = () => {
    index.beforeCommit = () => undefined;
    release = indexer.pause();
    journal.append({ action: 'control.team.add', principal: 'local', records: [] });
    addNew(lab, indexer);
  };
  await indexer.flush();
  expect(trust.position.seq).toBe(1);
  release();
  await indexer.flush();
  expect(trust.position.seq).toBe(2);
});

test('what is added before flush is asked for is in the tables when it resolves, at any moment', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer } = await openIndexer(index);
  const journal = lab.open();
  const missing: string[] = [];
  // A flush takes some turns of the microtask queue: somebody adds and asks again in every one of them.
  for (let turns = 0; turns < 40; turns += 1) {
    journal.append(callStart(`req_${turns}_first`));
    addNew(lab, indexer);
    const running = indexer.flush();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const id = `req_${turns}`;
    journal.append(callStart(id));
    addNew(lab, indexer);
    await indexer.flush();
    if (!index.rows.has(id)) missing.push(id);
    await running;
  }
  expect(missing).toEqual([]);
});

test('open calls survive a restart, oldest first, and their end completes the row', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const first = await openIndexer(index);
  const journal = lab.open();
  for (const id of ['req_b', 'req_a']) journal.append(callStart(id));
  journal.append(callProgress('req_a', '250', 9));
  addNew(lab, first.indexer);
  await first.indexer.flush();
  const { indexer } = await openIndexer(index);
  expect(indexer.openCalls().map(({ id, boundPicoUsd }) => [id, boundPicoUsd])).toEqual([
    ['req_b', 1000n],
    ['req_a', 250n],
  ]);
  journal.append(callEnd('req_a'));
  addNew(lab, indexer);
  await indexer.flush();
  expect(index.rows.get('req_a')).toMatchObject({ result: 'success', team: 'acme', costPicoUsd: 400n });
  expect(indexer.openCalls().map(({ id }) => id)).toEqual(['req_b']);
});

test('an end or a progress without a start changes nothing', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer } = await openIndexer(index);
  const journal = lab.open();
  journal.append(callEnd('req_1'));
  journal.append(callProgress('req_2', '5'));
  journal.append(callStart('req_3'));
  journal.append(callEnd('req_3', '1'));
  journal.append(callEnd('req_3', '2'));
  addNew(lab, indexer);
  await indexer.flush();
  expect([...index.rows.keys()]).toEqual(['n1@000001#1', 'req_3']);
  expect(index.rows.get('req_3')).toMatchObject({ costPicoUsd: 1n });
});

test('a dead process’s calls are charged what their last progress states, else the whole hold, and only once', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer } = await openIndexer(index);
  const dead = lab.open();
  dead.append(callStart('req_1', '1000'));
  dead.append(callStart('req_2', '1000'));
  dead.append(callProgress('req_2', '250', 9));
  dead.append(callStart('req_3'));
  dead.append(callEnd('req_3'));
  addNew(lab, indexer);
  await indexer.flush();
  const journal = lab.open();
  addNew(lab, indexer);
  // What recovery appends has to reach the indexer as it is written, as in a running process.
  lab.onEntry = (placed) => indexer.add(placed);
  expect(await closeOpenCalls(indexer, journal)).toBe(2);
  expect(await closeOpenCalls(indexer, journal)).toBe(0);
  expect(index.rows.get('req_1')).toMatchObject({
    result: 'error',
    errorCode: 'gateway.died',
    basis: 'hold',
    costPicoUsd: 1000n,
  });
  expect(index.rows.get('req_2')).toMatchObject({
    basis: 'delivered',
    costPicoUsd: 250n,
    completionTokens: 9,
  });
  const ends = lab.read().entries.flatMap(({ entry }) => (entry.action === 'call.end' ? [entry] : []));
  expect(ends.map(({ id, recovered }) => [id, recovered])).toEqual([
    ['req_3', false],
    ['req_1', true],
    ['req_2', true],
  ]);
  expect(ends[1]!.charges).toEqual([{ budget: 'team-acme-month', period: '2026-11' }]);
});

test('calls are refused while too many entries wait for the database', async () => {
  const { indexer } = await openIndexer(new MemoryIndex());
  const placed: PlacedEntry = {
    entry: { seq: 1, at: '2026-11-21T00:00:00.000Z', action: 'journal.close', reason: 'x' },
    position: { stream: 's', seq: 1, hash: Buffer.alloc(32), segment: 1, offset: 1 },
  };
  for (let n = 0; n < 99_999; n += 1) indexer.add(placed);
  indexer.checkCapacity();
  indexer.add(placed);
  expect(refusalOf(() => indexer.checkCapacity())).toMatchObject({
    code: 'audit.unavailable',
    retryable: true,
    fix: expect.any(String),
  });
});

test('while the database takes nothing, the queue keeps growing, so that its bound is one on memory', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer } = await openIndexer(index);
  const journal = lab.open();
  for (let n = 0; n < 2000; n += 1) journal.append(callStart(`req_${n}`));
  addNew(lab, indexer);
  index.beforeCommit = () => {
    throw new Error('the disk is full');
  };
  for (let attempt = 0; attempt < 20; attempt += 1) expect(await thrownBy(indexer.flush())).toBeDefined();
  expect(indexer.lag).toBeGreaterThanOrEqual(1500);
  index.beforeCommit = () => undefined;
  await indexer.flush();
  expect([indexer.lag, index.rows.size]).toEqual([0, 2001]);
});

test('each batch has only what changed since the one before', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer } = await openIndexer(index);
  const journal = lab.open();
  const batches: string[][] = [];
  index.beforeCommit = ({ rows }) => void batches.push(rows.map(({ id }) => id));
  for (const body of [callStart('req_1'), callStart('req_2'), callEnd('req_1')]) {
    journal.append(body);
    addNew(lab, indexer);
    await indexer.flush();
  }
  expect(batches).toEqual([['n1@000001#1', 'req_1'], ['req_2'], ['req_1']]);
});

test('a running indexer writes by itself, and what is left when it stops', async () => {
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const { indexer } = await openIndexer(index);
  const journal = lab.open();
  addNew(lab, indexer);
  let failures = 1;
  index.beforeCommit = () => {
    failures -= 1;
    if (failures >= 0) throw new Error('busy');
  };
  indexer.start();
  indexer.start();
  await Bun.sleep(350);
  expect(index.rows.size).toBe(1);
  journal.append(callStart('req_1'));
  addNew(lab, indexer);
  await indexer.stop();
  expect(index.rows.size).toBe(2);
});

test('calls that are open when the keyring gets a new term are vouched for at every step of their recovery', async () => {
  const { before, after } = await keyringAndNext();
  const [old, young] = [before.authenticator('row-mac'), after.authenticator('row-mac')];
  using lab = new JournalLab();
  const index = new MemoryIndex();
  const first = await openIndexer(index, old);
  const journal = lab.open();
  for (const id of ['req_1', 'req_2', 'req_3']) journal.append(callStart(id));
  addNew(lab, first.indexer);
  await first.indexer.flush();
  journal.append(callProgress('req_2', '300'));
  journal.append(callStart('req_4'));
  const beyond = lab.written.splice(0);

  // Died, and started again with the new term: each commit of the recovery may be the last one of that process.
  const opened = async (): Promise<Indexer> => (await openIndexer(index, young)).indexer;
  expect((await opened()).openCalls()).toHaveLength(3);
  const second = await opened();
  second.add(beyond[0]!);
  await second.flush();
  expect((await opened()).openCalls()).toHaveLength(3);
  second.add(beyond[1]!);
  await second.flush();
  const third = await opened();
  expect(third.openCalls().map(({ id, boundPicoUsd }) => [id, boundPicoUsd])).toEqual([
    ['req_1', 1000n],
    ['req_2', 300n],
    ['req_3', 1000n],
    ['req_4', 1000n],
  ]);
  for (const id of ['req_1', 'req_3', 'req_2', 'req_4']) {
    journal.append(callEnd(id));
    addNew(lab, third);
    await third.flush();
    await opened();
  }
  expect((await opened()).openCalls()).toEqual([]);

  // An edited open call is found under either term.
  for (const [made, read] of [
    [old, young],
    [young, young],
  ] as const) {
    const edited = new MemoryIndex();
    const { indexer } = await openIndexer(edited, made);
    journal.append(callStart('req_9'));
    addNew(lab, indexer);
    await indexer.flush();
    const row = edited.rows.get('req_9')!;
    edited.rows.set('req_9', { ...row, boundPicoUsd: 1n });
    expect(await thrownBy(openIndexer(edited, read))).toMatchObject({ code: 'store.tampered' });
    edited.rows.set('req_9', row);
    await openIndexer(edited, read);
  }
});
