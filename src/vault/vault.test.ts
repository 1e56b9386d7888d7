import { expect, test } from 'bun:test';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { SallyportError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { Secret } from '../core/secret.ts';
import { RecordBook, type ControlEntry } from '../records/records.ts';
import type { RecordRow } from '../records/store.ts';
import { Trust } from '../records/trust.ts';
import { Keyring } from './keyring.ts';
import { RootKey } from './kek/root-key.ts';
import type { KeySlot } from './provider-keys.ts';
import type { AddKeyInput } from './slot-plan.ts';
import { Vault } from './vault.ts';

const clock: Clock = { monotonicMs: () => 0, wallMs: () => Date.UTC(2026, 9, 15) };
const resolve = (): Promise<readonly string[]> => Promise.resolve(['104.18.0.1']);
const GROQ = { provider: 'groq', origin: 'https://api.groq.com' } as const;
const CHATBOT: AddKeyInput = { ...GROQ, team: 'chatbot', environment: 'prod', purpose: 'main' };
const NAME = 'chatbot-prod-main';

/** Looks like nothing a scanner knows; differs by `seed`. */
const fixture = (seed: string): string => ['fixture', seed, 'value', seed.length].join('_');
const textOf = (key: Secret): string => key.revealText((text) => text);

interface Rig {
  readonly store: MemoryStore;
  readonly keyring: Keyring;
  readonly book: RecordBook;
  readonly journal: ControlEntry[];
  readonly vault: Vault;
  readonly add: (input: AddKeyInput, value?: string) => Promise<KeySlot>;
}

async function rig(store = new MemoryStore(), ring?: Keyring): Promise<Rig> {
  const rootKey = RootKey.take(crypto.getRandomValues(new Uint8Array(32)), 'test');
  const keyring = ring ?? (await Keyring.create(rootKey, store, clock));
  const { book, journal } = await openMemoryBook(store, keyring);
  const vault = new Vault({ keyring, book, clock, resolve });
  const add = async (input: AddKeyInput, value = fixture('one')): Promise<KeySlot> => {
    using secret = Secret.fromText(value);
    return await vault.addKey('local', input, secret);
  };
  return { store, keyring, book, journal, vault, add };
}

const leased = (vault: Vault, slot: KeySlot): string => vault.lease('token:t', slot, textOf);

async function rejection(promise: Promise<unknown>): Promise<SallyportError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SallyportError)) throw new Error('not refused', { cause: error });
  return error;
}

