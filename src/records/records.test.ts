import { expect, test } from 'bun:test';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { rejectionOf, thrownBy } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import { SallyportError } from '../core/errors.ts';
import type { Keyring } from '../vault/keyring.ts';
import { checkRecords, type ControlEntry, RecordBook, type StoredRecord } from './records.ts';
import type { RecordRow, TrustRow } from './store.ts';
import { Trust } from './trust.ts';

const sealed = (text: string): Uint8Array => new TextEncoder().encode(text);
const full = (): Error => Object.assign(new Error('disk full'), { code: 'SQLITE_FULL' });

interface Rig {
  readonly store: MemoryStore;
  readonly keyring: Keyring;
  readonly book: RecordBook;
  readonly journal: ControlEntry[];
}

/** A team at revision 2, a second team, and a token with a sealed verifier at revision 2. */
async function openRig(): Promise<Rig> {
  const store = new MemoryStore();
  const keyring = await testKeyring(store);
  const { book, journal } = await openMemoryBook(store, keyring);
  await book.change('team.add', 'local', () => [{ kind: 'team', id: 'a', body: { v: 1 } }]);
  await book.change('team.add', 'local', () => [{ kind: 'team', id: 'b', body: { v: 1 } }]);
  await book.change('team.set', 'local', () => [{ kind: 'team', id: 'a', body: { v: 2 } }]);
  await book.change('token.issue', 'local', () => [
    { kind: 'token', id: 't', body: { state: 'active' }, sealed: sealed('verifier') },
  ]);
  await book.change('token.revoke', 'local', () => [{ kind: 'token', id: 't', body: { state: 'revoked' } }]);
  return { store, keyring, book, journal };
}

/** The error that opening the store as it is now ends with. */
async function reopening({ store, keyring }: Rig): Promise<SallyportError> {
  const open = async (): Promise<unknown> => {
    checkRecords(keyring.authenticator('row-mac'), store.records);
    return openMemoryBook(store, keyring);
  };
  return rejectionOf(open());
}

/** Replays `entries` over a book that is opened on what the store holds now. */
async function replayed(
  rig: Rig,
  entries: readonly ControlEntry[],
): Promise<{ book: RecordBook; lost: string[] }> {
  const { book } = await openMemoryBook(rig.store, rig.keyring);
  const lost: string[] = [];
  for (const entry of entries) {
    for (const record of await book.redo(entry)) lost.push(`${record.id}@${record.revision}`);
  }
  return { book, lost };
}

test('a store that kept every row opens to the same records', async () => {
  const rig = await openRig();
  const { book } = await openMemoryBook(rig.store, rig.keyring);
  const byId = (a: StoredRecord, b: StoredRecord): number => a.id.localeCompare(b.id);
  expect(book.all('team').toSorted(byId)).toEqual(rig.book.all('team').toSorted(byId));
  expect(book.get('token', 't')).toEqual({
    kind: 'token',
    id: 't',
    revision: 2,
    body: { state: 'revoked' },
    sealed: sealed('verifier'),
  });
  expect(book.get('team', 'c')).toBeUndefined();
});

const flips: Record<string, (row: RecordRow) => RecordRow> = {
  kind: (row) => ({ ...row, kind: row.kind === 'team' ? 'project' : 'team' }),
  id: (row) => ({ ...row, id: `${row.id}x` }),
  revision: (row) => ({ ...row, revision: row.revision + 1 }),
  'revision, back': (row) => ({ ...row, revision: row.revision - 1 }),
  body: (row) => ({ ...row, body: row.body.replace(/[12]|revoked/, 'active') }),
  'body, one space': (row) => ({ ...row, body: row.body.replace('{', '{ ') }),
  'sealed bytes': (row) => ({ ...row, sealed: row.sealed ? sealed('verifies') : sealed('verifier') }),
  'sealed bytes, gone': (row) => ({ ...row, sealed: row.sealed ? null : new Uint8Array(0) }),
  'mac, first byte': (row) => ({ ...row, mac: flip(row.mac, 0) }),
  'mac, last byte': (row) => ({ ...row, mac: flip(row.mac, row.mac.length - 1) }),
  'mac, shorter': (row) => ({ ...row, mac: row.mac.subarray(0, -1) }),
  'mac, none': (row) => ({ ...row, mac: new Uint8Array(0) }),
};

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
}

