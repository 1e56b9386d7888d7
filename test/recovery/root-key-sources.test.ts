/** Real processes whose root key is not a file: what a start needs, what `status` says, and what is left in the environment. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../src/cli/cli.ts';
import { run, testIo } from '../../src/cli/test-io.ts';
import { formatRootKey } from '../../src/vault/kek/root-key-text.ts';
import { sallyport } from '../support/cli.ts';
import { startProcess, tempFolder } from '../support/harness.ts';
import { leaksIn } from './leaks.ts';

let data: string;
beforeEach(() => (data = tempFolder()));
afterEach(() => rmSync(data, { recursive: true, force: true }));

test('a root key in the environment starts the gateway, leaves no file, and status warns about it', async () => {
  const text = formatRootKey(crypto.getRandomValues(new Uint8Array(32)));
  const first = await startProcess(data, { SALLYPORT_ROOT_KEY: text });
  const { code, err, out } = await run(['status'], { env: { SALLYPORT_DATA: data } });
  expect(code).toBe(0);
  expect(out).toContain('from the environment');
  expect(err).toContain('root key came from the environment');
  first.kill('SIGTERM');
  await first.exited;
  expect(existsSync(join(data, 'root.key'))).toBe(false);
  expect(leaksIn(data, text.slice(22))).toEqual([]);
  expect(first.stderr()).not.toContain(text.slice(22));

  const without = await sallyport(['up', '--data', data], '', { HOME: data });
  expect(without.exitCode).toBe(2);
  expect(without.stderr).toMatch(/rk_[0-9a-f]{16}/);
});

test('the variable is gone from the environment once it was read', async () => {
  const SALLYPORT_ROOT_KEY = formatRootKey(crypto.getRandomValues(new Uint8Array(32)));
  const { io } = testIo({
    env: {
      SALLYPORT_ROOT_KEY,
      SALLYPORT_PORT: '0',
      SALLYPORT_ADMIN_PORT: '0',
    },
    stopped: Promise.resolve(),
  });
  expect(await runCli(['up', '--data', data], io)).toBe(0);
  expect(JSON.stringify(io.env)).not.toContain('ROOT_KEY');
});

test('a passphrase in a file starts the gateway again; another one is refused and names the fingerprint', async () => {
  const passphraseFile = join(data, '..', `${data.split('/').at(-1)}.pass`);
  writeFileSync(passphraseFile, 'a passphrase of many words\n', { mode: 0o600 });
  const variables = { SALLYPORT_PASSPHRASE_FILE: passphraseFile };
  try {
    const first = await startProcess(data, variables);
    const status = (await run(['status', '--json'], { env: { SALLYPORT_DATA: data } })).json();
    const { fingerprint, origin } = status['rootKey'] as { fingerprint: string; origin: string };
    expect(origin).toBe('passphrase');
    first.kill('SIGTERM');
    await first.exited;
    expect(readdirSync(data)).not.toContain('root.key');
    expect(leaksIn(data, 'passphrase of many')).toEqual([]);

    const again = await startProcess(data, variables);
    again.kill('SIGTERM');
    await again.exited;

    writeFileSync(passphraseFile, 'a passphrase of many woods\n');
    const wrong = await sallyport(['up', '--data', data], '', { ...variables, HOME: data });
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain(fingerprint);

    const nobody = await sallyport(['up', '--data', data], '', { HOME: data });
    expect(nobody.exitCode).toBe(2);
    expect(nobody.stderr).toContain('SALLYPORT_PASSPHRASE_FILE');
  } finally {
    rmSync(passphraseFile, { force: true });
  }
});