function thrownBy(act: () => unknown): SallyportError {
  try {
    act();
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
  throw new Error('not refused');
}

/** A vault over rows as an attacker who holds the row MAC key would write them: only the envelope still stands in the way. */
function forge(good: Rig, edit: (row: RecordRow) => RecordRow): Vault {
  const authenticator = good.keyring.authenticator('row-mac');
  const rows = good.store.records.map((original) => {
    const { kind, id, revision, body, sealed } = edit(original);
    const marker = sealed ? 'sealed' : 'none';
    const fields = ['record.v1', kind, id, String(revision), body, marker, sealed ?? new Uint8Array(0)];
    return { kind, id, revision, body, sealed, mac: authenticator.tag(fields) };
  });
  const store = new MemoryStore();
  const trust = Trust.open(authenticator, null, { records: [], statuses: [] });
  const book = new RecordBook({ store, authenticator, trust }, rows);
  return new Vault({ keyring: good.keyring, book, clock, resolve });
}

test('a key goes in and comes out inside a lease only', async () => {
  const { vault, add, store, journal } = await rig();
  const slot = await add(CHATBOT, fixture('first'));
  expect(slot).toMatchObject({ name: NAME, state: 'active', activeVersion: 1, team: 'chatbot' });
  expect(leased(vault, slot)).toBe(fixture('first'));
  const visible = JSON.stringify([store.records, journal, vault.list(), vault.show(NAME), slot]);
  expect(visible).not.toContain(fixture('first'));
  const stored = Buffer.concat(store.records.map((row) => row.sealed ?? new Uint8Array(0)));
  expect(stored.includes(fixture('first'))).toBe(false);
});

test('a key survives a restart', async () => {
  const { store, keyring, add } = await rig();
  await add(CHATBOT, fixture('first'));
  const again = await rig(store, keyring);
  const slot = again.vault.select({ provider: 'groq', team: 'chatbot', environment: 'prod' });
  expect(leased(again.vault, slot!)).toBe(fixture('first'));
});

test('the Secret of a lease is wiped when the callback returns, throws, or awaits', async () => {
  const { vault, add } = await rig();
  const slot = await add(CHATBOT);
  const kept: Secret[] = [];
  const memory: Uint8Array[] = [];
  const keep = (key: Secret): void => {
    kept.push(key);
    memory.push(key.reveal((bytes) => bytes));
  };
  vault.lease('token:t', slot, keep);
  const failing = (): void =>
    vault.lease('token:t', slot, (key) => {
      keep(key);
      throw new RangeError('from the callback');
    });
  expect(failing).toThrow('from the callback');
  const late = vault.lease('token:t', slot, async (key) => {
    keep(key);
    await Promise.resolve();
    return textOf(key);
  });
  const lateError: unknown = await late.catch((thrown: unknown) => thrown);
  expect(String(lateError)).toContain('already wiped');
  expect(kept).toHaveLength(3);
  for (const key of kept) expect(() => textOf(key)).toThrow('already wiped');
  for (const bytes of memory) expect(bytes.every((byte) => byte === 0)).toBe(true);
});

test('there is no lease without a principal', async () => {
  const { vault, add } = await rig();
  const slot = await add(CHATBOT);
  expect(() => vault.lease('', slot, textOf)).toThrow(TypeError);
});

test('the value stays the caller’s: it is readable after addKey and theirs to wipe', async () => {
  const { vault } = await rig();
  using value = Secret.fromText(fixture('kept'));
  await vault.addKey('local', CHATBOT, value);
  expect(textOf(value)).toBe(fixture('kept'));
});

test('one trailing newline of a paste is dropped, of either kind', async () => {
  const { vault, add } = await rig();
  const unix = await add({ ...GROQ, name: 'unix' }, `${fixture('a')}\n`);
  const windows = await add({ ...GROQ, name: 'windows' }, `${fixture('b')}\r\n`);
  expect(leased(vault, unix)).toBe(fixture('a'));
  expect(leased(vault, windows)).toBe(fixture('b'));
});

test('what cannot be a key is refused without repeating any of it', async () => {
  const { add, store } = await rig();
  const core = fixture('bad');
  const values = [
    '',
    '\n',
    'short',
    `${core}\n\n`,
    ` ${core}`,
    `${core} `,
    `${core}\t`,
    `${core}\r`,
    `${core.slice(0, 8)} ${core.slice(8)}`,
    `${core}\u0000`,
    `${core}\u007f`,
    `${core}é`,
    'x'.repeat(4097),
  ];
  for (const value of values) {
    const error = await rejection(add(CHATBOT, value));
    expect(error.code).toBe('input.invalid');
    expect(error.fix).toBeString();
    for (const part of [core, core.slice(0, 6), core.slice(-6)]) {
      expect(`${error.message} ${error.fix} ${error.detail}`).not.toContain(part);
    }
  }
  expect(store.records).toEqual([]);
});

test('a name is given, or made of team, environment and purpose, and must be a name', async () => {
  const { add } = await rig();
  expect((await add({ ...CHATBOT, name: 'short' }, fixture('a'))).name).toBe('short');
  expect((await add(CHATBOT, fixture('b'))).name).toBe(NAME);
  const bad: AddKeyInput[] = [
    { ...GROQ },
    { ...GROQ, team: 'chatbot', environment: 'prod' },
    { ...CHATBOT, name: '' },
    { ...CHATBOT, name: 'Upper' },
    { ...CHATBOT, name: '-first' },
    { ...CHATBOT, name: 'a'.repeat(64) },
    { ...CHATBOT, name: 'a@1' },
    { ...CHATBOT, name: 'a\n' },
    { ...CHATBOT, team: 'a/b' },
    { ...CHATBOT, team: '*' },
    { ...CHATBOT, team: 'a'.repeat(60) },
    { ...CHATBOT, provider: 'Groq' },
    { ...CHATBOT, providerProject: 'two words' },
    { ...GROQ, name: 'demo', purpose: 'demo' },
  ];
  const { add: addFresh } = await rig();
  for (const input of bad) {
    const error = await rejection(addFresh(input));
    expect(error.code).toBe('input.invalid');
    expect(error.fix).toBeString();
  }
});

test('an origin that may not have a key is refused before anything is stored', async () => {
  const { add, store } = await rig();
  for (const origin of ['http://api.groq.com', 'https://127.0.0.1', 'https://api.groq.com/v1']) {
    expect((await rejection(add({ ...CHATBOT, origin }))).code).toBe('input.invalid');
  }
  expect(store.records).toEqual([]);
  const local = await add({ ...CHATBOT, origin: 'http://127.0.0.1:9100', allowPrivateOrigin: true });
  expect(local.origin).toBe('http://127.0.0.1:9100');
});

test('an existing slot is not overwritten by accident; replacing adds a version and retires the old one', async () => {
  const { vault, add, journal } = await rig();
  const first = await add(CHATBOT, fixture('first'));
  const error = await rejection(add(CHATBOT, fixture('second')));
  expect(error).toMatchObject({ code: 'conflict', fix: expect.stringContaining('--replace') as string });
  expect(leased(vault, first)).toBe(fixture('first'));

  const second = await add({ ...CHATBOT, replace: true }, fixture('second'));
  expect(second.activeVersion).toBe(2);
  expect(leased(vault, second)).toBe(fixture('second'));
  // A call that chose its key a moment before the change is not lost.
  expect(leased(vault, first)).toBe(fixture('first'));
  const { versions } = vault.show(NAME);
  expect(versions.map((one) => [one.version, one.state, one.label])).toEqual([
    [1, 'retired', 'chatbot-prod-main-2026-10'],
    [2, 'active', 'chatbot-prod-main-2026-10-2'],
  ]);
  expect(versions[0]!.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  expect(versions[0]!.fingerprint).not.toBe(versions[1]!.fingerprint);
  expect(journal.map((entry) => entry.action)).toEqual(['key.seal', 'key.add', 'key.seal', 'key.replace']);
});

test('replacing cannot move a slot to another origin, provider, team, environment or purpose', async () => {
  const { add } = await rig();
  await add(CHATBOT);
  const changes: Partial<AddKeyInput>[] = [
    { origin: 'https://attacker.example' },
    { provider: 'openai' },
    { team: 'billing' },
    { team: null },
    { environment: 'dev' },
    { purpose: 'other' },
  ];
  for (const change of changes) {
    const input = { ...CHATBOT, name: NAME, ...change, replace: true };
    expect((await rejection(add(input, fixture('second')))).code).toBe('conflict');
  }
  const kept = await add(
    { ...GROQ, name: NAME, replace: true, providerProject: 'proj_1' },
    fixture('second'),
  );
  expect(kept).toMatchObject({ team: 'chatbot', environment: 'prod', providerProject: 'proj_1' });
});

test('a declared slot is used for nothing until it has a value, and then is what was declared', async () => {
  const { vault, add, journal, book, keyring } = await rig();
  const declared = { ...CHATBOT, name: NAME, providerProject: 'proj_1' };
  const empty = await vault.declare('local', declared);
  expect(empty).toMatchObject({ activeVersion: 0, state: 'active', team: 'chatbot' });
  const query = { provider: 'groq', team: 'chatbot', environment: 'prod' };
  expect(vault.select(query)).toBeUndefined();
  expect(thrownBy(() => leased(vault, empty)).code).toBe('upstream.unavailable');
  expect(vault.sealedSample()).toBeNull();
  expect(new Vault({ keyring, book, clock, resolve }).show(NAME).slot).toEqual(empty);
  // Nothing is sealed for it, so all of it may change.
  await vault.declare('local', { ...declared, environment: 'staging' });
  await vault.declare('local', declared);
  const changes = journal.length;
  await vault.declare('local', declared);
  expect(journal).toHaveLength(changes);
  const wrong = await rejection(add({ ...GROQ, name: NAME, team: 'other' }));
  expect([wrong.code, wrong.message]).toEqual(['conflict', `"${NAME}" is declared with another team.`]);
  const slot = await add({ ...GROQ, name: NAME });
  expect(slot).toMatchObject({ activeVersion: 1, providerProject: 'proj_1', team: 'chatbot' });
  expect(leased(vault, vault.select(query)!)).toBe(fixture('one'));
});

test('declaring a slot that has a value changes what no value is bound to, and nothing else', async () => {
  const { vault, add } = await rig();
  await add(CHATBOT);
  await vault.setState('local', NAME, 'disabled');
  const declared = { ...CHATBOT, name: NAME };
  const changed = await vault.declare('local', { ...declared, providerOrganization: 'org_1' });
  expect(changed).toMatchObject({ activeVersion: 1, state: 'disabled', providerOrganization: 'org_1' });
  const changes = [
    { provider: 'openai' },
    { origin: 'https://gateway.example.com' },
    { team: 'other' },
    { environment: null },
    { purpose: 'second' },
  ];
  for (const change of changes) {
    const error = await rejection(vault.declare('local', { ...declared, ...change }));
    expect([error.code, error.message]).toEqual([
      'conflict',
      expect.stringContaining('sealed versions') as string,
    ]);
  }
  expect(vault.show(NAME).slot).toEqual(changed);
  const inside = { ...declared, origin: 'http://10.0.0.1', name: 'inside' };
  expect((await rejection(vault.declare('local', inside))).code).toBe('input.invalid');
});

test('a value that is being sealed for a declared slot never ends up in one that was declared otherwise meanwhile', async () => {
  const { vault, add, store } = await rig();
  await vault.declare('local', { ...CHATBOT, name: NAME });
  let redeclared: Promise<unknown> = Promise.resolve();
  store.beforeCommit = (rows) => {
    if (rows[0]?.kind !== 'key_version') return;
    store.beforeCommit = () => undefined;
    redeclared = rejection(vault.declare('local', { ...CHATBOT, name: NAME, team: 'other' }));
  };
  const slot = await add({ ...GROQ, name: NAME });
  expect(await redeclared).toMatchObject({ code: 'conflict' });
  expect(leased(vault, slot)).toBe(fixture('one'));
  expect(slot.team).toBe('chatbot');
});

test('replacing a key by itself is refused: the new one was not pasted', async () => {
  const { add } = await rig();
  await add(CHATBOT, fixture('same'));
  const error = await rejection(add({ ...CHATBOT, replace: true }, `${fixture('same')}\n`));
  expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('version 1') as string });
});

