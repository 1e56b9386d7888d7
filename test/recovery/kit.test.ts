/** Recovery kits against a running gateway, from the lost root key to the call that works again (P12). */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { type Ran, run, type TestIoOptions } from '../../src/cli/test-io.ts';
import { type OpenGate, openGate, tempFolder } from '../support/harness.ts';
import { leaksIn } from './leaks.ts';

let gate: OpenGate;
let away: string;
let recipient: string;
let identityFile: string;
let cli: (line: readonly string[], options?: TestIoOptions) => Promise<Ran>;
const kit = (): string => join(away, 'kit.age');
const PASSPHRASE = 'many words for a kit';

beforeEach(async () => {
  gate = await openGate();
  away = tempFolder();
  const identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
  identityFile = join(away, 'identity.txt');
  writeFileSync(identityFile, `# created: today\n# public key: ${recipient}\n${identity}\n`, { mode: 0o600 });
  cli = (line, options = {}) => run(line, { ...options, env: { SALLYPORT_DATA: gate.data, ...options.env } });
});
afterEach(async () => {
  await gate[Symbol.asyncDispose]();
  rmSync(away, { recursive: true, force: true });
});

const makeKit = (): Promise<Ran> =>
  cli(['recovery', 'kit', '--recipient', recipient, '--out', kit(), '--json']);
const drill = (...more: string[]): Promise<Ran> =>
  cli(['recovery', 'drill', '--kit', kit(), '--identity', identityFile, '--json', ...more]);
const rootKey = (): string => readFileSync(join(gate.data, 'root.key'), 'utf8').trim();

test('a kit is private, opens with age alone, and its last line is the root key', async () => {
  const made = await makeKit();
  expect([made.code, made.json()['fingerprint']]).toEqual([0, expect.stringMatching(/^rk_/)]);
  expect(statSync(kit()).mode & 0o777).toBe(0o600);
  expect(leaksIn(away, rootKey().slice(22))).toEqual([]);
  const decrypter = new Decrypter();
  decrypter.addIdentity(readFileSync(identityFile, 'utf8').split('\n')[2]!);
  const text = await decrypter.decrypt(armor.decode(readFileSync(kit(), 'utf8')), 'text');
  expect(text.trimEnd().split('\n').at(-1)).toBe(rootKey());
  expect(gate.events('recovery.kit')).toMatchObject([{ principal: 'local', details: { recipients: 1 } }]);
  expect(made.out + made.err).not.toContain(rootKey().slice(22));
});

test('a drill opens a sealed record, changes nothing, and is on record', async () => {
  await makeKit();
  const before = readdirSync(gate.data).toSorted();
  const done = await drill();
  expect([done.code, done.json()]).toEqual([
    0,
    expect.objectContaining({ ok: true, opened: 'groq@1', problem: null }),
  ]);
  expect(readdirSync(gate.data).toSorted()).toEqual(before);
  expect(gate.events('recovery.drill')).toMatchObject([{ details: { opened: 'groq@1' } }]);
  expect(leaksIn(gate.data, gate.key)).toEqual([]);
});

test('status nags until there is a kit and a drill, and again after 90 days', async () => {
  const complaint = async (wallMs = Date.now()): Promise<string> => (await cli(['status'], { wallMs })).err;
  expect(await complaint()).toContain('there is no recovery kit');
  await makeKit();
  expect(await complaint()).toContain('no recovery kit was ever tried');
  await drill();
  expect(await complaint()).not.toContain('recovery');
  expect(await complaint(Date.now() + 91 * 86_400_000)).toContain('the last recovery drill was on');
});

test('a kit with a passphrase opens by prompt and by standard input', async () => {
  const made = await cli(['recovery', 'kit', '--passphrase', '--out', kit()], { typed: PASSPHRASE });
  expect(made.code).toBe(0);
  const line = ['recovery', 'drill', '--kit', kit()];
  expect((await cli(line, { typed: PASSPHRASE })).code).toBe(0);
  expect((await cli(line, { stdin: `${PASSPHRASE}\n` })).code).toBe(0);
  const wrong = await cli(line, { stdin: 'an entirely wrong one\n' });
  expect([wrong.code, wrong.err.includes('entirely')]).toEqual([2, false]);
  expect((await cli([...line, '--identity', identityFile])).code).toBe(2);
  expect(gate.events(/^recovery\.drill/).length).toBe(2);
});

