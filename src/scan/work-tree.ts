/**
 * The files of a work tree as they stand: all that git has, and all that the next `git add .` would take. Only values that surely are secrets
 * are reported: in files that have long been there, a placeholder is an example. The history is not looked at, and neither are the insides of
 * archives.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { prepareSkimming } from '../detect/skim.ts';
import { codeOf } from '../core/private-file.ts';
import { findingOf } from './finding.ts';
import { complaint, type GitOptions, runGit } from './git.ts';
import type { Repository } from './repository.ts';
import type { Sink } from './sink.ts';
import { TextScan } from './text-scan.ts';

/** What would take longer than anybody waits for is said to be left out. */
const MOST_BYTES = 2 * 1024 ** 3;
const PIECE_BYTES = 1024 * 1024;

/** Throws `scan.incomplete` when git does not list the files; a file that cannot be read is a problem. */
export async function scanWorkTree(
  { top }: Repository,
  options: GitOptions,
  sink: Sink,
  mostBytes = MOST_BYTES,
): Promise<void> {
  await prepareSkimming();
  const scan = new WorkTreeScan(top, sink, mostBytes);
  for (const path of await filesOf(top, options)) scan.look(path);
}

async function filesOf(top: string, options: GitOptions): Promise<string[]> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const { code, out, err } = await runGit(args, { ...options, cwd: top });
  if (code !== 0)
    throw new SallyportError('scan.incomplete', `git ls-files ended with ${code}: ${complaint(err)}`);
  return out.toString().split('\0').slice(0, -1);
}

class WorkTreeScan {
  readonly #sink: Sink;
  readonly #top: string;
  readonly #mostBytes: number;
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #bytes = 0;
  #path = '';
  readonly #text = new TextScan((found, line, column) => {
    if (found.sure) this.#sink.finding(findingOf(found, { path: this.#path, line, column }));
  });

  constructor(top: string, sink: Sink, mostBytes: number) {
    this.#sink = sink;
    this.#top = top;
    this.#mostBytes = mostBytes;
  }

  look(path: string): void {
    const file = join(this.#top, path);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    // Deleted, but still in git's index; or a link, of which git has only the name that it leads to.
    if (!stats || stats.isSymbolicLink()) return;
    if (stats.isDirectory()) {
      this.#sink.problem(`${path} is a repository of its own`);
      return;
    }
    if (this.#bytes + stats.size > this.#mostBytes) {
      this.#sink.problem(`${path} is left out: that is more than ${this.#mostBytes} bytes in all`);
      return;
    }
    this.#sink.looked(1, 0);
    this.#path = path;
    try {
      this.#read(file);
    } catch (error) {
      this.#sink.problem(`${path} cannot be read (${codeOf(error)})`);
    }
  }

  #read(path: string): void {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(file).isFile()) return;
      this.#text.start(1);
      for (;;) {
        const length = readSync(file, this.#piece);
        if (length === 0) break;
        this.#bytes += length;
        this.#sink.looked(0, length);
        this.#text.add(this.#piece.subarray(0, length));
      }
      this.#text.end();
    } finally {
      closeSync(file);
    }
  }
}
