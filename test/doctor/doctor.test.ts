/** The doctor on real folders, real repositories and a real gateway: what it finds, what it does not print, and how it ends. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newToken } from '../../src/access/token-format.ts';
import { run, type Ran } from '../../src/cli/test-io.ts';
import { fixtureKey, LOCAL, openGate } from '../support/harness.ts';
import { addKey, issueToken } from '../support/setup.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';
import { startCapture } from '../support/capture.ts';

const gate = await openGate();
afterAll(() => gate[Symbol.asyncDispose]());

let lab: GitLab;
beforeEach(() => {
  lab = openGitLab();
});
afterEach(() => lab[Symbol.dispose]());

interface Report {
  readonly exitCode: number;
  readonly checks: {
    id: string;
    verdict: string;
    findings: { what: string; fix: string }[];
    unchecked: object[];
  }[];
}

function doctor(words: string, env: Record<string, string> = {}, wallMs?: number): Promise<Ran> {
  const options = { cwd: lab.root, env: { ...lab.env, SALLYPORT_DATA: gate.data, ...env } };
  return run(['doctor', ...words.split(' ').filter(Boolean)], {
    ...options,
    ...(wallMs === undefined ? {} : { wallMs }),
  });
}

async function verdicts(
  words: string,
  env: Record<string, string> = {},
  wallMs?: number,
): Promise<Record<string, string>> {
  const { code, out } = await doctor(`${words} --json`, env, wallMs);
  const report = JSON.parse(out) as Report;
  expect(report.exitCode).toBe(code);
  for (const { id, verdict, findings, unchecked } of report.checks) {
    const expected = findings.length > 0 ? 'finding' : unchecked.length > 0 ? 'unchecked' : 'ok';
    expect([id, verdict]).toEqual([id, expected]);
  }
  const found = report.checks.some(({ verdict }) => verdict === 'finding');
  const missed = report.checks.some(({ verdict }) => verdict === 'unchecked');
  expect(code).toBe(found ? 1 : missed ? 3 : 0);
  return Object.fromEntries(report.checks.map(({ id, verdict }) => [id, verdict]));
}

describe('keys in the environment', () => {
  const ENV = '--only keys-in-env';

  test('a provider’s key is found by its shape and by the name of its variable, and is not printed', async () => {
    const key = fixtureKey();
    const odd = 'Ab1'.repeat(9);
    const { code, out, err } = await doctor(ENV, { SOMETHING: key, MISTRAL_API_KEY: odd });
    expect(code).toBe(1);
    expect(out).toMatch(/variable SOMETHING[^]*variable MISTRAL_API_KEY/);
    for (const value of [key, odd]) expect(out + err).not.toContain(value.slice(4, 20));
  });

  test('an access token, an empty value and a placeholder are no keys', async () => {
    const env = { GROQ_API_KEY: newToken('service').text, OPENAI_API_KEY: '', XAI_API_KEY: 'todo' };
    expect(await verdicts(ENV, env)).toEqual({ 'keys-in-env': 'ok' });
    expect(await verdicts(ENV, { SALLYPORT_ROOT_KEY: 'x' })).toEqual({ 'keys-in-env': 'finding' });
  });

  test('.env files are read, but for the example; one that cannot be read is said', async () => {
    lab.write('.env.local', `# a comment\nexport GROQ_API_KEY="${fixtureKey()}" # mine\nOTHER=1\n`);
    lab.write('.env.example', `GROQ_API_KEY=${fixtureKey()}\n`);
    lab.write('.env.empty', '');
    const { code, out } = await doctor(ENV);
    expect([code, out.includes('.env.local holds a provider')]).toEqual([1, true]);
    expect(out).not.toContain('.env.example');
    lab.write('.env.local', `GROQ_API_KEY=${newToken('service').text}\n`);
    expect(await verdicts(ENV)).toEqual({ 'keys-in-env': 'ok' });
    mkdirSync(join(lab.root, 'folder'));
    symlinkSync('nowhere', join(lab.root, '.env.gone'));
    expect(await verdicts(ENV)).toEqual({ 'keys-in-env': 'unchecked' });
  });
});

describe('a repository', () => {
  test('without ignored files, hook or clean files is found to be so; mended, it is well', async () => {
    lab.write('src/llm.ts', `const key = '${fixtureKey()}';\n`);
    lab.git('add', '.');
    const only = '--only keys-in-code --only ignore-patterns --only hook';
    expect(await verdicts(only)).toEqual({
      'keys-in-code': 'finding',
      'ignore-patterns': 'finding',
      hook: 'finding',
    });
    const text = await doctor(only);
    expect(text.out).toMatch(/src\/llm\.ts:1 holds a Groq API key[^]*fix: [^]*why: /);
    lab.write('src/llm.ts', 'const key = process.env.SALLYPORT_TOKEN;\n');
    await lab.cli('gitignore', 'fix');
    await lab.cli('hook', 'install');
    expect(await verdicts(only)).toEqual({ 'keys-in-code': 'ok', 'ignore-patterns': 'ok', hook: 'ok' });
  });

  test('is looked at as it stands: new files too, ignored, deleted and linked ones not', async () => {
    const only = '--only keys-in-code';
    lab.write('.gitignore', 'ignored\n');
    lab.write('ignored', fixtureKey());
    lab.write('deleted', fixtureKey());
    lab.git('add', 'deleted');
    lab.git('commit', '-q', '-m', 'x');
    rmSync(join(lab.root, 'deleted'));
    symlinkSync('ignored', join(lab.root, 'link'));
    // Of no sure shape, as in documentation.
    lab.write('README.md', `GROQ_API_KEY=${['gs', 'k_'].join('')}${'x'.repeat(52)}\n`);
    expect(await verdicts(only)).toEqual({ 'keys-in-code': 'ok' });
    lab.write('new file', `x\n\n${fixtureKey()}\n`);
    expect((await doctor(only)).out).toContain('new file:3 holds');
    // What somebody allowed, for a reason, is none.
    lab.write('new file', `x\n\n${fixtureKey()} # ${['sallyport', 'allow'].join(':')} revoked\n`);
    expect(await verdicts(only)).toEqual({ 'keys-in-code': 'ok' });
  });

  test('with a repository inside it is not looked at as a whole, and that is said', async () => {
    mkdirSync(join(lab.root, 'inner'));
    lab.tryGit(['init', '-q'], { cwd: join(lab.root, 'inner') });
    lab.tryGit(['commit', '-q', '--allow-empty', '-m', 'x'], { cwd: join(lab.root, 'inner') });
    lab.git('add', 'inner');
    expect(await verdicts('--only keys-in-code')).toEqual({ 'keys-in-code': 'unchecked' });
  });

  test('that is none, or whose git does not start, is never well', async () => {
    const only = ['--only', 'keys-in-code', '--only', 'ignore-patterns', '--only', 'hook', '--json'];
    const outside = await run(['doctor', ...only], { cwd: lab.home, env: lab.env });
    const without = await run(['doctor', ...only], {
      cwd: lab.root,
      env: { ...lab.env, PATH: '/nonexistent' },
    });
    for (const { code, out } of [outside, without]) {
      const { checks } = JSON.parse(out) as Report;
      expect([code, checks.map(({ verdict }) => verdict)]).toEqual([
        3,
        ['unchecked', 'unchecked', 'unchecked'],
      ]);
    }
  });
});

describe('the gateway', () => {
  test('is found wanting, and then well', async () => {
    await addKey(gate, { name: 'staging', provider: 'groq', origin: gate.fake.url, environment: 'staging' });
    await issueToken(gate, { environment: 'staging' });
    const now = Date.now();
    const today = new Date(now).toISOString().slice(0, 10);
    const gatewayChecks = '--only gateway --skip recovery-kit';
    expect(await verdicts(gatewayChecks)).toEqual({
      'separate-keys': 'ok',
      'separate-organizations': 'unchecked',
      'exposed-keys': 'ok',
      'key-age': 'ok',
      'spend-limit': 'finding',
      budgets: 'finding',
      'guard-preset': 'finding',
      alerts: 'finding',
    });

    const cli = (words: string, stdin = ''): Promise<Ran> =>
      run(words.split(' '), { stdin, env: { SALLYPORT_DATA: gate.data } });
    const mend = async (words: string, stdin = ''): Promise<void> => {
      const { code, err } = await cli(words, stdin);
      expect([words, code, err]).toEqual([words, 0, expect.any(String)]);
    };
    await mend('key describe groq --provider-organization org_1 --provider-project p1');
    await mend('key describe staging --provider-organization org_1');
    expect(await verdicts('--only separate-organizations')).toEqual({ 'separate-organizations': 'finding' });
    await mend('key describe staging --provider-organization org_2');
    const shown = (await cli('key show groq --json')).json();
    expect(shown).toMatchObject({ providerOrganization: 'org_1', providerProject: 'p1', activeVersion: 1 });
    await mend(`key attest-spend-limit groq --usd 500 --on ${today}`);
    await mend(`key attest-spend-limit staging --usd 20 --on ${today}`);
    await mend('budget set --team acme --period month --limit-usd 20');
    for (const { id } of gate.app.tokens.list()) await gate.app.tokens.revoke('local', id, 'test');
    await mend('token issue --team acme --env dev --preset dev');
    await using hook = startCapture(() => new Response(null, { status: 204 }));
    await mend('alert add ops --type webhook --allow-private', hook.url);
    expect(await verdicts('--only alerts')).toEqual({ alerts: 'unchecked' });
    expect(await verdicts(`${gatewayChecks} --test-alerts`, {}, now)).toEqual({
      'separate-keys': 'ok',
      'separate-organizations': 'ok',
      'exposed-keys': 'ok',
      'key-age': 'ok',
      'spend-limit': 'ok',
      budgets: 'ok',
      'guard-preset': 'ok',
      alerts: 'ok',
    });
    expect(hook.requests).toHaveLength(1);
    // Seen too long ago, by the clock of who asks.
    expect(await verdicts('--only spend-limit', {}, now + 100 * 86_400_000)).toEqual({
      'spend-limit': 'finding',
    });

    const age = await cli('key age');
    expect([age.code, age.out]).toEqual([0, expect.stringMatching(/^KEY .*\ngroq .*young\nstaging .*180 d/)]);
    await gate.restart();
    expect((await cli('key age --json')).jsonList()).toMatchObject([
      { name: 'groq', spendLimit: { attestedOn: today, attestedBy: 'local' } },
      { name: 'staging', spendLimit: { limitPicoUsd: '20000000000000' } },
    ]);
  });

  test('is asked with an admin token too; a check whose scope is missing is not well', async () => {
    const ask = async (scopes: readonly string[]): Promise<Report['checks']> => {
      const { text } = await gate.app.tokens.issue(LOCAL, {
        type: 'admin',
        team: null,
        environment: 'dev',
        scopes: [...scopes],
        lifetimeMs: 60_000,
      });
      const words = ['doctor', '--only', 'gateway', '--url', gate.app.adminUrl, '--json'];
      const { out } = await run(words, { cwd: lab.root, env: { SALLYPORT_ADMIN_TOKEN: text } });
      return (JSON.parse(out) as Report).checks;
    };
    const forbidden = async (scopes: readonly string[]): Promise<string[]> =>
      (await ask(scopes))
        .filter(({ unchecked }) => /scope/.test(JSON.stringify(unchecked)))
        .map(({ id }) => id);
    const all = ['status', 'keys', 'tokens', 'budgets', 'alerts', 'audit'].map((noun) => `${noun}:read`);
    expect(await forbidden(all)).toEqual([]);
    expect(await forbidden(['status:read', 'keys:read'])).toEqual(['budgets', 'guard-preset', 'alerts']);
  });

  test.each([
    ['key attest-spend-limit groq --usd 5', '--on are needed'],
    ['key attest-spend-limit groq --usd 5 --on yesterday', 'is no date'],
    ['key attest-spend-limit groq --usd 5 --on 2026-13-01', 'is no date'],
    ['key attest-spend-limit groq --usd 5 --on 2999-01-01', 'has not come'],
    ['key attest-spend-limit nobody --usd 5 --on 2026-11-01', 'no provider key'],
    ['key describe groq', 'nothing says'],
    ['doctor --only hok', 'no such check'],
  ])('%s is refused', async (words, message) => {
    const { code, out, err } = await run(words.split(' '), { env: { SALLYPORT_DATA: gate.data } });
    expect([code, out]).toEqual([2, '']);
    expect(err.toLowerCase()).toContain(message);
  });
});

test('the local checks need no gateway: its journal is verified from the files', async () => {
  const data = join(lab.home, 'data');
  const audit = async (): Promise<[number, string]> => {
    const { code, out } = await run(['doctor', '--only', 'audit', '--data', data], {
      cwd: lab.root,
      env: lab.env,
    });
    return [code, out];
  };
  expect((await audit())[0]).toBe(3);
  await using other = await openGate({ data });
  await other.app.stop('test');
  expect((await audit())[0]).toBe(0);
  const [stream = ''] = readdirSync(join(data, 'journal'));
  const [segment = ''] = readdirSync(join(data, 'journal', stream));
  const file = join(data, 'journal', stream, segment);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('journal.open', 'journal.opem'));
  const [code, out] = await audit();
  expect([code, out.includes('broken')]).toEqual([1, true]);
  writeFileSync(file, text);
  const elsewhere = await run(['doctor', '--only', 'audit', '--url', 'http://127.0.0.1:1'], {
    cwd: lab.root,
    env: lab.env,
  });
  expect([elsewhere.code, elsewhere.out.includes('on another machine')]).toEqual([3, true]);
});

test('a gateway that is down is one reason, said once', async () => {
  const { code, out } = await run(['doctor', '--only', 'gateway', '--data', '/nonexistent/x'], {
    cwd: lab.root,
    env: lab.env,
  });
  expect(code).toBe(3);
  expect(out.match(/is not running/g)).toHaveLength(1);
  expect(out.match(/^UNCHECKED/gm)).toHaveLength(9);
});
