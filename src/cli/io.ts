/** All that a command has of the outside: environment, streams, time and signals. Tests put their own in its place. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Environment } from '../config.ts';
import { promptHidden } from './hidden-prompt.ts';

export interface Io {
  readonly env: Environment;
  /** Removes a variable, so that no later reader and no child process finds it. */
  readonly forget: (variable: string) => void;
  /** Writes text as it is. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly stdinIsTerminal: boolean;
  /** Standard input to its end. Throws when it is longer than `maxBytes`. */
  readonly readStdin: (maxBytes: number) => Promise<Uint8Array>;
  /** One line from the terminal. */
  readonly readLine: (prompt: string) => Promise<string>;
  /** One line from the terminal, not echoed. */
  readonly readHidden: (prompt: string) => Promise<string>;
  readonly wallMs: () => number;
  /** Resolves at the first SIGINT or SIGTERM after the first call; until then these end the process as usual. */
  readonly stopped: () => Promise<void>;
}

/** The process's own. */
export function processIo(): Io {
  // A reader that leaves early (`| head`) is no failure of ours.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  let stopping: Promise<void> | undefined;
  return {
    env: process.env,
    // NOTE: Bun.spawn hands down the variables that the process began with unless it is given `env: process.env`.
    forget: (variable) => delete process.env[variable],
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdinIsTerminal: process.stdin.isTTY,
    readStdin: (maxBytes) => readAll(Bun.stdin.stream(), maxBytes),
    readLine: promptLine,
    readHidden: promptHidden,
    wallMs: () => Date.now(),
    stopped: () => {
      stopping ??= Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => undefined);
      return stopping;
    },
  };
}

async function promptLine(prompt: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(prompt);
  } finally {
    lines.close();
  }
}

async function readAll(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stream) {
    size += part.length;
    if (size > maxBytes) throw new RangeError(`Standard input is longer than ${maxBytes} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
