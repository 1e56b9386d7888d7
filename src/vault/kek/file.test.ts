import { afterAll, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from '../../../test/support/memory-store.ts';
import { systemClock } from '../../core/clock.ts';
import { SallyportError } from '../../core/errors.ts';
import { unlockKeyring } from '../unlock.ts';
import { readRootKeyFile, type RootKeyFileOptions } from './file.ts';
import { RootKey } from './root-key.ts';
import type { RootKeySource } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-root-key-'));
afterAll(() => rmSync(folder, { recursive: true }));

function openRootKeyFile(path: string, options: RootKeyFileOptions): RootKey {
  return RootKey.take(readRootKeyFile(path, options), path);
}

const nobody = (): never => {
  throw new Error('nobody is there to ask');
};
const unlock = (path: string, store: MemoryStore) => {
  const source: RootKeySource = { kind: 'file', path, chosen: true };
  return unlockKeyring(source, store, systemClock, nobody);
};

let count = 0;
const freshPath = (): string => join(folder, String((count += 1)), 'root.key');
const LINE = /^sallyport-root-key-1:[A-Za-z0-9_-]{43}\n$/;

function errorOf(act: () => unknown): SallyportError {
  try {
    act();
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** A file with exactly this text, private. */
function fileWith(text: string, mode = 0o600): string {
  const path = freshPath();
  openRootKeyFile(path, { create: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const line = (bytes: Uint8Array): string =>
  `sallyport-root-key-1:${Buffer.from(bytes).toString('base64url')}`;
const randomLine = (length = 32): string => line(crypto.getRandomValues(new Uint8Array(length)));

test('a new root key is one private line, and opens to the same fingerprint', () => {
  const path = freshPath();
  const made = openRootKeyFile(path, { create: true });
  expect(readFileSync(path, 'utf8')).toMatch(LINE);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  expect(openRootKeyFile(path, { create: true }).fingerprint).toBe(made.fingerprint);
  expect(openRootKeyFile(path, { create: false }).fingerprint).toBe(made.fingerprint);
});

test('two new root keys differ', () => {
  const [a, b] = [freshPath(), freshPath()].map((path) => openRootKeyFile(path, { create: true }));
  expect(a!.fingerprint).not.toBe(b!.fingerprint);
});

test.each([0o640, 0o604, 0o660, 0o620, 0o602, 0o644, 0o610, 0o777])(
  'a file with mode %o is refused with the command that mends it',
  (mode) => {
    const path = fileWith(`${randomLine()}\n`, mode);
    const error = errorOf(() => openRootKeyFile(path, { create: true }));
    expect(error.code).toBe('vault.root_key_wrong');
    expect(error.fix).toBe(`chmod 600 ${path}`);
    chmodSync(path, 0o400);
    openRootKeyFile(path, { create: false });
  },
);

const good = randomLine();
test.each([
  ['empty', ''],
  ['cut off', good.slice(0, -1)],
  ['31 bytes', randomLine(31)],
  ['33 bytes', randomLine(33)],
  ['another prefix', good.replace('-1:', '-2:')],
  ['no prefix', good.slice('sallyport-root-key-1:'.length)],
  ['a second line', `${good}\n${good}\n`],
  ['text behind', `${good} `],
  ['space before', ` ${good}`],
  ['padding', `${good}=`],
  ['standard base64', line(new Uint8Array(32).fill(0xfb)).replaceAll('-', '+')],
  // 43 characters carry 258 bits: the last two must be zero, or two texts would be one key.
  ['spare bits set', `${line(new Uint8Array(31).fill(3)).padEnd(63, 'A')}B`],
  ['all zero', line(new Uint8Array(32))],
])('a malformed file is refused and never replaced: %s', (_, text) => {
  const path = fileWith(text);
  const error = errorOf(() => openRootKeyFile(path, { create: true }));
  expect(error.code).toBe('vault.root_key_wrong');
  expect(readFileSync(path, 'utf8')).toBe(text);
  if (text.length > 30) expect(error.message).not.toContain(text.slice(25));
});

test('a line with or without a newline of either kind is accepted', () => {
  for (const end of ['', '\n', '\r\n']) {
    openRootKeyFile(fileWith(good + end), { create: false });
  }
});

test('a missing file is an error unless a new key is asked for', () => {
  const path = freshPath();
  expect(errorOf(() => openRootKeyFile(path, { create: false })).code).toBe('vault.root_key_missing');
  expect(existsSync(path)).toBe(false);
});

test('a missing file that an instance needs is named by fingerprint and never made', () => {
  const path = freshPath();
  const neededFingerprint = 'rk_0123456789abcdef';
  const error = errorOf(() => openRootKeyFile(path, { create: true, neededFingerprint }));
  expect(error.code).toBe('vault.root_key_missing');
  expect(error.message).toContain(neededFingerprint);
  expect(existsSync(path)).toBe(false);
});

test('a link is read through, with the checks on the file behind it, but never created through', () => {
  const target = freshPath();
  const { fingerprint } = openRootKeyFile(target, { create: true });
  const link = join(folder, 'link');
  symlinkSync(target, link);
  expect(openRootKeyFile(link, { create: false }).fingerprint).toBe(fingerprint);
  chmodSync(target, 0o644);
  expect(errorOf(() => openRootKeyFile(link, { create: false })).code).toBe('vault.root_key_wrong');

  const dangling = join(folder, 'dangling');
  const elsewhere = join(folder, 'elsewhere');
  symlinkSync(elsewhere, dangling);
  expect(errorOf(() => openRootKeyFile(dangling, { create: true })).code).toBe('vault.root_key_missing');
  expect(existsSync(elsewhere)).toBe(false);
});

test('a folder or a pipe in its place is refused without waiting', () => {
  const path = join(folder, 'folder.key');
  mkdirSync(path);
  expect(errorOf(() => openRootKeyFile(path, { create: true })).code).toBe('vault.root_key_wrong');
  const pipe = join(folder, 'pipe.key');
  expect(Bun.spawnSync(['mkfifo', '-m', '600', pipe]).exitCode).toBe(0);
  expect(errorOf(() => openRootKeyFile(pipe, { create: true })).code).toBe('vault.root_key_wrong');
});

test('unlocking makes a key once; with the instance there, a lost file stays lost and a foreign one is refused', async () => {
  const store = new MemoryStore();
  const path = freshPath();
  const first = await unlock(path, store);
  expect((await unlock(path, store)).instance).toBe(first.instance);

  rmSync(path);
  const lost = await unlock(path, store).catch((thrown: unknown) => thrown);
  expect(lost).toMatchObject({ code: 'vault.root_key_missing' });
  expect((lost as SallyportError).message).toContain(first.rootFingerprint);
  expect(existsSync(path)).toBe(false);

  const foreign = openRootKeyFile(path, { create: true });
  const error = await unlock(path, store).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'vault.root_key_wrong' });
  expect((error as SallyportError).message).toContain(foreign.fingerprint);
  expect((error as SallyportError).message).toContain(first.rootFingerprint);
});
