/** Child processes of the benchmark: started on loopback, known by their pid, stopped before the benchmark ends. */
import type { Subprocess } from 'bun';

const START_MS = 20_000;
const STOP_MS = 10_000;

export type Child = Subprocess<'pipe' | 'ignore', 'pipe', 'pipe'>;

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: 'pipe' | 'ignore';
}

/** This program's own runtime, with the flags that keep the folder it is called from out of it. */
export const BUN: readonly string[] = [process.execPath, '--no-env-file', '--config=/dev/null'];

/** Keeps the environment of the caller out of what is measured. */
export function baseEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', BUN_CONFIG_MAX_HTTP_REQUESTS: '20000' };
}

export function start(command: readonly string[], options: ChildOptions = {}): Child {
  const { cwd, env = {}, stdin = 'ignore' } = options;
  return Bun.spawn<'pipe' | 'ignore', 'pipe', 'pipe'>([...command], {
    stdin,
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...baseEnvironment(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
}

export async function stop(child: Child): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await child.exited;
  clearTimeout(timer);
}

/** The first line of stdout as JSON; later lines come by `next`. Rejects with what stderr says when the process ends before. */
export class Lines {
  readonly #child: Child;
  readonly #reader: { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> };
  readonly #decoder = new TextDecoder();
  readonly #errors: Promise<string>;
  #text = '';

  constructor(child: Child) {
    this.#child = child;
    this.#reader = child.stdout.getReader();
    this.#errors = new Response(child.stderr).text();
  }

  async next(): Promise<unknown> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line);
      }
      const { done, value } = await this.#reader.read();
      if (done)
        throw new Error(
          `A process ended with ${await this.#child.exited}:\n${(await this.#errors).slice(-2000)}`,
        );
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }
}

/** A port that was free a moment ago, for programs that cannot be told to take any. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** Waits until somebody answers at `url`, whatever the answer. */
export async function answers(url: string, child: Child): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    try {
      await (await fetch(url, { keepalive: false })).arrayBuffer();
      return;
    } catch {
      await Bun.sleep(100);
    }
  }
  throw new Error(`Nothing answers at ${url}.`);
}
