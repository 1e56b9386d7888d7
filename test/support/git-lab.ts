/** Real git repositories in temp folders, apart from the settings of whoever runs the tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, type Ran } from '../../src/cli/test-io.ts';

export interface GitResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface GitLab extends Disposable {
  /** The work tree. Its path has a space in it. */
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs git in the work tree; throws when it fails. */
  git(...args: readonly string[]): string;
  /** Likewise, whatever comes of it. */
  tryGit(
    args: readonly string[],
    options?: { cwd?: string; env?: Readonly<Record<string, string>> },
  ): GitResult;
  /** Writes a file below the work tree. */
  write(path: string, content: string | Uint8Array, mode?: number): void;
  /** Runs a command of ours in this process, as if started in the work tree. */
  cli(...argv: readonly string[]): Promise<Ran>;
}

export function openGitLab(): GitLab {
  const base = mkdtempSync(join(tmpdir(), 'sallyport-git-'));
  const root = join(base, 'work tree');
  const home = join(base, 'home');
  mkdirSync(root);
  mkdirSync(home);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  };
  const tryGit: GitLab['tryGit'] = (args, options = {}) => {
    const child = Bun.spawnSync(['git', ...args], {
      cwd: options.cwd ?? root,
      env: { ...env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { code: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() };
  };
  const lab: GitLab = {
    root,
    home,
    env,
    tryGit,
    git: (...args) => {
      const { code, out, err } = tryGit(args);
      if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}: ${err}`);
      return out;
    },
    write: (path, content, mode = 0o644) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content, { mode });
    },
    cli: (...argv) => run(argv, { cwd: root, env }),
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  };
  lab.git('init', '-q', '-b', 'main');
  return lab;
}
