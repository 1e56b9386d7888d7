/**
 * Which files a scan of paths looks at. In a work tree of git those that git has and those that the next `git add .` would take; elsewhere, and in
 * a folder that git ignores but somebody named, all that is there but `.git`. Links are not followed, unless one is named.
 */
import { existsSync, lstatSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SallyportError } from '../../core/errors.ts';
import { codeOf } from '../../core/private-file.ts';
import { complaint, type GitOptions, runGit } from '../git.ts';
import { nameOf } from '../reports/names.ts';

export interface ListOptions extends GitOptions {
  /** Looks at what git ignores as well. */
  readonly allFiles: boolean;
}

/** Names as bytes, each with a zero behind it: as people gave them and as they are shown, relative to the folder that the scan was started in. */
export interface FileList {
  readonly names: Buffer;
  readonly problems: readonly string[];
}

/** A variable of these would make git look at another repository than the one around a folder. */
const OF_ANOTHER = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_COMMON_DIR',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_NAMESPACE',
] as const;

const LIST = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'] as const;
const GIT = '.git';

/** What a path on the command line is. Throws `input.invalid` when there is nothing of that name. */
export function kindOfPath(path: string, cwd: string): 'file' | 'folder' | 'special' {
  let stats: Stats;
  try {
    stats = statSync(resolve(cwd, path));
  } catch (error) {
    const code = codeOf(error);
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'is not there' : `cannot be opened (${code})`;
    throw new SallyportError('input.invalid', `${nameOf(path)} ${why}`, {
      fix: 'name files and folders that are there; "sallyport scan ." scans the current folder',
    });
  }
  if (stats.isDirectory()) return 'folder';
  return stats.isFile() ? 'file' : 'special';
}

/** The files of a folder that somebody named. Throws `scan.incomplete` when git should list them and does not. */
export async function filesOf(folder: string, options: ListOptions): Promise<FileList> {
  // Where a link leads, git goes by what is there.
  const at = realpathSync(resolve(options.cwd, folder));
  if (options.allFiles || !isInRepository(at)) return walk(folder, options.cwd);
  const git = { cwd: at, env: withoutAnother(options.env) };
  const [listed, ignored] = await Promise.all([
    runGit(LIST, git),
    runGit(['check-ignore', '--quiet', '--', '.'], git),
  ]);
  // Inside the repository's own folder there is no work tree.
  if (ignored.code === 0 || /must be run in a work tree/.test(listed.err)) return walk(folder, options.cwd);
  if (listed.code !== 0) {
    throw new SallyportError(
      'scan.incomplete',
      `git does not list the files of ${nameOf(folder)}: ${complaint(listed.err)}`,
      { fix: 'mend that, or scan all files, also those that git ignores, with --all-files' },
    );
  }
  return { names: prefixed(folder, listed.out), problems: [] };
}

/** The files of a repository inside another: a submodule, or one that only lies there. */
export async function filesOfNested(folder: string, options: ListOptions): Promise<FileList> {
  if (!existsSync(join(resolve(options.cwd, folder), GIT))) {
    const list = walk(folder, options.cwd);
    if (list.names.length > 0 || list.problems.length > 0) return list;
    // Git has a commit of it, and nothing of that is on the disk.
    return {
      ...list,
      problems: [`${nameOf(folder)} is a submodule and not here: git submodule update --init`],
    };
  }
  try {
    return await filesOf(folder, options);
  } catch {
    // More than git would list, but nothing is left out.
    return walk(folder, options.cwd);
  }
}

function isInRepository(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, GIT))) return true;
    if (dirname(at) === at) return false;
  }
}

function withoutAnother(env: ListOptions['env']): ListOptions['env'] {
  const own = { ...env };
  for (const name of OF_ANOTHER) delete own[name];
  return own;
}

/** Names below a folder, with the folder before each. */
function prefixed(folder: string, names: Buffer): Buffer {
  const start = Buffer.from(prefixOf(folder));
  if (start.length === 0) return names;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < names.length;) {
    const end = names.indexOf(0, at) + 1;
    if (end === 0) break;
    parts.push(start, names.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** The folder as it was given, ready for a name behind it. */
function prefixOf(folder: string): string {
  if (/^(?:\.\/*)+$/.test(folder) && !folder.includes('..')) return '';
  return folder.endsWith('/') ? folder : `${folder}/`;
}

interface Seen {
  readonly name: Buffer;
  readonly kind: 'file' | 'folder' | 'other';
}

function walk(folder: string, cwd: string): FileList {
  const found: Buffer[] = [];
  const problems: string[] = [];
  const root = Buffer.from(`${resolve(cwd, folder)}/`);
  const start = Buffer.from(prefixOf(folder));
  // Relative to the folder, each with a slash at its end; the last one is the next.
  const waiting: Buffer[] = [Buffer.alloc(0)];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    let entries: Seen[];
    try {
      entries = entriesOf(Buffer.concat([root, below]));
    } catch (error) {
      // Removed in the meantime: there is nothing in it.
      if (codeOf(error) !== 'ENOENT')
        problems.push(`${start.toString()}${below.toString() || '.'} cannot be read (${codeOf(error)})`);
      continue;
    }
    if (isBare(entries))
      problems.push(
        `${start.toString()}${below.toString() || '.'} is a repository of git without its files: sallyport scan --history in it`,
      );
    const folders: Buffer[] = [];
    for (const { name, kind } of entries) {
      if (kind === 'file') found.push(Buffer.concat([start, below, name, ZERO]));
      else if (kind === 'folder' && name.toString('latin1') !== GIT)
        folders.push(Buffer.concat([below, name, SLASH]));
    }
    waiting.push(...folders.toReversed());
  }
  return { names: Buffer.concat(found), problems };
}

/** What a repository without a work tree looks like; its objects are compressed, so no search of its files finds anything. */
function isBare(entries: readonly Seen[]): boolean {
  const names = new Set(entries.map(({ name, kind }) => `${kind} ${name.toString('latin1')}`));
  return ['file HEAD', 'folder objects', 'folder refs'].every((name) => names.has(name));
}

const ZERO = Buffer.from([0]);
const SLASH = Buffer.from('/');
/** What stands for bytes that are no UTF-8. */
const REPLACED = '\ufffd';

/** Sorted by name, so that a scan reports in the same order each time. */
function entriesOf(folder: Buffer): Seen[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  // Bun gives the kinds of entries with names as text alone: where a text is not the name, both are needed.
  const raw = entries.some(({ name }) => name.includes(REPLACED))
    ? readdirSync(folder, { encoding: 'buffer' })
    : null;
  const names: Seen[] = raw
    ? raw.map((name) => ({ name, kind: kindOf(lstatSync(Buffer.concat([folder, name]))) }))
    : entries.map((entry) => ({ name: Buffer.from(entry.name), kind: kindOf(entry) }));
  return names.sort((a, b) => Buffer.compare(a.name, b.name));
}

/** A pipe, a socket or a device holds nothing; where a link leads is looked at if it is in the folder. */
function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): Seen['kind'] {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'folder' : 'other';
}
