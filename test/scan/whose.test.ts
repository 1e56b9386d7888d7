/** Whose a leaked value is: the real CLI in a process of its own, and a real gate. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Secret } from '../../src/core/secret.ts';
import { withChecksum } from '../../src/detect/checksum.ts';
import { run } from '../../src/cli/test-io.ts';
import { startReceiver } from '../support/alert-receiver.ts';
import { sallyport } from '../support/cli.ts';
import { fixtureKey, LOCAL, type OpenGate, openGate } from '../support/harness.ts';

let gate: OpenGate;
beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate[Symbol.asyncDispose]());

interface Line extends Record<string, unknown> {
  readonly event: string;
  readonly owner?: Record<string, unknown>;
  readonly notes?: readonly string[];
}

async function scanOf(
  text: string,
  ...options: string[]
): Promise<{ code: number; lines: Line[]; all: string }> {
  const { stdout, stderr, exitCode } = await sallyport(
    ['scan', '--stdin', '--json', '--data', gate.data, ...options],
    text,
  );
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  return { code: exitCode, lines, all: stdout + stderr };
}

const finding = (lines: readonly Line[]): Line => lines.find(({ event }) => event === 'finding')!;
const summary = (lines: readonly Line[]): Line => lines.find(({ event }) => event === 'summary')!;

test('a key in use, one that was replaced and a stranger are told apart, and nothing of a value is said', async () => {
  expect((await gate.chat()).status).toBe(200);
  await gate.app.vault.addKey(
    'local',
    { name: 'groq', provider: 'groq', origin: gate.fake.url, allowPrivateOrigin: true, replace: true },
    Secret.fromText(fixtureKey()),
  );
  const stranger = fixtureKey();
  const { code, lines, all } = await scanOf(`old = ${gate.key}\nother = ${stranger}\n`, '--whose');
  expect(code).toBe(1);
  const [first, second] = lines;
  expect(first).toMatchObject({
    event: 'finding',
    line: 1,
    owner: {
      kind: 'key',
      name: 'groq',
      version: 1,
      state: 'retired',
      exposed: null,
      marked: false,
      lastUse: { token: gate.tokenId, team: 'acme' },
    },
  });
  expect(second).toMatchObject({ event: 'finding', line: 2 });
  expect(second).toHaveProperty('owner', null);
  for (const value of [gate.key, stranger]) expect(all).not.toContain(value.slice(4, 30));
  expect(gate.events('leak.lookup')).toMatchObject([
    { principal: 'local', asked: 2, keys: ['groq@1'], tokens: [] },
  ]);
  expect(JSON.stringify(gate.events(/./))).not.toContain(stranger.slice(4, 30));
  const { err } = await run(['scan', '--stdin', '--whose', '--data', gate.data], {
    stdin: `old = ${gate.key}\n`,
    cwd: gate.data,
  });
  expect(err).toMatch(
    /this is groq, version 1, replaced .*: it is dead here; was it revoked at the provider\?/,
  );
  expect(err).toMatch(/It was last used .* by team acme/);
});

describe('--respond', () => {
  test('marks a key once; calls go on, and an operator takes it back', async () => {
    const key = fixtureKey();
    const add = (value: string) =>
      gate.app.vault.addKey(
        'local',
        { name: 'second', provider: 'groq', origin: gate.fake.url, allowPrivateOrigin: true },
        Secret.fromText(value),
      );
    await add(key);
    const text = `GROQ_API_KEY=${key}\n`;
    const first = await scanOf(text, '--respond');
    expect(finding(first.lines).owner).toMatchObject({ name: 'second', state: 'active', marked: true });
    const again = await scanOf(text, '--respond');
    expect(again.code).toBe(1);
    expect(finding(again.lines).owner).toMatchObject({ marked: false, exposed: { by: 'local' } });
    expect(gate.events('control.key.expose')).toHaveLength(1);
    expect((await gate.chat()).status).toBe(200);
    const { err } = await run(['scan', '--stdin', '--respond', '--data', gate.data], {
      stdin: text,
      cwd: gate.data,
    });
    expect(err).toContain('sallyport key add second --replace');
    expect(err).toContain('sallyport key disable second');
    const show = async (): Promise<string> => (await run(['key', 'show', 'second', '--data', gate.data])).out;
    expect(await show()).toContain('(standard input):1:14');
    const cleared = await run(['key', 'clear-exposed', 'second', '--reason', 'a drill', '--data', gate.data]);
    expect(cleared.code).toBe(0);
    expect(await show()).toContain('taken back');
    expect((await run(['key', 'list', '--data', gate.data])).out).not.toMatch(/second .*20\d\d-/);
  });

  test('revokes a token that was shown, at once, and not one that was made up around its id', async () => {
    const { text, token } = await gate.app.tokens.issue(LOCAL, {
      team: 'acme',
      environment: 'dev',
      scopes: ['call:groq/*'],
      lifetimeMs: 60_000_000,
    });
    const call = (): Promise<Response> =>
      fetch(`${gate.url}/openai/v1/models`, { headers: { authorization: `Bearer ${text}` } });
    expect((await call()).status).toBe(200);
    const madeUp = withChecksum(`${text.slice(0, 21)}${'Ab3dEf6h'.repeat(4)}`);
    const { lines: none } = await scanOf(`token: ${madeUp}\n`, '--respond');
    expect(finding(none).owner).toMatchObject({ proof: 'wrong', details: null, revoked: false });
    expect((await call()).status).toBe(200);
    const { lines } = await scanOf(`token: ${text}\n`, '--respond');
    expect(finding(lines).owner).toMatchObject({
      kind: 'token',
      id: token.id,
      proof: 'right',
      revoked: true,
      details: { state: 'revoked', team: 'acme' },
    });
    expect((await call()).status).toBe(401);
    expect(gate.events('control.token.expose')).toHaveLength(1);
    const again = await scanOf(`token: ${text}\n`, '--respond');
    expect(finding(again.lines).owner).toMatchObject({ revoked: false, details: { state: 'revoked' } });
  });
});

test('a credential for it alone is enough, and reads nothing else', async () => {
  const issue = await run([
    'token',
    'issue',
    '--type',
    'admin',
    '--scope',
    'leaks:read',
    '--scope',
    'leaks:write',
    '--data',
    gate.data,
  ]);
  const env = { SALLYPORT_ADMIN_TOKEN: issue.out.trim() };
  const there = ['--url', gate.app.adminUrl];
  const { out, code } = await run(['scan', '--stdin', '--json', '--whose', ...there], {
    env,
    stdin: `old = ${gate.key}\n`,
    cwd: gate.data,
  });
  expect([code, out]).toEqual([1, expect.stringContaining('"name":"groq"') as string]);
  const refused = await run(['key', 'list', ...there], { env });
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('keys:read') as string]);
});

test('a gateway that does not run changes no verdict, and it is said; with nothing found it is not asked', async () => {
  const text = `old = ${gate.key}\n`;
  const nowhere = ['scan', '--stdin', '--json', '--whose', '--data', '/nonexistent/data'];
  const found = await run(nowhere, { stdin: text, cwd: gate.data });
  expect(found.code).toBe(1);
  const lines = found.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  expect(finding(lines)).not.toHaveProperty('owner');
  expect(summary(lines).notes).toEqual([expect.stringContaining('is not running') as string]);
  const clean = await run(nowhere, { stdin: 'nothing\n', cwd: gate.data });
  expect([clean.code, clean.out]).toEqual([0, expect.not.stringContaining('notes') as string]);
});

test('people are told, at the highest severity, with the place and without the value; a restart forgets nothing', async () => {
  await using own = await openGate();
  await using receiver = startReceiver();
  const at = ['--data', own.data];
  const added = await run(['alert', 'add', 'ops', '--type', 'webhook', '--allow-private', '--json', ...at], {
    stdin: `${receiver.url}\n`,
  });
  receiver.secrets.push(String(added.json()['secret']));
  const text = `key = ${own.key}\ntoken = ${own.token}\n`;
  const first = await sallyport(['scan', '--stdin', '--respond', ...at], text);
  expect(first.exitCode).toBe(1);
  await receiver.until((alerts) => alerts.length === 2);
  const told = Object.fromEntries(receiver.alerts.map((alert) => [alert.type, alert]));
  expect(told['key.exposed']).toMatchObject({
    severity: 'critical',
    summary: expect.stringContaining('groq@1 was found outside, at (standard input):1:7.') as string,
  });
  expect(told['token.exposed']).toMatchObject({ severity: 'critical', data: { token: own.tokenId } });
  await own.restart();
  const second = await sallyport(['scan', '--stdin', '--respond', ...at], text);
  expect(second.stderr).toContain('groq@1 is marked as exposed since');
  expect(own.events(/^control\.(key|token)\.expose$/)).toHaveLength(2);
  const doctor = await run(['doctor', '--only', 'exposed-keys', ...at], { cwd: own.data });
  expect([doctor.code, doctor.out]).toEqual([
    1,
    expect.stringContaining('sallyport key add groq --replace') as string,
  ]);
  const said = JSON.stringify([first, second, receiver.alerts, own.events(/./)]);
  for (const value of [own.key.slice(4, 40), own.token.slice(21)]) expect(said).not.toContain(value);
});
