/** What git says of a repository before its history is looked at: where it is, how it names objects, and whether something of it is not here. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SallyportError } from '../../core/errors.ts';
import { complaint, type GitOptions, runGit } from '../git.ts';

export interface HistoryPlace {
  /** For every question about the history: as it is, whatever stands in for it, and nothing fetched. */
  readonly git: GitOptions;
  readonly gitFolder: string;
  readonly objects: string;
  readonly idBytes: number;
  /** Older commits were left out when it was cloned. */
  readonly isShallow: boolean;
  /** Content was left out when it was cloned, to be fetched when it is wanted. */
  readonly isPartial: boolean;
}

/** Replaced objects and grafted parents are shown as they are; what is missing is not fetched. */
const PLAIN = {
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_GRAFT_FILE: '/dev/null',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: '',
};

export function plainGit({ cwd, env }: GitOptions): GitOptions {
  return { cwd, env: { ...env, ...PLAIN } };
}

/** Throws `config.invalid` where there is no repository. */
export async function probeHistory(options: GitOptions): Promise<HistoryPlace> {
  const git = plainGit(options);
  const { cwd } = options;
  const asked = await runGit(
    [
      'rev-parse',
      '--git-common-dir',
      '--git-path',
      'objects',
      '--is-shallow-repository',
      '--show-object-format',
    ],
    git,
  );
  if (asked.code !== 0) {
    if (existsSync(cwd) && /not a git repository/i.test(asked.err))
      throw new SallyportError('config.invalid', 'this is no git repository', { fix: 'run it inside one' });
    throw new SallyportError('scan.incomplete', `git cannot say what is here: ${complaint(asked.err)}`);
  }
  const [common = '', objects = '', shallow = '', format = ''] = asked.out.toString().split('\n');
  const partial = await runGit(
    ['config', '--get-regexp', String.raw`^(extensions\.partialclone|remote\..*\.promisor)$`],
    git,
  );
  return {
    git,
    gitFolder: resolve(cwd, common),
    objects: resolve(cwd, objects),
    idBytes: format === 'sha256' ? 32 : 20,
    isShallow: shallow === 'true',
    isPartial: partial.code === 0,
  };
}
