/** Runs git on the user's repository, in a way that neither settings nor the repository's own files change what it prints or start programs. */
import { SallyportError } from '../core/errors.ts';

export interface GitOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface GitRun {
  readonly code: number;
  readonly out: Buffer;
  readonly err: string;
}

/** Before each command: no lock that a running git waits for, no file watcher, names as they are. */
const SETTINGS = [
  '--no-optional-locks',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.quotePath=false',
  '-c',
  'diff.relative=false',
] as const;
/** Would show other lines than asked for, or run a program in place of git's own comparison. */
const DROPPED = ['GIT_DIFF_OPTS', 'GIT_EXTERNAL_DIFF'] as const;

/**
 * Starts git and passes its output on as it comes; a promise holds up the rest. Resolves with its exit code and what it said. `input` is its
 * standard input.
 */
export async function streamGit(
  args: readonly string[],
  { cwd, env }: GitOptions,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
  input?: string,
): Promise<{ readonly code: number; readonly err: string }> {
  const child = start(args, cwd, env, input);
  const said = new Response(child.stderr).text();
  try {
    for await (const chunk of child.stdout) {
      const held = onChunk(chunk);
      if (held) await held;
    }
  } catch (error) {
    child.kill();
    throw error;
  }
  const [code, err] = await Promise.all([child.exited, said]);
  return { code, err };
}

/** A blob's content. Throws when it cannot be read, or is longer than `maxBytes`. */
export async function readBlob(id: string, maxBytes: number, options: GitOptions): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const { code, err } = await streamGit(['cat-file', 'blob', id], options, (chunk) => {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    parts.push(chunk);
  });
  if (code !== 0) throw new Error(`git cat-file ended with ${code}: ${complaint(err)}`);
  return Buffer.concat(parts);
}

/** Runs git with the whole output at the end. `input` is its standard input. */
export async function runGit(
  args: readonly string[],
  { cwd, env }: GitOptions,
  input?: string,
): Promise<GitRun> {
  const child = start(args, cwd, env, input);
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).arrayBuffer(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out: Buffer.from(out), err };
}

function start(
  args: readonly string[],
  cwd: string,
  env: GitOptions['env'],
  input?: string,
): Bun.Subprocess<'ignore' | Blob, 'pipe', 'pipe'> {
  const own: Record<string, string | undefined> = { ...env, LC_ALL: 'C' };
  for (const name of DROPPED) delete own[name];
  try {
    return Bun.spawn(['git', ...SETTINGS, ...args], {
      cwd,
      env: own,
      stdin: input === undefined ? 'ignore' : new Blob([input]),
      stdout: 'pipe',
      stderr: 'pipe',
    });
  } catch (error) {
    throw new SallyportError('scan.incomplete', 'git could not be started.', {
      fix: 'Install git, or put it on the PATH.',
      cause: error,
    });
  }
}

/** What git said, on one line, for a message. */
export function complaint(err: string): string {
  return err.trim().replaceAll(/\s+/g, ' ').slice(0, 300) || 'it said nothing';
}
