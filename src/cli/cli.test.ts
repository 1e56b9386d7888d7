import { describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newToken } from '../access/token-format.ts';
import { COMMANDS } from './commands.ts';
import { run } from './test-io.ts';

describe('help', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']]])(
    '%p lists every command and the first steps',
    async (argv) => {
      const { code, out } = await run(argv);
      expect(code).toBe(0);
      for (const { name } of COMMANDS) expect(out).toContain(`  ${name}`);
      expect(out).toContain('sallyport up');
    },
  );

  test('a noun alone shows its commands with examples', async () => {
    for (const argv of [['key'], ['key', '--help'], ['help', 'key'], ['keys']]) {
      const { code, out } = await run(argv);
      expect([argv, code]).toEqual([argv, 0]);
      expect(out).toContain('key add');
      expect(out).toContain('sallyport key list');
      expect(out).not.toContain('team add');
    }
  });

  test('nothing is coloured', async () => {
    expect((await run(['help'])).out).not.toContain('\u001b');
  });
});

describe('mistakes', () => {
  test.each([
    [['keyz'], 'did you mean "key"?'],
    [['key', 'lst'], 'did you mean "list"?'],
    [['statsu'], 'did you mean "status"?'],
    [['help', 'nonsense'], 'see: sallyport help'],
    [['budget', 'destroy'], 'see: sallyport help budget'],
  ])('%p is answered with what was probably meant', async (argv, hint) => {
    const { code, err, out } = await run(argv);
    expect([code, out]).toEqual([2, '']);
    expect(err).toStartWith('sallyport: error: unknown command');
    expect(err).toEndWith(`sallyport: hint: ${hint}\n`);
  });

  test('a key on the command line is not repeated, and has to be rotated', async () => {
    const key = ['g', 'sk_', 'Fixture0123456789', 'Fixture0123456789'].join('');
    for (const argv of [
      ['key', 'add', 'groq', key],
      ['key', 'add', key],
      ['key', 'add', '--name', key],
    ]) {
      const { code, err } = await run(argv, { stdin: 'unused' });
      expect(code).toBe(2);
      expect(err).toContain('rotate it');
      expect(err).not.toContain(key.slice(0, 10));
    }
    for (const argv of [[key], ['key', key], ['team', 'show', 'a', key]]) {
      const { code, err } = await run(argv);
      expect(code).toBe(2);
      expect(err).not.toContain(key.slice(0, 10));
    }
  });

  test('a whole token in place of its id is not repeated', async () => {
    const { text, id } = newToken('service');
    const { code, err } = await run(['token', 'revoke', text]);
    expect(code).toBe(2);
    expect(err).toContain(id);
    expect(err).not.toContain(text.slice(21));
  });

  test.each([
    [['budget', 'set', '--team', 'a', '--limit-usd', '1', '--period', 'year']],
    [['budget', 'set', '--team', 'a']],
    [['budget', 'adjust', '--team', 'a', '--delta-usd', '1']],
    [['token', 'issue', '--team', 'a', '--expires', 'soon']],
    [['token', 'issue', '--budget-period', 'day']],
    [['audit', 'query', '--since', 'yesterday']],
    [['usage', '--by', 'nation']],
    [['usage', '--csv', '--json']],
    [['explain', '--token', 'x']],
    [['fake', '--port', '99999']],
  ])('%p is exit code 2, before any server is asked', async (argv) => {
    const { code, err, out } = await run(argv, { env: { SALLYPORT_DATA: '/nonexistent/data' } });
    expect([code, out]).toEqual([2, '']);
    expect(err).toStartWith('sallyport: error: ');
    expect(err).not.toContain('not running');
  });
});

describe('without a server', () => {
  test('every command that needs one says so with exit code 3', async () => {
    const asking = [['status'], ['team', 'list'], ['token', 'list'], ['audit', 'tail'], ['usage']];
    for (const argv of asking) {
      const { code, err, out } = await run([...argv, '--data', '/nonexistent/data']);
      expect([argv, code, out]).toEqual([argv, 3, '']);
      expect(err).toBe(
        'sallyport: error: sallyport is not running for data folder /nonexistent/data\n' +
          'sallyport: hint: start it with: ./sallyport up --data /nonexistent/data\n',
      );
    }
  });

  test('the data folder is --data, else SALLYPORT_DATA, else that of the home folder', async () => {
    const env = { SALLYPORT_DATA: '/nonexistent/variable', HOME: '/nonexistent/home' };
    expect((await run(['status', '--data', '/nonexistent/flag'], { env })).err).toContain(
      '/nonexistent/flag',
    );
    expect((await run(['status'], { env })).err).toContain('/nonexistent/variable');
    expect((await run(['status'], { env: { HOME: '/nonexistent/home' } })).err).toContain(
      '/nonexistent/home/.sallyport',
    );
  });

  test('version needs none', async () => {
    expect((await run(['version'])).out).toMatch(/^sallyport \d+\.\d+\.\d+\n$/);
    expect((await run(['--version'])).code).toBe(0);
    expect((await run(['version', '--json'])).json()).toHaveProperty('version');
  });
});

describe('--url', () => {
  const url = 'http://127.0.0.1:9';
  const env = { SALLYPORT_ADMIN_TOKEN: newToken('admin').text };

  test('goes beyond this machine by https only, and nowhere but to an origin', async () => {
    for (const bad of [
      'http://example.com',
      'ftp://127.0.0.1',
      'https://a@b.example',
      'https://x.example/path',
      'x',
    ]) {
      expect([bad, (await run(['status', '--url', bad], { env })).code]).toEqual([bad, 2]);
    }
    expect((await run(['status', '--url', url], { env })).code).toBe(3);
  });

  test('takes an admin token from the environment or a file of one’s own, and nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
    const file = join(folder, 'token');
    writeFileSync(file, `${newToken('admin').text}\n`);
    chmodSync(file, 0o600);
    const withFile = ['status', '--url', url, '--admin-token-file', file];
    expect((await run(withFile)).code).toBe(3);
    chmodSync(file, 0o640);
    const exposed = await run(withFile);
    expect([exposed.code, exposed.err.includes('chmod 600')]).toEqual([2, true]);
    mkdirSync(join(folder, 'dir'));
    expect((await run(['status', '--url', url, '--admin-token-file', join(folder, 'dir')])).code).toBe(2);
    rmSync(folder, { recursive: true });
    expect((await run(['status', '--url', url])).code).toBe(2);
    const service = { SALLYPORT_ADMIN_TOKEN: newToken('service').text };
    expect((await run(['status', '--url', url], { env: service })).code).toBe(2);
  });

  test('does not go together with what is for the local socket', async () => {
    expect((await run(['status', '--url', url, '--data', '/x'], { env })).code).toBe(2);
    expect((await run(['status', '--admin-token-file', '/x'])).code).toBe(2);
  });
});