test.each(Object.keys(flips))('a changed column is refused, and the record named: %s', async (name) => {
  const rig = await openRig();
  const before = rig.store.records;
  for (const index of before.keys()) {
    const changed = flips[name]!(before[index]!);
    rig.store.records = before.with(index, changed);
    const error = await reopening(rig);
    expect(error).toMatchObject({ code: 'store.tampered', fix: expect.any(String) });
    expect(error.message).toContain(`"${changed.id}"`);
  }
});

test('a row copied to another record, with the MAC it had or the MAC that is there, is refused', async () => {
  const rig = await openRig();
  const before = rig.store.records;
  for (const [from, source] of before.entries()) {
    for (const [to, target] of before.entries()) {
      if (from === to) continue;
      const copies: RecordRow[] = [
        { ...source, kind: target.kind, id: target.id },
        { ...source, kind: target.kind, id: target.id, mac: target.mac },
        { ...target, body: source.body },
        { ...target, sealed: source.sealed, revision: source.revision, body: source.body },
      ];
      for (const copy of copies) {
        if (copy.body === target.body && copy.revision === target.revision && copy.sealed === target.sealed)
          continue;
        rig.store.records = before.with(to, copy);
        expect((await reopening(rig)).code).toBe('store.tampered');
      }
    }
  }
});

test('a deleted, added, doubled or older row is refused though each row verifies', async () => {
  const rig = await openRig();
  const history = new Map<string, RecordRow[]>();
  const { book } = await openMemoryBook(rig.store, rig.keyring);
  rig.store.beforeCommit = (rows) => {
    for (const row of rows) history.set(row.id, [...(history.get(row.id) ?? []), row]);
  };
  await book.change('team.set', 'local', () => [{ kind: 'team', id: 'a', body: { v: 3 } }]);
  await book.change('team.set', 'local', () => [{ kind: 'team', id: 'a', body: { v: 4 } }]);
  const now = rig.store.records;
  const older = history.get('a')![0]!;
  const newest = history.get('a')![1]!;
  const variants: RecordRow[][] = [
    ...now.map((_, index) => now.toSpliced(index, 1)),
    [],
    now.map((row) => (row === newest ? older : row)),
    [...now, older],
    [...now, newest],
  ];
  for (const rows of variants) {
    rig.store.records = rows;
    const error = await reopening(rig);
    expect(error.code).toBe('store.tampered');
    expect(error.message).toContain('deleted, added, or put back');
  }
  rig.store.records = now;
  await openMemoryBook(rig.store, rig.keyring);
});

test('a trust row that is gone, older or changed in any column is refused', async () => {
  const rig = await openRig();
  const older = rig.store.trust!;
  await rig.book.change('team.set', 'local', () => [{ kind: 'team', id: 'b', body: { v: 9 } }]);
  const now = rig.store.trust!;
  const rows: (TrustRow | null)[] = [
    null,
    older,
    { ...now, seq: now.seq + 1 },
    { ...now, stream: 'n1@000009' },
    { ...now, hash: flip(now.hash, 31) },
    { ...now, segment: now.segment + 1 },
    { ...now, offset: now.offset + 1 },
    { ...now, mac: flip(now.mac, 10) },
    { ...now, mac: older.mac },
  ];
  for (const trust of rows) {
    rig.store.trust = trust;
    expect((await reopening(rig)).code).toBe('store.tampered');
  }
});

test('rows of another instance are refused', async () => {
  const rig = await openRig();
  const other = await openRig();
  rig.store.records = other.store.records;
  rig.store.trust = other.store.trust;
  expect((await reopening(rig)).code).toBe('store.tampered');
});

test('a whole older database opens, and the journal revokes again what it had forgotten', async () => {
  const rig = await openRig();
  await rig.book.change('token.issue', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'active' }, sealed: sealed('other') },
  ]);
  const older = { records: rig.store.records, trust: rig.store.trust };
  const applied = rig.journal.length;
  await rig.book.change('token.revoke', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'revoked' } },
  ]);
  await rig.book.change('team.set', 'local', () => [{ kind: 'team', id: 'a', body: { v: 7 } }]);
  const newest = rig.book.all('token');
  Object.assign(rig.store, older);
  const { book, lost } = await replayed(rig, rig.journal.slice(applied));
  expect(lost).toEqual([]);
  expect(book.all('token')).toEqual(newest);
  expect(book.get('team', 'a')?.body).toEqual({ v: 7 });
  // Applied once, it is there for good: the database opens, and the same entries change nothing more.
  const again = await replayed(rig, rig.journal);
  expect({ tokens: again.book.all('token'), lost: again.lost }).toEqual({ tokens: newest, lost: [] });
});

