/** What git says of the repository around a folder: where its work tree and its hooks are. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { complaint, type GitOptions, runGit } from './git.ts';

export interface Repository {
  readonly top: string;
  /** Shared by all work trees. */
  readonly gitFolder: string;
  /** Where git looks for hooks; it may not be there. */
  readonly hooks: string;
  /** Who says so: null for git's own place, else `local`, `global`, `system`, `worktree` or `command`. */
  readonly hooksPathScope: string | null;
}

/** Throws `config.invalid` outside a work tree, `scan.incomplete` when git cannot be asked. */
export async function openRepository(options: GitOptions): Promise<Repository> {
  const top = await ask(options, ['rev-parse', '--show-toplevel']);
  if (top === null) throw noWorkTree();
  const inTop = { ...options, cwd: top };
  const [common, hooks, scope] = await Promise.all([
    ask(inTop, ['rev-parse', '--git-common-dir']),
    ask(inTop, ['rev-parse', '--git-path', 'hooks']),
    ask(inTop, ['config', '--show-scope', '--get', 'core.hooksPath']),
  ]);
  if (common === null || hooks === null) throw noWorkTree();
  return {
    top,
    gitFolder: realPath(resolve(top, common)),
    hooks: resolve(top, hooks),
    hooksPathScope: scope === null ? null : (scope.split('\t')[0] ?? null),
  };
}

/** The output without its last line end; null when git says no. */
async function ask(options: GitOptions, args: readonly string[]): Promise<string | null> {
  const { code, out, err } = await runGit(args, options);
  if (code === 0) return out.toString().replace(/\n$/, '');
  if (code === 1 || code === 128) return null;
  throw new SallyportError('scan.incomplete', `git ${args[0] ?? ''} ended with ${code}: ${complaint(err)}`);
}

export function noWorkTree(): SallyportError {
  return new SallyportError('config.invalid', 'this is no work tree of a git repository', {
    fix: 'run it inside one',
  });
}

/** Whether the hooks are among the files of the work tree, which people share. */
export function hooksAreShared({ top, gitFolder, hooks }: Repository): boolean {
  const folder = realPath(hooks);
  return isBelow(folder, realPath(top)) && !isBelow(folder, gitFolder);
}

/** The folder that husky keeps for git, or null: the hooks that people write are one level above. */
export function isHuskyFolder(hooks: string): boolean {
  return basename(hooks) === '_' && ['h', 'husky.sh'].some((name) => existsSync(join(hooks, name)));
}

/** Whether a path, with its links resolved, is below a folder. */
export function isInside(path: string, folder: string): boolean {
  return isBelow(realPath(path), realPath(folder));
}

/** With the links resolved of as much of the path as there is. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}
