import { expect, test } from 'bun:test';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { systemClock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { Keyring, MAC_PURPOSES } from './keyring.ts';
import { RootKey } from './kek/root-key.ts';

const rootBytes = (): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(32));

async function instance(): Promise<{ store: MemoryStore; bytes: Uint8Array<ArrayBuffer>; keyring: Keyring }> {
  const store = new MemoryStore();
  const bytes = rootBytes();
  const keyring = await Keyring.create(RootKey.take(new Uint8Array(bytes), 'a test'), store, systemClock);
  return { store, bytes, keyring };
}

async function openError(store: MemoryStore, bytes: Uint8Array): Promise<SallyportError> {
  const opened = Keyring.open(RootKey.take(new Uint8Array(bytes), 'a test'), store);
  const error = await opened.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SallyportError)) throw new Error('the keyring opened');
  return error;
}

test('an instance opens again with its root key, and its tags still verify', async () => {
  const { store, bytes, keyring } = await instance();
  expect(keyring.instance).toMatch(/^[0-9A-Za-z]{16}$/);
  const tag = keyring.authenticator('row-mac').tag(['a', 'b']);
  const again = await Keyring.open(RootKey.take(bytes, 'a test'), store);
  expect(again.instance).toBe(keyring.instance);
  expect(again.authenticator('row-mac').verify(['a', 'b'], tag)).toBe(true);
});

test('nothing in the store is a key in the clear', async () => {
  const { store, bytes } = await instance();
  const kept = Buffer.concat([store.instance!.rootCheck, ...store.terms.map((term) => term.wrapped)]);
  expect(kept.includes(Buffer.from(bytes))).toBe(false);
  expect(store.terms[0]!.wrapped.length).toBe(60);
});

test('a second instance cannot be made in one store', async () => {
  const { store } = await instance();
  const rootKey = RootKey.take(rootBytes(), 'a test');
  const error: unknown = await Keyring.create(rootKey, store, systemClock).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'conflict' });
});

test('an empty store has no instance to open', async () => {
  expect((await openError(new MemoryStore(), rootBytes())).code).toBe('not_found');
});

test('a wrong root key is refused by name: the one found and the one needed', async () => {
  const { store } = await instance();
  const bytes = rootBytes();
  const found = RootKey.take(new Uint8Array(bytes), 'x').fingerprint;
  const error = await openError(store, bytes);
  expect(error.code).toBe('vault.root_key_wrong');
  expect(error.message).toContain(found);
  expect(error.message).toContain(store.instance!.rootFingerprint);
  expect(found).toMatch(/^rk_[0-9a-f]{16}$/);
});

test('edited terms are refused: every bit, a new number, a copy, none at all, another instance', async () => {
  const { store, bytes } = await instance();
  const [term] = store.terms;
  for (let bit = 0; bit < term!.wrapped.length * 8; bit += 1) {
    const wrapped = new Uint8Array(term!.wrapped);
    wrapped[bit >> 3]! ^= 1 << (bit & 7);
    store.terms = [{ ...term!, wrapped }];
    expect((await openError(store, bytes)).code).toBe('vault.tampered');
  }
  const edits = [
    [{ ...term!, term: 2 }],
    [{ ...term!, term: 0 }],
    [{ ...term!, term: 2 ** 32 + 1 }],
    [{ ...term!, term: 1.5 }],
    [term!, { ...term!, term: 2 }],
    [term!, term!],
    [{ ...term!, wrapped: term!.wrapped.subarray(0, 59) }],
    [{ ...term!, wrapped: Buffer.concat([term!.wrapped, Buffer.alloc(1)]) }],
    [],
  ];
  for (const terms of edits) {
    store.terms = terms;
    expect((await openError(store, bytes)).code).toBe('vault.tampered');
  }
});

test('an edited instance row is told apart from a wrong root key', async () => {
  const { store, bytes } = await instance();
  const row = store.instance!;
  const edits = [
    { ...row, instance: 'AnotherInstance1' },
    { ...row, rootFingerprint: 'rk_0000000000000000' },
    { ...row, rootCheck: new Uint8Array(8) },
    { ...row, rootCheck: row.rootCheck.subarray(0, 7) },
    { ...row, rootCheck: new Uint8Array(0) },
  ];
  for (const edit of edits) {
    store.instance = edit;
    expect((await openError(store, bytes)).code).toBe('vault.tampered');
  }
});

test('a root key wipes the bytes it takes and accepts 32 of them only', () => {
  const bytes = rootBytes();
  RootKey.take(bytes, 'a test');
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  for (const length of [0, 16, 31, 33, 64]) {
    expect(() => RootKey.take(new Uint8Array(length), 'a test')).toThrow(RangeError);
  }
});

test('a tag verifies for its fields and purpose only', async () => {
  const { keyring } = await instance();
  const rows = keyring.authenticator('row-mac');
  const tag = rows.tag(['token', 'ab', 'c']);
  expect(tag.length).toBe(36);
  expect(tag.readUInt32BE()).toBe(1);
  expect(rows.verify(['token', 'ab', 'c'], tag)).toBe(true);
  expect(rows.verify(['token', 'ab', 'c'], new Uint8Array(tag))).toBe(true);
  for (const fields of [['token', 'a', 'bc'], ['token', 'ab'], ['token', 'ab', 'c', ''], []]) {
    expect(rows.verify(fields, tag)).toBe(false);
  }
  for (const purpose of MAC_PURPOSES) {
    expect(keyring.authenticator(purpose).verify(['token', 'ab', 'c'], tag)).toBe(purpose === 'row-mac');
  }
});

test('a tag with any flipped bit, of any other length, or of an unknown term is false, not an error', async () => {
  const { keyring } = await instance();
  const rows = keyring.authenticator('row-mac');
  const tag = rows.tag(['x']);
  for (let bit = 0; bit < tag.length * 8; bit += 1) {
    const edited = Buffer.from(tag);
    edited[bit >> 3]! ^= 1 << (bit & 7);
    expect(rows.verify(['x'], edited)).toBe(false);
  }
  for (let length = 0; length < 80; length += 1) {
    const other = Buffer.concat([tag, tag, tag]).subarray(0, length);
    expect(rows.verify(['x'], other)).toBe(length === 36);
  }
});

test('two instances share no MAC key', async () => {
  const [a, b] = [await instance(), await instance()];
  const tag = a.keyring.authenticator('token-pepper').tag(['x']);
  expect(b.keyring.authenticator('token-pepper').verify(['x'], tag)).toBe(false);
});
