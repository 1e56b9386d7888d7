/** Whether git would ever commit a file. Asked before a secret is written; what cannot be told is an error, never "ignored". */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { complaint, type GitOptions, type GitRun, runGit } from '../scan/git.ts';

export type Ignored =
  | { readonly state: 'no-repository' }
  | {
      /** `open`: git does not know the file, and the next `git add` may take it. */
      readonly state: 'ignored' | 'open' | 'tracked';
      /** Where git keeps what it never commits. */
      readonly gitFolder: string;
    };

/** `folder` is there and a real path. Throws `scan.incomplete` when git cannot be asked about what may be a repository. */
export async function ignoredBy(folder: string, name: string, env: GitOptions['env']): Promise<Ignored> {
  const options = { cwd: folder, env: withoutGit(env) };
  const gitFolder = await gitFolderOf(folder, options);
  if (gitFolder === null) return { state: 'no-repository' };
  // A name may be a pattern to git, or begin with its magic colon.
  const tracked = await runGit(['--literal-pathspecs', 'ls-files', '-z', '--', name], options);
  if (tracked.code !== 0) throw unclear(tracked.err);
  if (tracked.out.length > 0) return { state: 'tracked', gitFolder };
  const ignored = await runGit(['check-ignore', '-q', '--', `./${name}`], options);
  if (ignored.code > 1) throw unclear(ignored.err);
  return { state: ignored.code === 0 ? 'ignored' : 'open', gitFolder };
}

/** Null where there is no work tree. */
async function gitFolderOf(folder: string, options: GitOptions): Promise<string | null> {
  let asked: GitRun;
  try {
    asked = await runGit(['rev-parse', '--is-inside-work-tree', '--absolute-git-dir'], options);
  } catch (error) {
    if (!hasGitAbove(folder)) return null;
    throw error;
  }
  if (asked.code !== 0) {
    if (/not a git repository/.test(asked.err) && !hasGitAbove(folder)) return null;
    throw unclear(asked.err);
  }
  const [inside, gitFolder = ''] = asked.out.toString().trim().split('\n');
  return inside === 'true' ? gitFolder : null;
}

/** Variables such as GIT_DIR, which git sets for its hooks, would have it answer for another repository. */
function withoutGit(env: GitOptions['env']): GitOptions['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
}

function hasGitAbove(folder: string): boolean {
  if (existsSync(join(folder, '.git'))) return true;
  const above = dirname(folder);
  return above !== folder && hasGitAbove(above);
}

function unclear(err: string): SallyportError {
  return new SallyportError('scan.incomplete', 'Git does not say whether it ignores the file.', {
    detail: complaint(err),
    fix: `Try it by hand: git check-ignore -v FILE. Git said: ${complaint(err)}`,
  });
}