test('two adds of one name at the same time: one wins, the other is a conflict', async () => {
  const { vault, add } = await rig();
  const results = await Promise.allSettled([add(CHATBOT, fixture('a')), add(CHATBOT, fixture('b'))]);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
  expect(leased(vault, vault.show(NAME).slot)).toBe(fixture('a'));
});

/** The process dies in commit number `fatal` of an add; the next one replays the journal. */
async function dieInCommit(fatal: number): Promise<{ again: Rig; lost: string[] }> {
  const first = await rig();
  let commits = 0;
  first.store.beforeCommit = () => {
    commits += 1;
    if (commits === fatal) throw new Error('the process died here');
  };
  expect((await rejection(first.add(CHATBOT, fixture('a')))).code).toBe('store.unavailable');
  first.store.beforeCommit = () => undefined;
  const again = await rig(first.store, first.keyring);
  const lost: string[] = [];
  for (const entry of first.journal) lost.push(...(await again.book.redo(entry)).map((record) => record.id));
  return { again, lost };
}

test('a process that dies while sealing leaves no slot without a key, and the add can be repeated', async () => {
  const { again, lost } = await dieInCommit(1);
  expect(lost).toEqual([`${NAME}@1`]);
  expect(again.vault.list()).toEqual([]);
  const slot = await again.add(CHATBOT, fixture('b'));
  expect(leased(again.vault, slot)).toBe(fixture('b'));
});

