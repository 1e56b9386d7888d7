/** What a push brings to the other side: as git tells a pre-push hook on standard input, one line a ref. */
import { SallyportError } from '../../core/errors.ts';
import { type GitOptions, runGit } from '../git.ts';
import type { Revisions } from './revisions.ts';

/** What is pushed of a ref, and what is there; zeros where there is nothing. The first field is as somebody typed it, also with blanks: `:/fix some`. */
const LINE = /^.+ ([0-9a-f]{40,64}) \S+ ([0-9a-f]{40,64})$/;
const NOTHING = /^0+$/;

/**
 * The commits that are pushed and that the remote does not have, as far as is known here: neither what it has under the same name, nor under any
 * other that was fetched from it. What is deleted brings nothing. Throws `input.invalid` for what git does not write.
 */
export async function revisionsOfPush(text: string, remote: string, git: GitOptions): Promise<Revisions> {
  const refs = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, local = '', there = ''] = LINE.exec(line) ?? [];
      if (local !== '') return { local, there };
      throw new SallyportError('input.invalid', 'standard input is not what git tells a pre-push hook', {
        fix: 'let git run it: sallyport hook install --pre-push',
      });
    });
  const include = [...new Set(refs.map(({ local }) => local).filter((id) => !NOTHING.test(id)))];
  const there = refs.map((ref) => ref.there).filter((id) => !NOTHING.test(id));
  const exclude = [...(await existing(there, git)), ...(await fetchedFrom(remote, git))];
  return { include, exclude: [...new Set(exclude)] };
}

/** Likewise of one branch, of which nothing is known to be there. */
export async function revisionsOfBranch(branch: string, remote: string, git: GitOptions): Promise<Revisions> {
  return { include: [branch], exclude: await fetchedFrom(remote, git) };
}

/** What the remote has may never have been fetched: then it does not say what is new. */
async function existing(ids: readonly string[], git: GitOptions): Promise<string[]> {
  if (ids.length === 0) return [];
  const { out } = await runGit(['cat-file', '--batch-check'], git, ids.map((id) => `${id}\n`).join(''));
  return out
    .toString()
    .split('\n')
    .flatMap((line) => (/ (?:commit|tag) /.test(line) ? [line.split(' ')[0] ?? ''] : []));
}

/** An address has no refs here: then only the same names are known. */
async function fetchedFrom(remote: string, git: GitOptions): Promise<string[]> {
  const names = (await runGit(['remote'], git)).out.toString().split('\n');
  if (remote === '' || !names.includes(remote)) return [];
  const args = ['for-each-ref', '--format=%(objectname)', `refs/remotes/${remote}/`];
  const { out } = await runGit(args, git);
  return out
    .toString()
    .split('\n')
    .filter((id) => id !== '');
}