test('a lost root key comes back from the kit, and calls work again', async () => {
  await makeKit();
  const before = rootKey();
  await gate.app.stop('lost');
  rmSync(join(gate.data, 'root.key'));
  const line = ['recovery', 'restore', '--kit', kit(), '--identity', identityFile];
  expect((await cli(line)).code).toBe(0);
  expect(rootKey()).toBe(before);
  expect(statSync(join(gate.data, 'root.key')).mode & 0o777).toBe(0o600);
  await gate.restart();
  expect((await gate.chat()).status).toBe(200);
});

describe('restoring never overwrites', () => {
  test.each([
    ['a file', (path: string) => writeFileSync(path, 'something')],
    ['a link that leads nowhere', (path: string) => symlinkSync('/nonexistent/root.key', path)],
  ])('%s', async (_what, occupy) => {
    await makeKit();
    const path = join(away, 'root.key');
    occupy(path);
    const line = ['recovery', 'restore', '--kit', kit(), '--identity', identityFile, '--data', away];
    expect((await cli(line)).code).toBe(2);
    expect(existsSync(path) ? readFileSync(path, 'utf8') : '').not.toContain('sallyport');
    expect(existsSync('/nonexistent')).toBe(false);
  });

  test('and refuses when the root key is configured to come from elsewhere', async () => {
    await makeKit();
    const line = ['recovery', 'restore', '--kit', kit(), '--identity', identityFile, '--data', away];
    expect((await cli(line, { env: { SALLYPORT_PASSPHRASE_FILE: '/x' } })).code).toBe(2);
    expect(existsSync(join(away, 'root.key'))).toBe(false);
  });
});

describe('a drill fails', () => {
  test('with the kit of another instance: exit code 1, on record, and no peace from status', async () => {
    await using other = await openGate();
    await run(['recovery', 'kit', '--recipient', recipient, '--out', kit()], {
      env: { SALLYPORT_DATA: other.data },
    });
    const failed = await drill();
    expect([failed.code, failed.json()['ok']]).toEqual([1, false]);
    expect(gate.events('recovery.drill_failed').length).toBe(1);
    expect(gate.events('recovery.drill').length).toBe(0);
  });

  test.each([
    ['truncated', (text: string) => text.slice(0, 200)],
    ['changed', (text: string) => text.slice(0, 420) + (text[420] === 'A' ? 'B' : 'A') + text.slice(421)],
    ['no kit', () => 'hello'],
    ['empty', () => ''],
  ])('with a kit that is %s', async (_what, edit) => {
    await makeKit();
    const text = readFileSync(kit(), 'utf8');
    const edited = edit(text);
    expect(edited).not.toBe(text);
    writeFileSync(kit(), edited);
    expect((await drill()).code).toBe(2);
    expect(gate.events(/^recovery\.drill/)).toEqual([]);
  });

  test('with an identity that others can read', async () => {
    await makeKit();
    chmodSync(identityFile, 0o644);
    const refused = await drill();
    expect([refused.code, refused.err.includes('chmod 600')]).toEqual([2, true]);
  });
});

describe('making a kit', () => {
  test.each([
    ['neither recipient nor passphrase', () => []],
    ['both', () => ['--recipient', recipient, '--passphrase']],
    [
      'the identity in place of the recipient',
      () => ['--recipient', readFileSync(identityFile, 'utf8').split('\n')[2]!],
    ],
  ])('is refused with %s, and nothing is written or repeated', async (_what, flags) => {
    const refused = await cli(['recovery', 'kit', '--out', kit(), ...flags()], { typed: PASSPHRASE });
    expect(refused.code).toBe(2);
    expect(refused.err).not.toContain('AGE-SECRET');
    expect(existsSync(kit())).toBe(false);
    expect(gate.events('recovery.kit')).toEqual([]);
  });

  test('is refused with a root key that is not that of the instance', async () => {
    await using other = await openGate();
    const refused = await cli(['recovery', 'kit', '--recipient', recipient, '--out', kit()], {
      env: { SALLYPORT_ROOT_KEY_FILE: join(other.data, 'root.key') },
    });
    expect(refused.code).toBe(2);
    expect(existsSync(kit())).toBe(false);
  });

  test('leaves no kit that is not on record', async () => {
    const moved = `${gate.data}-away`;
    renameSync(join(gate.data, 'journal'), moved);
    await gate.app.stop('gone').catch(() => undefined);
    expect((await makeKit()).code).toBe(3);
    expect(existsSync(kit())).toBe(false);
    renameSync(moved, join(gate.data, 'journal'));
  });
});
