/**
 * Which file of allowances holds for a scan. It has to be part of what is scanned: of the index for staged changes, of the last commit for a range
 * of commits, so that everybody and CI come to the same verdict.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { codeOf } from '../core/private-file.ts';
import { ALLOW_FILE, type AllowLine, MOST_FILE_BYTES, parseAllowances } from './allow-file.ts';
import type { Allowances } from './allow-stage.ts';
import { type GitOptions, readBlob, runGit } from './git.ts';

/** Where the file is read: the index, a commit, or the work tree around the folder in which the command runs. */
export type AllowPlace =
  | { readonly by: 'index' }
  | { readonly by: 'commits'; readonly commits: readonly string[] }
  | { readonly by: 'files' };

/** Throws `config.invalid` when the file is malformed, or is none that may be read. Outside a repository nothing is allowed. */
export async function loadAllowances(
  place: AllowPlace,
  options: GitOptions,
  nowMs: number,
): Promise<Allowances> {
  const top = await topOf(options);
  const files = top === null ? [] : parseAllowances(readAllowFile(join(top, ALLOW_FILE)) ?? '', nowMs);
  if (place.by === 'files') {
    // Without a work tree the last commit speaks.
    return top === null ? { lines: await committed('HEAD', options, nowMs) } : { lines: files, top };
  }
  return place.by === 'index'
    ? {
        lines: await committed('', options, nowMs),
        waiting: waiting(files, `allowed in ${ALLOW_FILE}, once that is staged: git add ${ALLOW_FILE}`),
      }
    : {
        lines: (await Promise.all(place.commits.map((id) => committed(id, options, nowMs)))).flat(),
        waiting: waiting(files, `allowed in ${ALLOW_FILE}, once that is committed`),
      };
}

function waiting(lines: readonly AllowLine[], until: string): NonNullable<Allowances['waiting']> {
  return { lines, until };
}

/** The file at the top of a commit, or of the index. */
async function committed(commit: string, options: GitOptions, nowMs: number): Promise<AllowLine[]> {
  const name = `${commit}:${ALLOW_FILE}`;
  const id = await ask(['rev-parse', '--verify', '--quiet', '--end-of-options', name], options);
  if (id === null) return [];
  const bytes = await readBlob(id, MOST_FILE_BYTES, options);
  return parseAllowances(bytes.toString(), nowMs);
}

/** The top of the work tree; null where there is none. */
export function topOf(options: GitOptions): Promise<string | null> {
  return ask(['rev-parse', '--show-toplevel'], options);
}

/** What git says, or null: folders can be scanned without git on the machine. */
async function ask(args: readonly string[], options: GitOptions): Promise<string | null> {
  try {
    const { code, out } = await runGit(args, options);
    return code === 0 ? out.toString().replace(/\n$/, '') : null;
  } catch {
    return null;
  }
}

/** The text of a file of allowances; null when there is none. Throws `config.invalid` for a link, and whatever else is no plain file. */
export function readAllowFile(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw unreadable(path, codeOf(error) === 'ELOOP' ? 'is a link' : `cannot be read (${codeOf(error)})`);
  }
  try {
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile()) throw unreadable(path, 'is no plain file');
    if (size > MOST_FILE_BYTES) throw unreadable(path, 'is too long');
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, size, 0));
  } finally {
    closeSync(file);
  }
}

function unreadable(path: string, what: string): SallyportError {
  return new SallyportError('config.invalid', `${path} ${what}`, {
    fix: 'Put a plain file in its place, or delete it. Until then nothing counts as allowed.',
  });
}
