/** A running Sallyport for tests: in this process (`openGate`), or as a real process that can be killed (`startProcess`). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, startApp } from '../../src/app.ts';
import { readJournal } from '../../src/audit/reader.ts';
import { readConfig } from '../../src/config.ts';
import { randomBase62 } from '../../src/core/ids.ts';
import { parseUsd } from '../../src/core/money.ts';
import { Secret } from '../../src/core/secret.ts';
import { type FakeUpstream, startFake } from '../../src/fake/fake.ts';

export const MODEL = 'openai/gpt-oss-20b';
export const LOCAL = { principal: 'local', scopes: ['*'] } as const;

/** Put together at run time, so that no scanner takes it for a real key. */
export function fixtureKey(): string {
  return ['g', 'sk_', randomBase62(52)].join('');
}

export interface OpenGate extends AsyncDisposable {
  readonly app: App;
  readonly fake: FakeUpstream;
  readonly data: string;
  /** The sealed provider key, in clear. */
  readonly key: string;
  readonly token: string;
  readonly tokenId: string;
  readonly url: string;
  chat(body?: object, init?: RequestInit): Promise<Response>;
  /** Entries of the journal with this action, in order. */
  events(action: string | RegExp): Record<string, unknown>[];
  /** Stops and starts on the same data folder; the new app is in the result. */
  restart(): Promise<App>;
}

export interface GateOptions {
  readonly budgetUsd?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly scopes?: readonly string[];
  readonly data?: string;
}

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sallyport-'));
}

/** A team `acme` with a sealed key for the fake provider and one token. */
export async function openGate(options: GateOptions = {}): Promise<OpenGate> {
  const data = options.data ?? tempFolder();
  const fake = startFake();
  const config = readConfig(
    { data, port: '0', adminPort: '0' },
    { SALLYPORT_LOG_LEVEL: 'error', SALLYPORT_DRAIN_SECONDS: '2', ...options.variables },
  );
  let app = await startApp(config);
  const key = fixtureKey();
  await app.teams.add('local', 'acme');
  const origin = { origin: fake.url, allowPrivateOrigin: true };
  await app.vault.addKey('local', { name: 'groq', provider: 'groq', ...origin }, Secret.fromText(key));
  const issued = await app.tokens.issue(LOCAL, {
    team: 'acme',
    environment: 'dev',
    scopes: options.scopes ?? ['call:groq/*'],
    lifetimeMs: 86_400_000,
  });
  if (options.budgetUsd !== undefined) {
    await app.ledger.setBudget('local', {
      subject: 'team:acme',
      period: 'month',
      limitPicoUsd: parseUsd(options.budgetUsd),
    });
  }
  return {
    get app() {
      return app;
    },
    fake,
    data,
    key,
    token: issued.text,
    tokenId: issued.token.id,
    get url() {
      return app.gatewayUrl;
    },
    chat: (body = {}, init = {}) =>
      fetch(`${app.gatewayUrl}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${issued.text}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: MODEL,
          messages: [{ role: 'user', content: 'hi' }],
          max_completion_tokens: 50,
          ...body,
        }),
        ...init,
      }),
    events: (action) =>
      [...readJournal(join(data, 'journal'))]
        .map(({ entry }) => entry as unknown as Record<string, unknown>)
        .filter((entry) =>
          typeof action === 'string' ? entry['action'] === action : action.test(String(entry['action'])),
        ),
    restart: async () => {
      await app.stop('test');
      app = await startApp(config);
      return app;
    },
    [Symbol.asyncDispose]: async () => {
      await app.stop('test');
      await fake.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

export interface RunningProcess {
  readonly pid: number;
  readonly gateway: string;
  readonly ready: Record<string, unknown>;
  readonly exited: Promise<number>;
  /** Everything it has written to stderr so far. */
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  /** The program and what comes before `up`. */
  readonly command?: readonly string[];
  readonly cwd?: string;
  /** Put before the command, such as a shell that sets limits. */
  readonly wrapper?: readonly string[];
}

const MAIN = join(import.meta.dir, '..', '..', 'src', 'main.ts');
const FROM_SOURCE = [process.execPath, '--no-env-file', '--config=/dev/null', MAIN] as const;

/** Starts `sallyport up` on `data` and resolves at its ready line; rejects when it ends before. */
export async function startProcess(
  data: string,
  variables: Readonly<Record<string, string>> = {},
  options: StartOptions = {},
): Promise<RunningProcess> {
  const child = Bun.spawn(
    [
      ...(options.wrapper ?? []),
      ...(options.command ?? FROM_SOURCE),
      'up',
      '--data',
      data,
      '--port',
      '0',
      '--admin-port',
      '0',
      '--json',
    ],
    {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: data,
        ...variables,
      },
    },
  );
  let errors = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) errors += decoder.decode(chunk, { stream: true });
  })();
  const ready = await readyLine(child.stdout);
  if (!ready) {
    await Promise.all([child.exited, reading]);
    throw new Error(
      `sallyport ended with ${child.exitCode ?? child.signalCode} before it was ready:\n${errors}`,
    );
  }
  return {
    pid: child.pid,
    gateway: String(ready['gateway']),
    ready,
    exited: child.exited,
    stderr: () => errors,
    kill: (signal) => child.kill(signal),
  };
}

/** The first stdout line as JSON; the rest is read and thrown away, so that the pipe never fills. Null when there is no line. */
async function readyLine(stdout: ReadableStream<Uint8Array>): Promise<Record<string, unknown> | null> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes('\n')) {
    const { done, value } = await reader.read();
    if (done) return null;
    text += decoder.decode(value, { stream: true });
  }
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return JSON.parse(text.slice(0, text.indexOf('\n'))) as Record<string, unknown>;
}
