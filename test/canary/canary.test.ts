/**
 * A planted provider key and a planted token go through everything that could write them down: logs at debug level, errors, an uncaught
 * exception, a provider that echoes the key, the journal, the database, the log of calls, metrics, traces, and the JSON output of every
 * command. They are found nowhere; nor is the credential of the receiver of traces.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { randomBase62 } from '../../src/core/ids.ts';
import { type FakeUpstream, startFake } from '../../src/fake/fake.ts';
import { fixtureKey, MODEL, startProcess, tempFolder } from '../support/harness.ts';
import { findLeaks, type Haystack } from '../support/leak-search.ts';
import { type Receiver, startReceiver } from '../support/otlp-receiver.ts';
import { mistyped } from '../support/setup.ts';
import { sallyport } from '../support/cli.ts';

const data = tempFolder();
const key = fixtureKey();
/** Of the receiver of traces; of no shape that a redactor could know. */
const otlp = ['receiver', randomBase62(40)].join('');
const haystacks: Haystack[] = [];
let fake: FakeUpstream;
let receiver: Receiver;
let token = '';
/** What of a Slack URL lets anybody post. */
const slackPath = ['T0', 'B0', fixtureKey().slice(4, 40)].join('/');
let hookSecret = '';

const secrets = (): Record<string, string> => ({
  key,
  token: token.slice(token.lastIndexOf('_')),
  slack: slackPath.slice(6),
  hook: hookSecret,
  otlp,
});

function keep(name: string, text: string): void {
  haystacks.push({ name, bytes: Buffer.from(text) });
}

async function keepReply(name: string, reply: Response): Promise<void> {
  keep(`${name}: headers`, JSON.stringify([...reply.headers]));
  try {
    keep(`${name}: body`, await reply.text());
  } catch (error) {
    keep(`${name}: broken body`, String(error));
  }
}

