/** The one-file program and the launcher: a call through each, in a folder and an environment that try to run code or to redirect it. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import Groq from 'groq-sdk';
import { openGitLab } from '../support/git-lab.ts';
import { fixtureKey, MODEL, type RunningProcess, startProcess, tempFolder } from '../support/harness.ts';

const ROOT = join(import.meta.dir, '..', '..');
const BUN = [process.execPath, '--no-env-file', '--config=/dev/null'];
const folder = tempFolder();
const dist = join(folder, 'dist');
const hostile = join(folder, 'hostile');
const marker = join(folder, 'marker');
let binary = '';

beforeAll(async () => {
  const build = Bun.spawn([...BUN, join(ROOT, 'scripts', 'build.ts'), '--out', dist], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // The caller's folder must not matter for a build either.
    cwd: folder,
  });
  binary = (await new Response(build.stdout).text()).trim();
  expect(await build.exited).toBe(0);
  mkdirSync(hostile);
  writeFileSync(
    join(hostile, 'evil.js'),
    `require('node:fs').appendFileSync(${JSON.stringify(marker)}, 'ran ');`,
  );
  writeFileSync(join(hostile, 'bunfig.toml'), 'preload = ["./evil.js"]\n');
  for (const name of ['tsconfig.json', 'jsconfig.json']) {
    writeFileSync(join(hostile, name), '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}');
  }
  // Sallyport refuses to start with a variable that it does not know.
  writeFileSync(join(hostile, '.env'), 'SALLYPORT_NONSENSE=1\nSALLYPORT_PORT=1\n');
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** How Sallyport is started, and whether a preload in BUN_OPTIONS can run before we do. */
const WAYS = [
  ['the binary', () => [binary], 'ran '],
  ['the launcher', () => [join(ROOT, 'sallyport')], null],
  ['the source', () => [...BUN, `--cwd=${ROOT}`, join(ROOT, 'src', 'main.ts')], 'ran '],
] as const;

function markers(): string | null {
  const text = existsSync(marker) ? readFileSync(marker, 'utf8') : null;
  rmSync(marker, { force: true });
  return text;
}

async function callThrough(running: RunningProcess): Promise<string> {
  const groq = new Groq({ baseURL: running.gateway, apiKey: String(running.ready['token']), maxRetries: 0 });
  const answer = await groq.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: 'Hello' }],
  });
  return answer.choices[0]?.message.content ?? '';
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => resolve(true));
  socket.on('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function freePort(): number {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  const port = server.port ?? 0;
  void server.stop(true);
  return port;
}

test('a checksum lies beside the binary', () => {
  const [name = '', ...more] = readdirSync(dist).filter((file) => file !== 'SHA256SUMS');
  expect(more).toEqual([]);
  expect(binary).toBe(join(dist, name));
  const digest = createHash('sha256')
    .update(readFileSync(join(dist, name)))
    .digest('hex');
  expect(readFileSync(join(dist, 'SHA256SUMS'), 'utf8')).toBe(`${digest}  ${name}\n`);
});

test('a target that cannot be built here is named, with what is missing', () => {
  const { exitCode, stderr } = Bun.spawnSync(
    [...BUN, join(ROOT, 'scripts', 'build.ts'), '--out', join(folder, 'none'), '--target', 'darwin-x64'],
    { stdout: 'pipe', stderr: 'pipe' },
  );
  expect(exitCode).toBe(1);
  expect(stderr.toString()).toMatch(/^not built: darwin-x64; .*@oven\/bun-darwin-x64@/);
});

test.each(WAYS)(
  '%s answers a real client in a folder whose .env, bunfig.toml, tsconfig.json and jsconfig.json are hostile',
  async (_, command) => {
    const data = tempFolder();
    const running = await startProcess(data, {}, { command: command(), cwd: hostile });
    expect(await callThrough(running)).not.toBe('');
    running.kill('SIGTERM');
    expect(await running.exited).toBe(0);
    expect(markers()).toBeNull();
    rmSync(data, { recursive: true });
  },
);

test.each(WAYS)('%s drops what configures the runtime', async (_, command, preloaded) => {
  const data = tempFolder();
  const port = freePort();
  const nowhere = 'http://127.0.0.1:1';
  const variables = {
    BUN_OPTIONS: `--preload=${join(hostile, 'evil.js')}`,
    BUN_INSPECT: `127.0.0.1:${port}`,
    BUN_INSPECT_PRELOAD: join(hostile, 'evil.js'),
    BUN_CONFIG_VERBOSE_FETCH: 'curl',
    BUN_CONFIG_HTTP_IDLE_TIMEOUT: '1',
    BUN_CONFIG_MAX_HTTP_REQUESTS: '300',
    NODE_OPTIONS: `--require=${join(hostile, 'evil.js')}`,
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    NODE_ENV: 'development',
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    all_proxy: nowhere,
  };
  const running = await startProcess(data, variables, { command: command(), cwd: hostile });
  // The runtime preloads before our first line: once, in the process that replaces itself. Only the launcher comes before that.
  expect(markers()).toBe(preloaded);
  expect(await listens(port)).toBe(false);
  // Neither through the proxy nor printed.
  expect(await callThrough(running)).not.toBe('');
  running.kill('SIGTERM');
  expect(await running.exited).toBe(0);
  expect(running.stderr()).not.toMatch(/curl|authorization|bearer/i);
  expect(markers()).toBeNull();
  rmSync(data, { recursive: true });
});

test.each(WAYS)('%s, installed as a hook, stops a commit with a key in such a folder', (_, command) => {
  using lab = openGitLab();
  const inLab = {
    cwd: lab.root,
    env: { ...lab.env, SALLYPORT_CWD: lab.root },
  };
  const installed = Bun.spawnSync([...command(), 'hook', 'install'], {
    ...inLab,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(installed.exitCode).toBe(0);
  for (const name of readdirSync(hostile)) lab.write(name, readFileSync(join(hostile, name)));
  lab.git('add', '--force', '.');
  const env = { BUN_OPTIONS: `--preload=${join(hostile, 'evil.js')}`, BUN_BE_BUN: '1' };
  expect(lab.tryGit(['commit', '-q', '-m', 'x'], { env })).toEqual({ code: 0, out: '', err: '' });
  lab.write('a', fixtureKey());
  lab.git('add', 'a');
  const stopped = lab.tryGit(['commit', '-q', '-m', 'x'], { env });
  expect([stopped.code, stopped.err.includes('a:1:1: Groq API key')]).toEqual([1, true]);
  expect(markers()).toBeNull();
});
