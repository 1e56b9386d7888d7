import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scryptSync } from 'node:crypto';
import { MemoryStore } from '../../../test/support/memory-store.ts';
import { systemClock } from '../../core/clock.ts';
import type { SallyportError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { unlockKeyring } from '../unlock.ts';
import { deriveRootKey } from './passphrase.ts';
import { RootKey } from './root-key.ts';
import { formatRootKey } from './root-key-text.ts';
import type { AskPassphrase, RootKeySource } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

const GOOD = 'correct horse battery staple';
const prompt: RootKeySource = { kind: 'prompt' };
const types =
  (text: string): AskPassphrase =>
  () =>
    Promise.resolve(Secret.fromText(text));
const nobody: AskPassphrase = () => Promise.reject(new Error('asked'));
const unlock = (source: RootKeySource, store: MemoryStore, ask: AskPassphrase = nobody) =>
  unlockKeyring(source, store, systemClock, ask);
const env = (text: string): RootKeySource => ({
  kind: 'env',
  variable: 'SALLYPORT_ROOT_KEY',
  text: Secret.fromText(text),
});
const refusal = async (work: Promise<unknown>): Promise<SallyportError> =>
  (await work.then(
    () => new Error('not refused'),
    (thrown: unknown) => thrown,
  )) as SallyportError;

let files = 0;
function fileWith(text: string, mode = 0o600): string {
  const path = join(folder, `file-${(files += 1)}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('a root key from the environment', () => {
  test('opens what it made, in the same text form as the file, and the text is wiped', async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    const text = formatRootKey(bytes);
    const store = new MemoryStore();
    const source = env(text);
    const made = await unlock(source, store);
    expect(made.rootOrigin).toBe('env');
    expect(store.instance?.rootKdf).toBeNull();
    expect(() => source.kind === 'env' && source.text.reveal((one) => one)).toThrow();
    expect((await unlock(env(`${text}\n`), store)).instance).toBe(made.instance);
    const path = fileWith(`${text}\n`);
    expect((await unlock({ kind: 'file', path, chosen: true }, store)).instance).toBe(made.instance);
  });

  test('that is another one, or none at all, is refused without repeating it', async () => {
    const store = new MemoryStore();
    const { rootFingerprint } = await unlock(
      env(formatRootKey(crypto.getRandomValues(new Uint8Array(32)))),
      store,
    );
    const other = await refusal(
      unlock(env(formatRootKey(crypto.getRandomValues(new Uint8Array(32)))), store),
    );
    expect(other.code).toBe('vault.root_key_wrong');
    expect(other.message).toContain(rootFingerprint);
    const junk = await refusal(unlock(env('surely-no-root-key'), store));
    expect([junk.code, junk.message.includes('surely')]).toEqual(['vault.root_key_wrong', false]);
    expect(junk.message).toContain('SALLYPORT_ROOT_KEY');
  });
});

describe('a root key from a passphrase', () => {
  test('opens the instance again with the same passphrase, and needs no file', async () => {
    const store = new MemoryStore();
    const made = await unlock(prompt, store, types(GOOD));
    expect(made.rootOrigin).toBe('passphrase');
    expect(store.instance?.rootKdf).toMatch(/^scrypt:17:8:1:/);
    expect((await unlock(prompt, store, types(GOOD))).instance).toBe(made.instance);
    const inFile: RootKeySource = { kind: 'passphrase-file', path: fileWith(`${GOOD}\r\n`) };
    expect((await unlock(inFile, store)).instance).toBe(made.instance);
    const absent = join(folder, 'absent.key');
    const unset: RootKeySource = { kind: 'file', path: absent, chosen: false };
    expect((await unlock(unset, store, types(GOOD))).instance).toBe(made.instance);
    expect(existsSync(absent)).toBe(false);
  });

  test('that is wrong is refused and names the fingerprint needed, and no other', async () => {
    const store = new MemoryStore();
    const { rootFingerprint } = await unlock(prompt, store, types(GOOD));
    const before = JSON.stringify(store.instance);
    const error = await refusal(unlock(prompt, store, types(`${GOOD}!`)));
    expect(error.code).toBe('vault.root_key_wrong');
    expect(error.message.match(/rk_[0-9a-f]{16}/g)).toEqual([rootFingerprint]);
    expect(JSON.stringify(store.instance)).toBe(before);
  });

  test.each(['', 'short', 'elevenchars', 'aaaaaaaaaaaaaaaaaaaa'])(
    '"%s" makes no new instance',
    async (text) => {
      const store = new MemoryStore();
      expect((await refusal(unlock(prompt, store, types(text)))).code).toBe('config.invalid');
      expect(store.instance).toBeNull();
    },
  );

  test('does not open an instance with a random root key, and says so before it asks', async () => {
    const store = new MemoryStore();
    await unlock({ kind: 'file', path: join(folder, 'random.key'), chosen: true }, store);
    expect((await refusal(unlock(prompt, store))).code).toBe('config.invalid');
  });

  test('two instances with one passphrase have two root keys', async () => {
    const [a, b] = [new MemoryStore(), new MemoryStore()];
    const first = await unlock(prompt, a, types(GOOD));
    const second = await unlock(prompt, b, types(GOOD));
    expect(first.rootFingerprint).not.toBe(second.rootFingerprint);
  });

  test('gives way to a root key file that a recovery wrote', async () => {
    const store = new MemoryStore();
    const made = await unlock(prompt, store, types(GOOD));
    const bytes = await deriveRootKey(Secret.fromText(GOOD), store.instance!.rootKdf!);
    const path = fileWith(`${formatRootKey(bytes)}\n`);
    expect((await unlock({ kind: 'file', path, chosen: false }, store)).instance).toBe(made.instance);
  });

  test.each([
    ['exposed', () => fileWith(GOOD, 0o644)],
    ['empty', () => fileWith('')],
    ['two lines', () => fileWith(`${GOOD}\n${GOOD}\n`)],
    ['missing', () => join(folder, 'nowhere')],
    ['too long', () => fileWith('x'.repeat(2000))],
  ])('is not read from a file that is %s', async (_what, path) => {
    const error = await refusal(unlock({ kind: 'passphrase-file', path: path() }, new MemoryStore()));
    expect(error.code).toBe('config.invalid');
    expect(error.message).not.toContain('correct');
  });
});

describe('the derivation', () => {
  const KDF = `scrypt:15:8:1:${Buffer.alloc(16, 7).toString('base64url')}`;

  test('is scrypt over the NFC form of the passphrase', async () => {
    const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 27 };
    const expected = scryptSync('caf\u00e9 caf\u00e9 caf\u00e9', Buffer.alloc(16, 7), 32, cost);
    const derived = await deriveRootKey(Secret.fromText('cafe\u0301 cafe\u0301 cafe\u0301'), KDF);
    expect(derived.equals(expected)).toBe(true);
    expect(RootKey.take(derived, 'test').fingerprint).toStartWith('rk_');
  });

  test.each([
    ['weaker', 'scrypt:14:8:1:AAAAAAAAAAAAAAAAAAAAAA'],
    ['too dear', 'scrypt:30:8:1:AAAAAAAAAAAAAAAAAAAAAA'],
    ['no salt', 'scrypt:17:8:1:'],
    ['another function', 'pbkdf2:17:8:1:AAAAAAAAAAAAAAAAAAAAAA'],
    ['text behind', 'scrypt:17:8:1:AAAAAAAAAAAAAAAAAAAAAA:'],
  ])('refuses stored parameters that are %s', async (_what, kdf) => {
    expect((await refusal(deriveRootKey(Secret.fromText(GOOD), kdf))).code).toBe('vault.tampered');
  });

  test('leaves the event loop free', async () => {
    let worstMs = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      worstMs = Math.max(worstMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 2);
    const startMs = performance.now();
    await deriveRootKey(Secret.fromText(GOOD), KDF.replace(':15:', ':17:'));
    const tookMs = performance.now() - startMs;
    clearInterval(timer);
    expect(worstMs).toBeLessThan(tookMs / 2);
  });
});
