/** All that a command has of the outside: environment, streams, time and signals. Tests put their own in its place. */
import type { WriteOut } from '../audit/entry-stream.ts';
import type { Environment } from '../config.ts';
import { promptHidden } from './hidden-prompt.ts';

export interface Io {
  readonly env: Environment;
  /** The folder that the command was started in. */
  readonly cwd: string;
  /** Removes a variable, so that no later reader and no child process finds it. */
  readonly forget: (variable: string) => void;
  /** Writes text as it is. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Writes text as it is, and says when it was taken. */
  readonly outThen: WriteOut;
  /** The same for bytes, which must not be changed before that. */
  readonly bytesThen: (bytes: Uint8Array, done: (error?: Error | null) => void) => void;
  /** Ends the process at once, whatever is still to be written. */
  readonly leave: (code: number) => void;
  readonly stdinIsTerminal: boolean;
  /** Whether what is printed is read by somebody, and not kept by a collector of logs. */
  readonly stdoutIsTerminal: boolean;
  /** Whether somebody sees what is said beside the output. */
  readonly stderrIsTerminal: boolean;
  /** Standard input as it comes. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** Standard input to its end. Throws when it is longer than `maxBytes`. */
  readonly readStdin: (maxBytes: number) => Promise<Uint8Array>;
  /** One line from the terminal. */
  readonly readLine: (prompt: string) => Promise<string>;
  /** One line from the terminal, not echoed. */
  readonly readHidden: (prompt: string) => Promise<string>;
  readonly wallMs: () => number;
  /**
   * Resolves at the first SIGINT or SIGTERM after the first call; until then these end the process as usual. The next one ends it at
   * once.
   */
  readonly stopped: () => Promise<void>;
  /** From the first call on, SIGHUP runs the listener instead of ending the process. */
  readonly onHangup: (listener: () => void) => void;
  /** From the first call on, what standard output and error do not take is lost, where it would otherwise end the process. */
  readonly outliveOutput: () => void;
}

/** The process's own. Its streams are opened at the first use: that takes longer than all that a git hook has to do. */
export function processIo(): Io {
  let stopping: Promise<void> | undefined;
  return {
    env: process.env,
    cwd: process.cwd(),
    // NOTE: Bun.spawn hands down the variables that the process began with unless it is given `env: process.env`.
    forget: (variable) => delete process.env[variable],
    out: (text) => void streamOf('stdout').write(text),
    err: (text) => void streamOf('stderr').write(text),
    outThen: (text, done) => void streamOf('stdout').write(text, done),
    bytesThen: (bytes, done) => void streamOf('stdout').write(bytes, done),
    leave: (code) => process.exit(code),
    get stdinIsTerminal() {
      return process.stdin.isTTY;
    },
    get stdoutIsTerminal() {
      return process.stdout.isTTY;
    },
    get stderrIsTerminal() {
      return process.stderr.isTTY;
    },
    stdin: () => Bun.stdin.stream(),
    readStdin: (maxBytes) => readAll(Bun.stdin.stream(), maxBytes),
    readLine: promptLine,
    readHidden: promptHidden,
    wallMs: () => Date.now(),
    stopped: () => {
      stopping ??= firstSignal();
      return stopping;
    },
    onHangup: (listener) => void process.on('SIGHUP', listener),
    outliveOutput: () => {
      outlives = true;
      for (const name of ['stdout', 'stderr'] as const) streamOf(name);
    },
  };
}

const opened = new Set<string>();
let outlives = false;

function streamOf(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const stream = process[name];
  if (!opened.has(name)) {
    opened.add(name);
    // A reader that leaves early (`| head`) is no failure of ours.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && !outlives) throw error;
    });
  }
  return stream;
}

const ENDING = [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const;

function firstSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = false;
  for (const [name, number] of ENDING) {
    process.on(name, () => {
      // Not left to the default action: the first process of a container has none.
      if (seen) process.exit(128 + number);
      seen = true;
      resolve();
    });
  }
  return promise;
}

async function promptLine(prompt: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
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
