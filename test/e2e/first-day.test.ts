/**
 * Runs docs/guide/first-day.md: every line of its `sh run` blocks, in their order, as they stand, against a clone of this repository. What
 * a test has to put in are the provider (the fake one), the port, and the values that a reader has in variables.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { startFake, type FakeUpstream } from '../../src/fake/fake.ts';
import { verifyStandardWebhook } from '../../src/watch/webhooks.mjs';
import { eventually } from '../support/calls.ts';
import { fixtureKey, type RunningProcess, startProcess, tempFolder } from '../support/harness.ts';

const ROOT = join(import.meta.dir, '..', '..');
const GUIDE = readFileSync(join(ROOT, 'docs', 'guide', 'first-day.md'), 'utf8');
const NOT_CLONED = new Set(['node_modules', '.git', 'dist']);

interface Line {
  readonly text: string;
  readonly exitCode: number;
  readonly folder: 'clone' | 'app';
}

interface Ran {
  readonly text: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly budget?: string; readonly percent?: number };
}

/** The lines of the guide that are commands, with the exit code that they say they have. */
function linesOf(markdown: string): Line[] {
  const blocks = markdown.matchAll(/^```sh run( in app)?\n(.*?)^```$/gms);
  return [...blocks].flatMap(([, inApp, body = '']) =>
    body
      .trim()
      .split('\n')
      .map((text) => ({
        text: text.replace(/ # exit \d+$/, ''),
        exitCode: Number(/ # exit (\d+)$/.exec(text)?.[1] ?? 0),
        folder: inApp === undefined ? ('clone' as const) : ('app' as const),
      })),
  );
}

const work = tempFolder();
const clone = join(work, 'sallyport');
const app = join(work, 'app');
const data = join(work, 'data');
const keys = [fixtureKey(), fixtureKey()] as const;
const received: { readonly body: string; readonly headers: Headers }[] = [];
let fake: FakeUpstream;
let gateway: RunningProcess;
let variables: Record<string, string>;
const receiver = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  fetch: async (request) => {
    received.push({ body: await request.text(), headers: request.headers });
    return new Response(null, { status: 204 });
  },
});

beforeAll(async () => {
  cpSync(ROOT, clone, {
    recursive: true,
    filter: (path) => !NOT_CLONED.has(path.slice(ROOT.length + 1).split('/')[0] ?? ''),
  });
  // What `npm install` would bring; the test of a clone without it is the installation itself.
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  mkdirSync(app);
  writeFileSync(join(clone, 'call.mjs'), /^```js call\.mjs\n(.*?)^```$/ms.exec(GUIDE)?.[1] ?? '');
  fake = startFake({ port: 0 });
  gateway = await startProcess(
    data,
    { SALLYPORT_LOG_LEVEL: 'error', HOME: work },
    { command: [join(clone, 'sallyport')], cwd: clone },
  );
  variables = {
    PATH: process.env['PATH'] ?? '',
    HOME: work,
    SALLYPORT_DATA: data,
    SALLYPORT: join(clone, 'sallyport'),
    CHATBOT_KEY: keys[0],
    RESEARCH_KEY: keys[1],
    ALERT_URL: `http://127.0.0.1:${receiver.port}/alerts`,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.org',
  };
  expect(spawnSync('git', ['init', '--quiet', app], { env: variables }).status).toBe(0);
});

afterAll(async () => {
  gateway.kill('SIGTERM');
  await gateway.exited;
  await fake.stop();
  await receiver.stop(true);
  rmSync(work, { recursive: true, force: true });
});

/** The guide's line with what only a test needs: another provider, another port, a receiver on this machine. */
function prepared(text: string): string {
  return text
    .replace('--provider groq', `--provider groq --origin ${fake.url} --allow-private-origin`)
    .replace('--type webhook', '--type webhook --allow-private')
    .replaceAll('http://127.0.0.1:4141', gateway.gateway);
}

function run({ text, folder }: Line): Promise<Ran> {
  const child = spawn('bash', ['-c', `umask 077; ${prepared(text)}`], {
    cwd: folder === 'app' ? app : clone,
    env: variables,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
  return new Promise((resolve) => {
    child.on('close', (exitCode) => resolve({ text, stdout, stderr, exitCode }));
  });
}

test('every command of the guide does what the guide says', async () => {
  const lines = linesOf(GUIDE);
  expect(lines.length).toBeGreaterThan(25);
  const ran: Ran[] = [];
  for (const line of lines) {
    const result = await run(line);
    expect({ ...result, exitCode: result.exitCode }).toMatchObject({ exitCode: line.exitCode });
    ran.push(result);
  }
  const output = (of: string): string =>
    ran
      .filter(({ text }) => text.includes(of))
      .map(({ stdout }) => stdout)
      .join('\n');
  const complaint = (of: string): string =>
    ran
      .filter(({ text }) => text.includes(of))
      .map(({ stderr }) => stderr)
      .join('\n');

  // The leak: stopped with its place, and the value nowhere.
  expect(complaint("-m 'add the client'")).toContain('client.js:1:');
  const said = ran.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  for (const key of keys) expect(said).not.toContain(key.slice(4, 30));
  const log = spawnSync('git', ['log', '-p', '--all'], { cwd: app, env: variables }).stdout.toString();
  expect(log).toContain('process.env.SALLYPORT_TOKEN');
  expect(log).not.toContain(keys[0]);

  // The budget: paused, told of at every threshold, resumed.
  expect(output('until ! node call.mjs')).toMatch(/^200 .*\n402 budget_exceeded\n$/s);
  expect(output('budget show --team research')).toContain('paused');
  expect(output('--action')).toContain('budget.resumed');
  expect(output('audit verify')).toContain('unbroken');
  expect(output('usage --by team')).toContain('chatbot');

  const secret = /whsec_\S+/.exec(output('alert add ops') + complaint('alert add ops'))?.[0] ?? '';
  expect(secret).not.toBe('');
  const alerts = (): Received[] => received.map(({ body }) => JSON.parse(body) as Received);
  await eventually(() => alerts().some(({ type }) => type === 'budget.paused'), 30_000);
  const research = alerts().filter(({ data: { budget } }) => budget === 'team-research-month');
  expect(
    research
      .filter(({ type }) => type === 'budget.alert')
      .map(({ data: { percent } }) => percent)
      .toSorted((a = 0, b = 0) => a - b),
  ).toEqual([50, 80, 95]);
  expect(new Set(alerts().map(({ id }) => id)).size).toBe(received.length);
  for (const { body, headers } of received)
    expect(verifyStandardWebhook(body, Object.fromEntries(headers), secret)).toBe(true);
  expect(existsSync(join(clone, 'chatbot.token'))).toBe(true);
}, 180_000);