test('what the database has already is neither written again nor called lost', async () => {
  const rig = await openRig();
  await rig.book.change('token.issue', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'active' }, sealed: sealed('other') },
  ]);
  let commits = 0;
  rig.store.beforeCommit = () => (commits += 1);
  const { lost } = await replayed(rig, rig.journal);
  expect({ lost, commits }).toEqual({ lost: [], commits: 0 });
});

test('what the journal cannot restore is named, and everything else is restored', async () => {
  const rig = await openRig();
  const older = { records: rig.store.records, trust: rig.store.trust };
  const applied = rig.journal.length;
  await rig.book.change('token.issue', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'active' }, sealed: sealed('other') },
    { kind: 'team', id: 'c', body: { v: 1 } },
  ]);
  await rig.book.change('token.revoke', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'revoked' } },
  ]);
  Object.assign(rig.store, older);
  const { book, lost } = await replayed(rig, rig.journal.slice(applied));
  expect(lost).toEqual(['u@1', 'u@2']);
  expect(book.get('token', 'u')).toBeUndefined();
  expect(book.get('team', 'c')).toMatchObject({ revision: 1, body: { v: 1 } });
});

test('redo keeps the sealed bytes that are there, so a revocation holds though a newer seal is lost', async () => {
  const rig = await openRig();
  await rig.book.change('token.issue', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'active' }, sealed: sealed('first') },
  ]);
  const older = { records: rig.store.records, trust: rig.store.trust };
  const applied = rig.journal.length;
  await rig.book.change('token.rotate', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'active' }, sealed: sealed('second') },
  ]);
  await rig.book.change('token.revoke', 'local', () => [
    { kind: 'token', id: 'u', body: { state: 'revoked' } },
  ]);
  Object.assign(rig.store, older);
  const { book, lost } = await replayed(rig, rig.journal.slice(applied));
  expect(lost).toEqual(['u@2']);
  expect(book.get('token', 'u')).toMatchObject({
    revision: 3,
    body: { state: 'revoked' },
    sealed: sealed('first'),
  });
});

test('the journal comes first: if it refuses, neither database nor memory has changed', async () => {
  const { store, keyring } = await openRig();
  const { book } = await openMemoryBook(store, keyring);
  const { records, trust } = store;
  let committed = 0;
  store.beforeCommit = () => (committed += 1);
  const failure = new SallyportError('audit.unavailable', 'no disk');
  book.attachJournal(() => Promise.reject(failure));
  const seen: unknown[] = [];
  book.subscribe('team', ({ id }) => seen.push(id));
  seen.length = 0;
  expect(
    await rejectionOf(book.change('team.set', 'local', () => [{ kind: 'team', id: 'a', body: { v: 9 } }])),
  ).toBe(failure);
  expect({ committed, seen, records: store.records, trust: store.trust }).toEqual({
    committed: 0,
    seen: [],
    records,
    trust,
  });
  expect(book.get('team', 'a')?.body).toEqual({ v: 2 });
});

test('the position is let go only after the database has the change', async () => {
  const { store, keyring } = await openRig();
  const { book } = await openMemoryBook(store, keyring);
  const order: string[] = [];
  store.beforeCommit = () => order.push('commit');
  book.attachJournal(async (entry) => {
    order.push(`journal ${entry.action} ${entry.principal}`);
    return Promise.resolve(() => order.push('let go'));
  });
  book.subscribe('team', ({ id, revision }) => order.push(`${id}@${revision}`));
  order.length = 0;
  await book.change('team.set', 'token:x', () => [{ kind: 'team', id: 'a', body: { v: 9 } }]);
  expect(order).toEqual(['journal team.set token:x', 'commit', 'a@3', 'let go']);
});

