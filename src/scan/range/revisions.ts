/** Which commits a range means. */
import { SallyportError } from '../../core/errors.ts';
import { type GitOptions, runGit } from '../git.ts';

export interface Revisions {
  /** Names or ids of what is new, with all that it builds on. */
  readonly include: readonly string[];
  /** Likewise, of what was there before. */
  readonly exclude: readonly string[];
}

/** Cuts `A..B`. Throws `input.invalid`. */
export function parseRange(text: string): Revisions {
  const [, from = '', to = ''] = /^([^\s.][^\s]*?)\.{2,3}([^\s.][^\s]*)$/.exec(text) ?? [];
  // A name that begins with a dash would be an option of git.
  if (from !== '' && to !== '' && !`${from} ${to}`.match(/(?:^| )-/))
    return { include: [to], exclude: [from] };
  throw new SallyportError('input.invalid', '--range is no range of commits', {
    fix: 'write A..B: what is in B and not in A, such as origin/main..HEAD',
  });
}

/** What a push of a new branch has in the place of what was there before. */
const NOTHING = /^0+$/;

/**
 * The ids of what is named. Null when this clone was cut off before one of them. Throws `config.invalid` where there is no repository, or none of that
 * name. A new branch, whose old end is all zeros, is compared with the branches that are the remotes' first ones; where none is known, or it is one
 * itself, all of it is new.
 */
export async function idsOf({ include, exclude }: Revisions, git: GitOptions): Promise<Revisions | null> {
  const old = exclude.filter((name) => !NOTHING.test(name));
  const [come, gone] = await Promise.all(
    [include, old].map((names) => Promise.all(names.map((name) => idOf(name, git)))),
  );
  const ids = { include: come ?? [], exclude: gone ?? [] };
  if ([...ids.include, ...ids.exclude].includes(null)) {
    const { out } = await runGit(['rev-parse', '--is-shallow-repository'], git);
    if (out.toString().trim() === 'true') return null;
    throw notHere('a commit of the range is not in this repository');
  }
  const known = (id: string | null): id is string => id !== null;
  const found = { include: ids.include.filter(known), exclude: ids.exclude.filter(known) };
  if (old.length === exclude.length) return found;
  const first = await firstBranches(git);
  return { ...found, exclude: [...found.exclude, ...first.filter((id) => !found.include.includes(id))] };
}

async function idOf(name: string, git: GitOptions): Promise<string | null> {
  // A whole id is taken for one whether or not it is here: only an object that can be read is.
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', name];
  const { code, out, err } = await runGit(args, git);
  if (/not a git repository/.test(err)) throw notHere('this is no git repository');
  const id = out.toString().trim();
  if (code !== 0 || id === '') return null;
  return (await runGit(['cat-file', '-e', id], git)).code === 0 ? id : null;
}

async function firstBranches(git: GitOptions): Promise<string[]> {
  const { out } = await runGit(['for-each-ref', '--format=%(refname) %(objectname)', 'refs/remotes'], git);
  return out
    .toString()
    .split('\n')
    .flatMap((line) => /^refs\/remotes\/[^/]+\/HEAD (\w+)$/.exec(line)?.[1] ?? []);
}

function notHere(what: string): SallyportError {
  return new SallyportError('config.invalid', what, {
    fix: 'fetch it (in CI: fetch the whole history, fetch-depth: 0), or name another',
  });
}