/** Runs a command and keeps all that it prints. */
async function run(args: readonly string[], stdin = ''): Promise<string> {
  const { stdout, stderr } = await sallyport([...args, '--data', data], stdin);
  keep(`stdout of ${args.slice(0, 2).join(' ')}`, stdout);
  keep(`stderr of ${args.slice(0, 2).join(' ')}`, stderr);
  return stdout;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

beforeAll(async () => {
  fake = startFake();
  receiver = startReceiver();
  const gate = await startProcess(data, {
    SALLYPORT_LOG_LEVEL: 'debug',
    SALLYPORT_FIRST_BYTE_SECONDS: '1',
    SALLYPORT_CALL_LOG: 'stderr',
    SALLYPORT_OTLP_ENDPOINT: receiver.url,
    SALLYPORT_OTLP_HEADERS: `authorization=Bearer ${otlp}`,
  });
  keep('the ready line', JSON.stringify({ ...gate.ready, token: undefined }));
  await run(['team', 'add', 'acme', '--json']);
  await run(
    ['key', 'add', 'groq', '--provider', 'groq', '--origin', fake.url, '--allow-private-origin', '--json'],
    key,
  );
  await run(
    ['key', 'add', 'groq', '--provider', 'groq', '--origin', fake.url, '--allow-private-origin', '--json'],
    key,
  );
  // The one output that shows a token is the one that issues it: it is not searched.
  const issue = [
    'token',
    'issue',
    '--team',
    'acme',
    '--env',
    'dev',
    '--scope',
    'call:groq/*',
    '--expires',
    '1h',
    '--json',
  ];
  token = (JSON.parse((await sallyport([...issue, '--data', data])).stdout) as { token: string }).token;
  await everyKindOfCall(gate.gateway);
  await everyKindOfDestination(String(gate.ready['admin']));
  for (const command of [
    ['key', 'list'],
    ['key', 'show', 'groq'],
    ['key', 'verify', 'groq'],
    ['token', 'list'],
    ['team', 'list'],
    ['budget', 'list'],
    ['audit', 'tail'],
    ['audit', 'query'],
    ['audit', 'verify'],
    ['usage', '--by', 'token'],
    ['status'],
    ['alert', 'list'],
    ['alert', 'show', 'chat'],
    ['alert', 'show', 'hook'],
    ['alert', 'test', 'chat'],
    ['alert', 'test', 'hook'],
    ['alert', 'outbox'],
    ['alert', 'remove', 'chat'],
    ['metrics'],
  ]) {
    await run([...command, '--json']);
  }
  gate.kill('SIGTERM');
  await gate.exited;
  keep('the log at debug level', gate.stderr());
  for (const [index, body] of receiver.bodies.entries()) keep(`OTLP request ${index}`, body);
});

afterAll(async () => {
  await fake.stop();
  await receiver[Symbol.asyncDispose]();
  rmSync(data, { recursive: true, force: true });
});

async function everyKindOfCall(gateway: string): Promise<void> {
  const call = async (name: string, body: string, headers: Record<string, string> = {}): Promise<void> => {
    try {
      const reply = await fetch(`${gateway}/openai/v1/chat/completions`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      });
      await keepReply(name, reply);
    } catch (error) {
      // A stream that broke may take its head with it.
      keep(`${name}: no answer`, String(error));
    }
  };
  const messages = [{ role: 'user', content: 'hi' }];
  const chat = (extra: object = {}): string =>
    JSON.stringify({ model: MODEL, messages, max_completion_tokens: 10, ...extra });
  await call('plain', chat());
  await call('stream', chat({ stream: true }));
  for (const error of [
    '401',
    '403_model_org',
    '403_html',
    '404_model',
    '400_json_validate',
    '413',
    '429_minute',
    '498',
    '500',
    '503',
    '200_html',
    'redirect',
  ]) {
    fake.setKnobs({ error, errorEchoesKey: true } as never);
    await call(`provider error ${error}`, chat());
    await call(`provider error ${error}, streamed`, chat({ stream: true }));
    await run(['key', 'verify', 'groq', '--json']);
  }
  fake.reset();
  fake.setKnobs({ resetAfterChunks: 2 });
  await call('reset in mid-stream', chat({ stream: true }));
  fake.reset();
  fake.setKnobs({ ttftMs: 4000 });
  await call('timeout', chat());
  fake.reset();
  await call('not JSON', 'x'.repeat(100));
  // Our own token where it does not belong.
  await call('the token as model', chat({ model: token }));
  await call('the token as user', chat({ user: 'someone' }), { 'x-request-id': 'abc' });
  await call('the token as a trace', chat(), { traceparent: token, tracestate: `sallyport=${token}` });
  await call('a broken token', chat(), { authorization: `Bearer ${mistyped(token)}` });
  await call('the token twice', chat(), { authorization: `Bearer ${token}, Bearer ${token}` });
  await keepReply('the token in a path', await fetch(`${gateway}/p/${token}/v1/models`));
  await keepReply(
    'models',
    await fetch(`${gateway}/openai/v1/models`, { headers: { authorization: `Bearer ${token}` } }),
  );
  await keepReply(
    'health',
    await fetch(`${gateway}/health`, { headers: { authorization: `Bearer ${token}` } }),
  );
}