test('a process that dies while activating has added the key once its journal is applied', async () => {
  const { again, lost } = await dieInCommit(2);
  expect(lost).toEqual([]);
  expect(leased(again.vault, again.vault.show(NAME).slot)).toBe(fixture('a'));
  expect(again.vault.show(NAME).versions.map((one) => one.state)).toEqual(['active']);
});

test('a version that was sealed and never activated is not leased', async () => {
  const good = await rig();
  const slot = await good.add(CHATBOT);
  const vault = forge(good, (row) =>
    row.kind === 'key_version' ? { ...row, body: row.body.replace('"active"', '"pending"') } : row,
  );
  expect(thrownBy(() => leased(vault, slot)).code).toBe('upstream.unavailable');
});

test('a disabled slot is neither selected nor leased, until it is enabled', async () => {
  const { vault, add } = await rig();
  const slot = await add(CHATBOT);
  const query = { provider: 'groq', team: 'chatbot', environment: 'prod' };
  expect(vault.select(query)).toEqual(slot);
  await vault.setState('local', NAME, 'disabled');
  expect(vault.select(query)).toBeUndefined();
  // Even with the object from before.
  expect(thrownBy(() => leased(vault, slot)).code).toBe('upstream.unavailable');
  await vault.setState('local', NAME, 'active');
  expect(leased(vault, vault.select(query)!)).toBe(fixture('one'));
});

test('an unknown name is answered with the nearest one; what is no name is not repeated', async () => {
  const { vault, add } = await rig();
  await add(CHATBOT);
  const typo = thrownBy(() => vault.show('chatbot-prod-mian'));
  expect(typo).toMatchObject({ code: 'not_found', fix: `Did you mean "${NAME}"?` });
  expect(typo.message).toContain('chatbot-prod-mian');
  const pasted = ['Pasted', 'Key', 'Value'].join('_');
  expect(thrownBy(() => vault.show(pasted)).message).not.toContain(pasted);
  expect((await rejection(vault.setState('local', 'nothing', 'disabled'))).code).toBe('not_found');
});

