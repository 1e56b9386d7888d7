/** The outside of a command, for tests: what it is given, and what it printed. */
import { runCli } from './cli.ts';
import type { Io } from './io.ts';

export interface TestIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What is piped in. */
  readonly stdin?: string;
  /** What is typed at a hidden prompt; standard input is a terminal then. */
  readonly typed?: string;
  readonly stopped?: Promise<void>;
  readonly stdoutIsTerminal?: boolean;
  readonly stderrIsTerminal?: boolean;
  /** What the clock says. */
  readonly wallMs?: number;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The output as a JSON object. */
  json(): Record<string, unknown>;
  /** The output as a JSON array of objects. */
  jsonList(): Record<string, unknown>[];
}

/** Runs a command line in this process. */
export async function run(argv: readonly string[], options: TestIoOptions = {}): Promise<Ran> {
  const { io, printed } = testIo(options);
  const code = await runCli(argv, io);
  const { out, err } = printed();
  return {
    code,
    out,
    err,
    json: () => JSON.parse(out) as Record<string, unknown>,
    jsonList: () => JSON.parse(out) as Record<string, unknown>[],
  };
}

export function testIo(options: TestIoOptions): {
  readonly io: Io;
  readonly printed: () => { readonly out: string; readonly err: string };
} {
  let out = '';
  let err = '';
  const env: Record<string, string> = { HOME: '/nonexistent', ...options.env };
  const io: Io = {
    env,
    cwd: options.cwd ?? '/nonexistent',
    forget: (variable) => delete env[variable],
    out: (text) => (out += text),
    err: (text) => (err += text),
    outThen: (text, done) => {
      out += text;
      done();
    },
    bytesThen: (bytes, done) => {
      out += Buffer.from(bytes).toString();
      done();
    },
    leave: () => undefined,
    stdinIsTerminal: options.typed !== undefined,
    stdoutIsTerminal: options.stdoutIsTerminal ?? false,
    stderrIsTerminal: options.stderrIsTerminal ?? false,
    stdin: () => onePiece(Buffer.from(options.stdin ?? '')),
    readStdin: () => Promise.resolve(Buffer.from(options.stdin ?? '')),
    readLine: () => Promise.resolve(options.typed ?? ''),
    readHidden: () => Promise.resolve(options.typed ?? ''),
    wallMs: () => options.wallMs ?? Date.now(),
    stopped: () => options.stopped ?? new Promise(() => undefined),
    onHangup: () => undefined,
    outliveOutput: () => undefined,
  };
  return { io, printed: () => ({ out, err }) };
}

// oxlint-disable-next-line require-await -- the shape of a stream
async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