/** Destinations that nothing answers at, and an entry of an application that has the key in it. */
async function everyKindOfDestination(admin: string): Promise<void> {
  // Nobody listens there any more.
  const closed = startFake();
  await closed.stop();
  const url = `${closed.url}/services/${slackPath}`;
  await run(['alert', 'add', 'chat', '--type', 'slack', '--allow-private', '--json'], url);
  await run(['alert', 'add', 'chat', '--type', 'slack', '--allow-private', '--json'], url);
  await run(['alert', 'add', 'other', '--type', 'slack', '--json'], url);
  const add = ['alert', 'add', 'hook', '--type', 'webhook', '--allow-private', '--json', '--data', data];
  // Likewise the one output that shows a signing secret.
  const added = await sallyport(add, url);
  hookSecret = (JSON.parse(added.stdout) as { secret: string }).secret.slice('whsec_'.length);
  const issue = ['token', 'issue', '--type', 'admin', '--scope', 'audit:write', '--expires', '1h', '--json'];
  const issued = JSON.parse((await sallyport([...issue, '--data', data])).stdout) as { token: string };
  const headers = { authorization: `Bearer ${issued.token}`, 'content-type': 'application/json' };
  for (const body of [
    {
      event: 'leak',
      userId: key,
      resource: `a ${key}`,
      metadata: { note: `Bearer ${key}`, [`x.${key}`]: token },
    },
    { event: key },
    { event: 'leak', team: key },
  ]) {
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    await keepReply('an entry of an application', await fetch(`${admin}/admin/v1/audit`, init));
  }
}

test('the search finds a planted secret in every disguise it looks for', () => {
  const bytes = Buffer.from(key);
  const planted = [
    key,
    key.slice(7, 23),
    bytes.toString('hex'),
    bytes.toString('base64'),
    Buffer.from(`x${key}`).toString('base64'),
    Buffer.from(`xy${key}`).toString('base64'),
  ];
  for (const text of planted) {
    expect(
      findLeaks([{ name: 'planted', bytes: Buffer.from(`before ${text} after`) }], { key }).length,
    ).toBeGreaterThan(0);
  }
  expect(findLeaks([{ name: 'clean', bytes: Buffer.from('nothing here') }], { key })).toEqual([]);
});

test('neither key nor token is in any reply, log, or command output', () => {
  expect(haystacks.length).toBeGreaterThan(80);
  expect(haystacks.find(({ name }) => name === 'the log at debug level')!.bytes.length).toBeGreaterThan(500);
  expect(findLeaks(haystacks, secrets())).toEqual([]);
});

test('metrics, traces and the log of calls were there to be searched', () => {
  const text = (name: string): string =>
    haystacks.find((haystack) => haystack.name === name)?.bytes.toString() ?? '';
  expect(text('stdout of metrics --json')).toContain('sallyport_calls_total{');
  expect(text('the log at debug level').match(/"event":"call"/g)?.length).toBeGreaterThan(25);
  expect(receiver.faults).toEqual([]);
  expect(receiver.spans.length).toBeGreaterThan(25);
  expect(receiver.points.length).toBeGreaterThan(2);
  expect(receiver.headers[0]?.get('authorization')).toBe(`Bearer ${otlp}`);
});

test('neither key nor token is in the journal, the database, or any other file of the data folder', () => {
  const files = filesUnder(data).map((path) => ({
    name: path.slice(data.length),
    bytes: readFileSync(path),
  }));
  expect(files.some(({ name }) => name.endsWith('.jsonl'))).toBe(true);
  expect(files.some(({ name }) => name.endsWith('sallyport.db'))).toBe(true);
  expect(findLeaks(files, secrets())).toEqual([]);
});

test('an exception that nobody caught, with the key in its text, is logged without it', async () => {
  const script = `
    process.argv = [process.argv[0], 'main.ts', 'version'];
    await import(${JSON.stringify(join(import.meta.dir, '..', '..', 'src', 'main.ts'))});
    setTimeout(() => { throw new Error('cannot send Bearer ' + process.env.CANARY_KEY + ' and ' + process.env.CANARY_TOKEN); }, 10);
  `;
  const child = Bun.spawn([process.execPath, '--no-env-file', '--config=/dev/null', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      CANARY_KEY: key,
      CANARY_TOKEN: token,
    },
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(await child.exited).toBe(70);
  expect(err).toContain('cannot send');
  expect(findLeaks([{ name: 'output', bytes: Buffer.from(out + err) }], { key, token })).toEqual([]);
});