test('sealed bytes swapped between two slots in the database stop the start', async () => {
  const { store, keyring, add } = await rig();
  await add({ ...GROQ, name: 'one' }, fixture('a'));
  await add({ ...GROQ, name: 'two' }, fixture('b'));
  const [a, b] = store.records.filter((row) => row.kind === 'key_version');
  store.records = store.records.map((row) => {
    if (row === a) return { ...row, sealed: b!.sealed };
    return row === b ? { ...row, sealed: a!.sealed } : row;
  });
  expect((await rejection(rig(store, keyring))).code).toBe('store.tampered');
});

test('with valid row MACs, a swapped or repointed record still does not open', async () => {
  const good = await rig();
  await good.add({ ...GROQ, name: 'one', team: 'chatbot' }, fixture('a'));
  await good.add({ ...GROQ, name: 'two', team: 'billing' }, fixture('b'));
  await good.add({ ...GROQ, name: 'two', replace: true }, fixture('c'));
  const sealedOf = (id: string): Uint8Array | null =>
    good.store.records.find((row) => row.id === id)?.sealed ?? null;
  const swap = (id: string, from: string) => (row: RecordRow) =>
    row.id === id ? { ...row, sealed: sealedOf(from) } : row;
  const repoint = (change: object) => (row: RecordRow) =>
    row.id === 'one'
      ? { ...row, body: JSON.stringify({ ...(JSON.parse(row.body) as object), ...change }) }
      : row;

  const untouched = forge(good, (row) => row);
  expect(leased(untouched, untouched.show('one').slot)).toBe(fixture('a'));

  const edits: [string, (row: RecordRow) => RecordRow][] = [
    ['one', swap('one@1', 'two@1')],
    ['two', swap('two@2', 'two@1')],
    ['one', repoint({ origin: 'https://attacker.example' })],
    ['one', repoint({ provider: 'openai' })],
    ['one', repoint({ team: 'billing' })],
    ['one', repoint({ team: null })],
    ['one', repoint({ environment: 'prod' })],
  ];
  const messages = new Set<string>();
  for (const [name, edit] of edits) {
    const vault = forge(good, edit);
    const error = thrownBy(() => leased(vault, vault.show(name).slot));
    expect(error.code).toBe('vault.tampered');
    messages.add(error.message);
  }
  expect(messages.size).toBe(1);
});

test('a slot whose version was lost with its database says so instead of using another', async () => {
  const good = await rig();
  await good.add(CHATBOT);
  const vault = forge(good, (row) => (row.kind === 'key_version' ? { ...row, sealed: null } : row));
  const error = thrownBy(() => leased(vault, vault.show(NAME).slot));
  expect(error).toMatchObject({
    code: 'upstream.unavailable',
    fix: expect.stringContaining('--replace') as string,
  });
});

test('a record that this version could not have written stops the start', async () => {
  const good = await rig();
  await good.add(CHATBOT);
  const bodies: [RecordRow['kind'], object][] = [
    ['provider_key', { team: 'Not A Name' }],
    ['provider_key', { name: 'another' }],
    ['provider_key', { state: 'maybe' }],
    ['provider_key', { fieldFromTheFuture: true }],
    ['provider_key', { origin: undefined }],
    ['key_version', { version: 2 }],
    ['key_version', { slot: 'another' }],
    ['key_version', { fingerprint: '' }],
  ];
  for (const [kind, change] of bodies) {
    const edit = (row: RecordRow): RecordRow =>
      row.kind === kind
        ? { ...row, body: JSON.stringify({ ...(JSON.parse(row.body) as object), ...change }) }
        : row;
    expect(thrownBy(() => forge(good, edit)).code).toBe('store.tampered');
  }
});

test('the journal says what happened, by whom, and holds nothing of the key', async () => {
  const { journal, add } = await rig();
  await add(CHATBOT);
  expect(journal.map((entry) => [entry.action, entry.principal])).toEqual([
    ['key.seal', 'local'],
    ['key.add', 'local'],
  ]);
  const [seal, activate] = journal;
  expect(seal!.records.map((record) => [record.id, record.resealed])).toEqual([[`${NAME}@1`, true]]);
  expect(activate!.records.every((record) => !record.resealed)).toBe(true);
});