test('a store that refuses leaves the revocation in force, holds the position, and nothing follows', async () => {
  const rig = await openRig();
  const { book } = await openMemoryBook(rig.store, rig.keyring);
  const entries: ControlEntry[] = [];
  let letGo = 0;
  book.attachJournal((entry) => {
    entries.push(entry);
    return Promise.resolve(() => (letGo += 1));
  });
  rig.store.beforeCommit = () => {
    throw full();
  };
  const change = book.change('mixed', 'local', () => [
    { kind: 'team', id: 'a', body: { v: 'closed' } },
    { kind: 'token', id: 'n', body: { state: 'active' }, sealed: sealed('new') },
  ]);
  expect(await rejectionOf(change)).toMatchObject({ code: 'store.unavailable', fix: expect.any(String) });
  expect(book.get('team', 'a')?.body).toEqual({ v: 'closed' });
  // Its secret would be lost by a restart, so it was never answered and is not in force.
  expect(book.get('token', 'n')).toBeUndefined();
  rig.store.beforeCommit = () => undefined;
  const next = book.change('team.set', 'local', () => [{ kind: 'team', id: 'b', body: { v: 'x' } }]);
  expect(await rejectionOf(next)).toMatchObject({ code: 'store.unavailable' });
  expect({ entries: entries.length, letGo }).toEqual({ entries: 1, letGo: 0 });
  // The next start finds the entry behind the position and finishes it.
  const { book: restarted, lost } = await replayed(rig, entries);
  expect(restarted.get('team', 'a')).toMatchObject({ revision: 3, body: { v: 'closed' } });
  expect(lost).toEqual(['n@1']);
});

test('changes run one after the other, each on what the one before left, also behind one that fails', async () => {
  const { book, journal } = await openRig();
  const from = journal.length;
  const add = (fail: boolean): Promise<unknown> =>
    book.change('team.add', 'local', () => {
      const { v } = book.get('team', 'a')!.body as { v: number };
      if (fail) throw new RangeError('no');
      return [{ kind: 'team', id: 'a', body: { v: v + 1 } }];
    });
  const all = Array.from({ length: 20 }, (_, index) => add(index % 5 === 4));
  const settled = await Promise.allSettled(all);
  expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  expect(book.get('team', 'a')).toMatchObject({ body: { v: 18 }, revision: 18 });
  expect(journal.slice(from).map(({ records }) => records[0]!.revision)).toEqual(
    Array.from({ length: 16 }, (_, index) => index + 3),
  );
});

test('the journal holds bodies, never sealed bytes', async () => {
  const { journal } = await openRig();
  expect(JSON.stringify(journal)).not.toContain('verifier');
  expect(journal.flatMap(({ records }) => records).map(({ id, resealed }) => [id, resealed])).toEqual([
    ['a', false],
    ['b', false],
    ['a', false],
    ['t', true],
    ['t', false],
  ]);
});

test('a plan that changes nothing is not journaled', async () => {
  const { book, journal, store } = await openRig();
  const before = [journal.length, store.trust] as const;
  expect(await book.change('token.revoke', 'local', () => [])).toEqual([]);
  expect([journal.length, store.trust]).toEqual([...before]);
});

test('a change that has one record twice is refused before it is journaled', async () => {
  const { book, journal, store, keyring } = await openRig();
  const before = journal.length;
  const put = { kind: 'team', id: 'a', body: {} } as const;
  expect(await thrownBy(book.change('x', 'local', () => [put, put]))).toBeInstanceOf(TypeError);
  expect(journal).toHaveLength(before);
  await openMemoryBook(store, keyring);
});

test('without a journal records can be read, and not changed', async () => {
  const store = new MemoryStore();
  const authenticator = (await testKeyring(store)).authenticator('row-mac');
  const book = new RecordBook(
    { store, authenticator, trust: Trust.open(authenticator, null, { records: [], statuses: [] }) },
    [],
  );
  const change = book.change('team.add', 'local', () => [{ kind: 'team', id: 'a', body: {} }]);
  expect(await rejectionOf(change)).toMatchObject({ code: 'store.unavailable' });
  expect(store.records).toEqual([]);
});

test('a listener hears what there is, then every change, of its own kind only', async () => {
  const { book } = await openRig();
  const seen: string[] = [];
  book.subscribe('team', ({ id, revision }) => seen.push(`${id}@${revision}`));
  expect(seen.toSorted()).toEqual(['a@2', 'b@1']);
  await book.change('x', 'local', () => [
    { kind: 'team', id: 'b', body: {} },
    { kind: 'project', id: 'p', body: {} },
  ]);
  expect(seen.slice(2)).toEqual(['b@2']);
});
