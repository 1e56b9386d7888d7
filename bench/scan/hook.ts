/** What a commit waits for: the scan of a small staged change, beside the least that it can take, git's own comparison and an empty program. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measure, print } from './measure.ts';

const ROUNDS = 21;
const LINES = 20;

/** `program`: the one-file program, if there is one. */
export function measureHook(program: string | null, clone: string): void {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-bench-hook-'));
  try {
    const git = (...args: readonly string[]): void => {
      const identity = ['-c', 'user.name=a', '-c', 'user.email=a@localhost'];
      if (Bun.spawnSync(['git', ...identity, ...args], { cwd: path, stderr: 'ignore' }).exitCode !== 0)
        throw new Error('git failed');
    };
    const text = (word: string): string =>
      `export const ${word} = { kind: '${word}', size: 12, list: [1, 2, 3] };\n`.repeat(LINES);
    git('init', '-q');
    writeFileSync(join(path, 'a.ts'), text('before'));
    git('add', '-A');
    git('commit', '-qm', 'x');
    writeFileSync(join(path, 'a.ts'), text('after'));
    git('add', '-A');
    const scan = ['scan', '--staged'];
    const contestants = [
      ...(program === null
        ? []
        : [{ name: 'sallyport, one-file program', command: [program, ...scan], codes: [0] }]),
      { name: 'sallyport, from a clone', command: [clone, ...scan], codes: [0] },
      { name: 'git diff --cached alone', command: ['git', 'diff', '--cached'], codes: [0] },
      {
        name: 'bun -e 0',
        command: [process.execPath, '--no-env-file', '--config=/dev/null', '-e', '0'],
        codes: [0],
      },
    ];
    print(`hook: ${LINES} staged lines`, measure(contestants, path, ROUNDS));
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
