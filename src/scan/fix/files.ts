/**
 * The files of a work tree with the raw values in them, as far as an edit could take those out: where each begins and ends. The history is another
 * matter, and so is what is inside of archives.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { SallyportError } from '../../core/errors.ts';
import { codeOf } from '../../core/private-file.ts';
import { findDeep } from '../../detect/deep.ts';
import { isContainer } from '../container-kinds.ts';
import { type Finding, findingOf } from '../finding.ts';
import { complaint, type GitOptions, runGit } from '../git.ts';
import { markBehind } from '../line-mark.ts';

export interface FoundAt {
  readonly start: number;
  readonly end: number;
  readonly finding: Finding;
}

export interface ReadFile {
  /** As it is shown. */
  readonly path: string;
  readonly absolute: string;
  /** One character a byte. */
  readonly text: string;
  readonly mode: number;
  /** In their order. */
  readonly found: readonly FoundAt[];
}

const MOST_BYTES = 8 * 1024 * 1024;
const MOST_FILES = 200_000;
const LEFT_OUT = new Set(['.git', '.hg', '.svn', 'node_modules']);

/** Below which everything is that may be changed. */
export interface Tree {
  readonly top: string;
  readonly isRepository: boolean;
}

/** Paths from the top. Files with keys that git ignores are among them; else what git ignores is not. Throws `input.invalid` for a path outside. */
export async function listFiles(
  { top, isRepository }: Tree,
  paths: readonly string[],
  options: GitOptions,
): Promise<string[]> {
  const asked = paths.map((path) => below(top, resolve(options.cwd, path), path));
  if (!isRepository) return asked.length === 0 ? walk(top, '.') : asked.flatMap((path) => walk(top, path));
  const where = asked.length === 0 ? ['.'] : asked;
  const inTop = { ...options, cwd: top };
  const list = async (...args: readonly string[]): Promise<string[]> => {
    const { code, out, err } = await runGit(
      ['--literal-pathspecs', 'ls-files', '-z', ...args, '--', ...where],
      inTop,
    );
    if (code !== 0)
      throw new SallyportError('scan.incomplete', `git ls-files ended with ${code}: ${complaint(err)}`);
    return out.toString().split('\0').slice(0, -1);
  };
  const known = await list('--cached', '--others', '--exclude-standard', '--deduplicate');
  const ignored = await list('--others', '--ignored', '--exclude-standard');
  // A file that somebody names is meant, whatever git thinks of it.
  const named = asked.filter(
    (path) => lstatSync(join(top, path), { throwIfNoEntry: false })?.isFile() === true,
  );
  const secret = ignored.filter(
    (path) => /(?:^|\/)\.env[^/]*$/.test(path) && !path.split('/').some((part) => LEFT_OUT.has(part)),
  );
  return [...new Set([...named, ...known, ...secret])];
}

function below(top: string, absolute: string, shown: string): string {
  let real: string;
  try {
    real = join(realpathSync(dirname(absolute)), absolute.slice(dirname(absolute).length + 1));
  } catch {
    real = absolute;
  }
  const path = relative(realpathSync(top), absolute === top ? realpathSync(top) : real);
  if (path !== '..' && !path.startsWith('../')) return path === '' ? '.' : path;
  throw new SallyportError('input.invalid', `${shown} is outside of ${top}`, {
    fix: 'run it where that file belongs',
  });
}

function walk(top: string, from: string): string[] {
  const stats = lstatSync(join(top, from), { throwIfNoEntry: false });
  if (!stats) throw new SallyportError('input.invalid', `there is no ${from}`, { fix: 'check the path' });
  if (!stats.isDirectory()) return [from];
  const files: string[] = [];
  const folders = [from];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
      const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) folders.push(path);
      else if (entry.isFile()) files.push(path);
    }
    if (files.length > MOST_FILES)
      throw new SallyportError('input.invalid', 'there are too many files', { fix: 'name a folder' });
  }
  return files;
}

/** Null for a file without values; a reason for one that was not looked into. Links are passed over: they lead to what is listed by itself, or elsewhere. */
export function readForFix({ top }: Tree, path: string): ReadFile | string | null {
  if (path.includes('\uFFFD')) return `${path} has a name that is no UTF-8`;
  const absolute = join(top, path);
  let file: number;
  try {
    if (
      lstatSync(absolute).isSymbolicLink() ||
      realpathSync(dirname(absolute)) !== dirname(join(realpathSync(top), path))
    )
      return null;
    file = openSync(absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? null : `${path} cannot be read (${codeOf(error)})`;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return null;
    if (stats.size > MOST_BYTES) return `${path} is too large to be mended`;
    const bytes = readFileSync(file);
    const found = isContainer(bytes) ? [] : valuesIn(path, bytes);
    return found.length === 0
      ? null
      : { path, absolute, text: bytes.toString('latin1'), mode: stats.mode & 0o777, found };
  } catch (error) {
    return `${path} cannot be read (${codeOf(error)})`;
  } finally {
    closeSync(file);
  }
}

function valuesIn(path: string, bytes: Buffer): FoundAt[] {
  return findDeep(bytes)
    .filter(({ sure }) => sure)
    .map((found) => {
      const { start, end } = found;
      const lineStart = bytes.lastIndexOf(0x0a, start - 1) + 1;
      const line = bytes.subarray(0, start).toString('latin1').split('\n').length;
      const column = bytes.toString('utf8', start === 0 ? 0 : lineStart, start).length + 1;
      return {
        start,
        end,
        finding: findingOf({ ...found, mark: markBehind(bytes, end) }, { path, line, column }),
      };
    });
}
