/** The hook in real repositories: commits that add a secret are stopped, whatever else is set up, and uninstalling leaves no trace. */
import { describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { fixtureKey } from '../support/harness.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

/** Tries to commit a file with this content. */
function commit(
  lab: GitLab,
  path: string,
  content: string,
  ...args: string[]
): { code: number; err: string } {
  lab.write(path, content);
  lab.git('add', '--', path);
  return lab.tryGit(['commit', '-q', '-m', 'x', ...args]);
}

let files = 0;

function expectInForce(lab: GitLab): void {
  const key = fixtureKey();
  const path = `leak-${(files += 1)}.ts`;
  const stopped = commit(lab, path, `const key = '${key}';\n`);
  expect([stopped.code, stopped.err.includes(`${path}:1:14: Groq API key`)]).toEqual([1, true]);
  expect(stopped.err).not.toContain(key.slice(6, 16));
  expect(lab.tryGit(['log', '--oneline', '--', path]).out).toBe('');
  const clean = commit(lab, path, 'const key = process.env.KEY;\n');
  expect([clean.code, clean.err]).toEqual([0, clean.err]);
  expect(lab.git('log', '--oneline', '--', path)).not.toBe('');
}

async function install(lab: GitLab): Promise<string> {
  const { code, out, err } = await lab.cli('hook', 'install');
  expect([code, err.includes('error:')]).toEqual([0, false]);
  expect((await lab.cli('hook', 'status')).code).toBe(0);
  return out + err;
}

/** Every file below the folders: path, mode, and content or target. */
function snapshot(...folders: string[]): string[] {
  return folders.flatMap((folder) => {
    if (!existsSync(folder)) return [`${folder} is not there`];
    const names = (readdirSync(folder, { recursive: true }) as string[]).sort();
    return names.map((name) => {
      const path = join(folder, name);
      const stats = lstatSync(path);
      const content = stats.isSymbolicLink()
        ? readlinkSync(path)
        : stats.isFile()
          ? readFileSync(path).toString('base64')
          : '';
      return `${relative(folder, path)} ${stats.mode.toString(8)} ${content}`;
    });
  });
}

const hooksOf = (lab: GitLab): string => join(lab.root, '.git', 'hooks');

/** Installs, checks that commits are stopped, uninstalls, and checks that all is as before. */
async function expectRoundTrip(lab: GitLab, ...folders: string[]): Promise<void> {
  const watched = [hooksOf(lab), ...folders];
  const before = snapshot(...watched);
  await install(lab);
  const installed = snapshot(...watched, join(lab.root, '.git', 'sallyport'));
  await install(lab);
  expect(snapshot(...watched, join(lab.root, '.git', 'sallyport'))).toEqual(installed);
  expectInForce(lab);
  expect((await lab.cli('hook', 'uninstall')).code).toBe(0);
  expect(snapshot(...watched)).toEqual(before);
  expect(existsSync(join(lab.root, '.git', 'sallyport'))).toBe(false);
  expect((await lab.cli('hook', 'status')).code).toBe(1);
  expect(commit(lab, 'after.ts', fixtureKey()).code).toBe(0);
}

test('a commit that adds a key is stopped in a plain repository, and not after uninstalling', async () => {
  using lab = openGitLab();
  await expectRoundTrip(lab);
});

test('a repository without a folder of hooks has none afterwards', async () => {
  using lab = openGitLab();
  renameSync(hooksOf(lab), join(lab.home, 'hooks'));
  await expectRoundTrip(lab);
});

describe('every way to commit', () => {
  test('goes through the hook: all changes, some paths, an amended commit, a merge', async () => {
    using lab = openGitLab();
    lab.write('a', 'one\n');
    lab.write('b', 'one\n');
    lab.git('add', '.');
    lab.git('commit', '-q', '-m', 'base');
    lab.git('branch', 'side');
    await install(lab);
    const key = fixtureKey();
    lab.write('a', `two ${key}\n`);
    expect(lab.tryGit(['commit', '-q', '-a', '-m', 'x']).code).toBe(1);
    expect(lab.tryGit(['commit', '-q', '-m', 'x', 'a']).code).toBe(1);
    lab.git('add', '--intent-to-add', 'a');
    expect(lab.tryGit(['commit', '-q', '-a', '--amend', '-m', 'x']).code).toBe(1);
    // Another file's commit does not take this one along, so it is none of its business.
    lab.write('b', 'two\n');
    expect(lab.tryGit(['commit', '-q', '-m', 'x', 'b']).code).toBe(0);
    lab.git('checkout', '-q', 'a');
    lab.git('switch', '-q', 'side');
    expect(commit(lab, 'b', 'side\n').code).toBe(0);
    expect(lab.tryGit(['merge', 'main']).code).toBe(1);
    lab.write('b', `merged ${key}\n`);
    lab.git('add', 'b');
    expect(lab.tryGit(['commit', '-q', '-m', 'merge']).code).toBe(1);
    lab.write('b', 'merged\n');
    lab.git('add', 'b');
    expect(lab.tryGit(['commit', '-q', '-m', 'merge']).code).toBe(0);
  });

  test('except with --no-verify, which the message names', async () => {
    using lab = openGitLab();
    expect(await install(lab)).toContain('--no-verify');
    const stopped = commit(lab, 'a', fixtureKey());
    expect(stopped.err).toContain('git commit --no-verify');
    expect(commit(lab, 'a', fixtureKey(), '--no-verify').code).toBe(0);
  });

  test('from a folder below, and from another work tree', async () => {
    using lab = openGitLab();
    expect(commit(lab, 'a', 'one\n').code).toBe(0);
    mkdirSync(join(lab.root, 'below'));
    const below = { cwd: join(lab.root, 'below'), env: lab.env };
    expect((await run(['hook', 'install'], below)).code).toBe(0);
    expect(existsSync(join(hooksOf(lab), 'pre-commit'))).toBe(true);
    const other = join(lab.home, 'other tree');
    lab.git('worktree', 'add', '-q', '-b', 'other', other);
    writeFileSync(join(other, 'b'), fixtureKey());
    lab.tryGit(['add', 'b'], { cwd: other });
    expect(lab.tryGit(['commit', '-q', '-m', 'x'], { cwd: other }).code).toBe(1);
    const inOther = { cwd: other, env: lab.env };
    expect((await run(['hook', 'status'], inOther)).code).toBe(0);
    expect((await run(['hook', 'uninstall'], inOther)).code).toBe(0);
    expect(lab.tryGit(['commit', '-q', '-m', 'x'], { cwd: other }).code).toBe(0);
    expect(existsSync(join(hooksOf(lab), 'pre-commit'))).toBe(false);
  });
});

describe('a hook that is there', () => {
  const marker = (lab: GitLab): string => join(lab.home, 'marker');
  const script = (lab: GitLab, body: string): string =>
    `#!/bin/sh\n${body}\necho "$# ran in $PWD" >>"${marker(lab)}"\n`;

  function hook(lab: GitLab, text: string, mode = 0o755): void {
    mkdirSync(hooksOf(lab), { recursive: true });
    writeFileSync(join(hooksOf(lab), 'pre-commit'), text, { mode });
    chmodSync(join(hooksOf(lab), 'pre-commit'), mode);
  }

  test.each([0o755, 0o700])('with mode %o is kept, runs as well, and comes back as it was', async (mode) => {
    using lab = openGitLab();
    hook(lab, script(lab, ':'), mode);
    await expectRoundTrip(lab);
    // For the clean commit while installed, and for the one after it was uninstalled.
    expect(readFileSync(marker(lab), 'utf8')).toBe(`0 ran in ${lab.root}\n`.repeat(2));
  });

  test('that fails stops the commit with its own code', async () => {
    using lab = openGitLab();
    hook(lab, script(lab, 'echo not today >&2; exit 9'));
    await install(lab);
    const stopped = commit(lab, 'a', 'clean\n');
    expect([stopped.code, stopped.err.trim()]).toEqual([1, 'not today']);
  });

  test('cannot stage a secret behind our back', async () => {
    using lab = openGitLab();
    hook(lab, script(lab, `echo '${fixtureKey()}' >staged-by-hook; git add staged-by-hook`));
    await install(lab);
    const stopped = commit(lab, 'a', 'clean\n');
    expect(stopped.code).toBe(1);
    expect(stopped.err).toContain('staged-by-hook:1:1: Groq API key');
  });

  test('is a link or no script at all: the same', async () => {
    using lab = openGitLab();
    lab.write('tools/check.sh', script(lab, ':'), 0o755);
    symlinkSync('../../tools/check.sh', join(hooksOf(lab), 'pre-commit'));
    await expectRoundTrip(lab, join(lab.root, 'tools'));
    using other = openGitLab();
    symlinkSync('/bin/true', join(hooksOf(other), 'pre-commit'));
    await expectRoundTrip(other);
  });

  test('that git did not run, because it is not executable, does not run now', async () => {
    using lab = openGitLab();
    hook(lab, script(lab, ':'), 0o644);
    await expectRoundTrip(lab);
    expect(existsSync(marker(lab))).toBe(false);
  });

  test('and that somebody put in the place of ours is not touched', async () => {
    using lab = openGitLab();
    await install(lab);
    hook(lab, script(lab, ':'));
    expect((await lab.cli('hook', 'status')).out).toContain('another hook is there');
    expect((await lab.cli('hook', 'uninstall')).code).toBe(0);
    expect(readFileSync(join(hooksOf(lab), 'pre-commit'), 'utf8')).toBe(script(lab, ':'));
    hook(lab, script(lab, ':'));
    writeFileSync(join(hooksOf(lab), 'pre-commit.before-sallyport'), 'x');
    const refused = await lab.cli('hook', 'install');
    expect([refused.code, refused.err.includes('move it away')]).toEqual([2, true]);
    expect(readFileSync(join(hooksOf(lab), 'pre-commit'), 'utf8')).toBe(script(lab, ':'));
  });
});

describe('core.hooksPath', () => {
  test('outside the repository: the hook goes there, not where git does not look', async () => {
    using lab = openGitLab();
    const hooks = join(lab.home, 'my hooks');
    mkdirSync(hooks);
    writeFileSync(join(hooks, 'pre-commit'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    lab.git('config', 'core.hooksPath', hooks);
    await expectRoundTrip(lab, hooks);
  });

  test('as a global setting: said to be for all repositories', async () => {
    using lab = openGitLab();
    const hooks = join(lab.home, 'hooks');
    lab.git('config', '--global', 'core.hooksPath', '~/hooks');
    await expectRoundTrip(lab, hooks);
    expect(await install(lab)).toContain('core.hooksPath is a global setting');
    expect(existsSync(join(hooks, 'pre-commit'))).toBe(true);
    expect(existsSync(join(hooksOf(lab), 'pre-commit'))).toBe(false);
  });

  test.each([
    ['with a script', '#!/usr/bin/env bash\nset -eu\necho checks\n'],
    ['with a script of another system', '#!/bin/sh\r\ntrue\r\n'],
    ['without one', null],
  ])('inside the work tree %s: lines that know no machine', async (_, text) => {
    using lab = openGitLab();
    lab.git('config', 'core.hooksPath', '.githooks');
    const hooks = join(lab.root, '.githooks');
    mkdirSync(hooks);
    const path = join(hooks, 'pre-commit');
    if (text !== null) writeFileSync(path, text, { mode: 0o750 });
    if (text?.includes('\r') === true) {
      // A shell does not take it; that it comes back is what matters.
      const before = snapshot(hooks);
      await lab.cli('hook', 'install');
      expect(readFileSync(path, 'utf8')).not.toMatch(/[^\r]\n/);
      await lab.cli('hook', 'uninstall');
      expect(snapshot(hooks)).toEqual(before);
      return;
    }
    await expectRoundTrip(lab, hooks);
    await install(lab);
    expect(readFileSync(path, 'utf8')).not.toContain(lab.root);
    expect(readFileSync(path, 'utf8')).not.toContain(process.execPath);
  });

  test('inside the work tree with a link that leads out of it: refused, and nothing is written there', async () => {
    using lab = openGitLab();
    const outside = join(lab.home, '.profile');
    writeFileSync(outside, 'export A=1\n');
    mkdirSync(join(lab.root, '.githooks'));
    symlinkSync(outside, join(lab.root, '.githooks', 'pre-commit'));
    lab.git('config', 'core.hooksPath', '.githooks');
    const { code, err } = await lab.cli('hook', 'install');
    expect([code, err.includes('leads out of the work tree')]).toEqual([2, true]);
    expect((await lab.cli('hook', 'uninstall')).code).toBe(0);
    expect(readFileSync(outside, 'utf8')).toBe('export A=1\n');
  });

  test('inside the work tree with another program: refused, with what to do', async () => {
    using lab = openGitLab();
    lab.git('config', 'core.hooksPath', '.githooks');
    lab.write('.githooks/pre-commit', '#!/usr/bin/env python3\nprint()\n', 0o755);
    const { code, err } = await lab.cli('hook', 'install');
    expect([code, err.includes('is no shell script')]).toEqual([2, true]);
    expect(readFileSync(join(lab.root, '.githooks/pre-commit'), 'utf8')).toBe(
      '#!/usr/bin/env python3\nprint()\n',
    );
  });

  test('set after installing: status says that the hook is not in force', async () => {
    using lab = openGitLab();
    await install(lab);
    lab.git('config', 'core.hooksPath', join(lab.home, 'elsewhere'));
    expect(await lab.cli('hook', 'status')).toMatchObject({
      code: 1,
      out: expect.stringContaining('not in force'),
    });
    expect((await lab.cli('hook', 'uninstall')).out).toContain(join('.git', 'hooks', 'pre-commit'));
  });
});

describe('husky', () => {
  /** As husky 9 sets a repository up. */
  function husky9(lab: GitLab): void {
    lab.write(
      '.husky/_/h',
      's=$(dirname "$(dirname "$0")")/$(basename "$0")\n[ -f "$s" ] || exit 0\n[ "${HUSKY-}" = 0 ] && exit 0\nsh -e "$s" "$@"\n',
    );
    lab.write('.husky/_/pre-commit', '#!/usr/bin/env sh\n. "$(dirname "$0")/h"', 0o755);
    lab.write('.husky/_/.gitignore', '*');
    lab.git('config', 'core.hooksPath', '.husky/_');
  }

  test('with a file of commands: they run as well', async () => {
    using lab = openGitLab();
    husky9(lab);
    lab.write('.husky/pre-commit', 'echo tests >>ran.log\n');
    await expectRoundTrip(lab, join(lab.root, '.husky'));
    expect(readFileSync(join(lab.root, 'ran.log'), 'utf8')).toBe('tests\ntests\n');
  });

  test('without one', async () => {
    using lab = openGitLab();
    husky9(lab);
    await expectRoundTrip(lab, join(lab.root, '.husky'));
  });

  test('of an older version, whose script starts itself anew', async () => {
    using lab = openGitLab();
    lab.write(
      '.husky/_/husky.sh',
      'if [ -z "$husky_skip_init" ]; then\n  readonly husky_skip_init=1\n  export husky_skip_init\n  sh -e "$0" "$@"\n  exit $?\nfi\n',
    );
    lab.write(
      '.husky/pre-commit',
      '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\necho tests >>ran.log\n',
      0o755,
    );
    lab.git('config', 'core.hooksPath', '.husky');
    await expectRoundTrip(lab, join(lab.root, '.husky'));
    expect(readFileSync(join(lab.root, 'ran.log'), 'utf8')).toBe('tests\ntests\n');
  });

  test('on a machine that has the file but not Sallyport, a commit is stopped with what to do', async () => {
    using lab = openGitLab();
    husky9(lab);
    expect(await install(lab)).toContain('each machine then runs sallyport hook install once');
    using other = openGitLab();
    husky9(other);
    other.write('.husky/pre-commit', readFileSync(join(lab.root, '.husky/pre-commit')));
    const stopped = commit(other, 'a', 'clean\n');
    expect([stopped.code, stopped.err.includes('run "sallyport hook install" here')]).toEqual([1, true]);
    expect((await other.cli('hook', 'status')).out).toContain('run sallyport hook install on this machine');
    await install(other);
    expectInForce(other);
  });
});

describe('lefthook', () => {
  /** As lefthook sets a repository up, with a stand-in that runs the commands of one's own settings. */
  function lefthook(lab: GitLab): void {
    lab.write('lefthook.yml', 'pre-commit:\n  jobs:\n    - run: echo main\n');
    const standIn = join(lab.home, 'lefthook.ts');
    writeFileSync(
      standIn,
      `const read = async (path) => Bun.YAML.parse((await Bun.file(path).exists()) ? await Bun.file(path).text() : '{}') ?? {};
const { 'pre-commit': hook = {} } = await read('lefthook-local.yml');
for (const { run } of Object.values(hook.commands ?? {})) {
  const { exitCode } = Bun.spawnSync(['sh', '-c', run], { stdio: ['inherit', 'inherit', 'inherit'] });
  if (exitCode !== 0) process.exit(1);
}`,
    );
    const hook = `#!/bin/sh\n[ "$LEFTHOOK" = 0 ] && exit 0\ncall_lefthook()\n{\n  '${process.execPath}' '${standIn}'\n}\ncall_lefthook run "pre-commit" "$@"\n`;
    mkdirSync(hooksOf(lab), { recursive: true });
    writeFileSync(join(hooksOf(lab), 'pre-commit'), hook, { mode: 0o755 });
  }
  const settings = (lab: GitLab): string => join(lab.root, 'lefthook-local.yml');

  test('gets a command in one’s own settings, and its hook stays its own', async () => {
    using lab = openGitLab();
    lefthook(lab);
    const hook = readFileSync(join(hooksOf(lab), 'pre-commit'), 'utf8');
    await install(lab);
    expect(readFileSync(join(hooksOf(lab), 'pre-commit'), 'utf8')).toBe(hook);
    expect((await lab.cli('hook', 'uninstall')).code).toBe(0);
    expect(existsSync(settings(lab))).toBe(false);
    await expectRoundTrip(lab);
  });

  test('with settings of one’s own: they stay, and come back as they were', async () => {
    using lab = openGitLab();
    lefthook(lab);
    const own =
      '# mine\npre-commit:\n    commands:\n        other:\n            run: "true"\n\npre-push:\n  commands: {}\n';
    lab.write('lefthook-local.yml', own);
    await expectRoundTrip(lab);
    expect(readFileSync(settings(lab), 'utf8')).toBe(own);
  });

  test('in a form that we do not change: refused, with what to add', async () => {
    using lab = openGitLab();
    lefthook(lab);
    lab.write('lefthook-local.yml', 'pre-commit: { parallel: true }\n');
    const { code, err } = await lab.cli('hook', 'install');
    expect([code, err.includes('add this to it: pre-commit: { commands: { sallyport:')]).toEqual([2, true]);
    expect(readFileSync(settings(lab), 'utf8')).toBe('pre-commit: { parallel: true }\n');
  });

  test('that is set up but not installed: git runs our hook, lefthook will', async () => {
    using lab = openGitLab();
    lab.write('lefthook.yml', 'pre-commit:\n  jobs: []\n');
    await expectRoundTrip(lab);
    await install(lab);
    expect(existsSync(settings(lab))).toBe(true);
    expect(existsSync(join(hooksOf(lab), 'pre-commit'))).toBe(true);
  });
});

test('neither the repository’s files nor the environment become code of the hook', async () => {
  using lab = openGitLab();
  const marker = join(lab.home, 'marker');
  await install(lab);
  lab.write('evil.js', `require('node:fs').appendFileSync(${JSON.stringify(marker)}, 'ran ');`);
  lab.write('bunfig.toml', 'preload = ["./evil.js"]\n');
  lab.write('.env', 'BUN_OPTIONS=--preload=./evil.js\nSALLYPORT_DATA=/nonexistent\n');
  lab.write('package.json', '{"type":"module","imports":{"#x":"./evil.js"}}');
  for (const name of ['tsconfig.json', 'jsconfig.json']) {
    lab.write(name, '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}');
  }
  lab.write('git', `#!/bin/sh\ntouch ${marker}\n`, 0o755);
  lab.git('add', '--all');
  const env = {
    BUN_OPTIONS: `--preload=${join(lab.root, 'evil.js')}`,
    NODE_OPTIONS: `--require=${join(lab.root, 'evil.js')}`,
    BUN_INSPECT_PRELOAD: join(lab.root, 'evil.js'),
    BUN_BE_BUN: '1',
    GIT_EXTERNAL_DIFF: join(lab.root, 'git'),
  };
  const { code, err } = lab.tryGit(['commit', '-q', '-m', 'x'], { env });
  expect([code, err]).toEqual([0, '']);
  lab.write('a', fixtureKey());
  lab.git('add', 'a');
  expect(lab.tryGit(['commit', '-q', '-m', 'x'], { env }).code).toBe(1);
  expect(existsSync(marker)).toBe(false);
});

test('when Sallyport is gone, commits are stopped with what to do, and status says so', async () => {
  using lab = openGitLab();
  await install(lab);
  const path = join(hooksOf(lab), 'pre-commit');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replaceAll(process.execPath, '/nonexistent/it’s gone'.replace('’', '')));
  const stopped = commit(lab, 'a', 'clean\n');
  expect(stopped.code).toBe(1);
  expect(stopped.err).toContain('is gone, so the commit was not checked');
  expect(stopped.err).toContain('sallyport hook install');
  expect(await lab.cli('hook', 'status')).toMatchObject({
    code: 1,
    out: expect.stringContaining('which is gone'),
  });
  await install(lab);
  expectInForce(lab);
  chmodSync(path, 0o644);
  expect(await lab.cli('hook', 'status')).toMatchObject({
    code: 1,
    out: expect.stringContaining('not executable'),
  });
  await install(lab);
  expectInForce(lab);
});

test('when git itself fails, the commit is stopped', async () => {
  using lab = openGitLab();
  await install(lab);
  expect(commit(lab, 'a', 'one\n').code).toBe(0);
  const object = lab.git('rev-parse', 'HEAD:a').trim();
  rmSync(join(lab.root, '.git', 'objects', object.slice(0, 2), object.slice(2)));
  const stopped = commit(lab, 'a', 'two\n');
  expect(stopped.code).toBe(1);
  expect(stopped.err).toContain('not everything could be scanned');
});

test('install, status and uninstall in JSON, and outside a repository', async () => {
  using lab = openGitLab();
  const path = join(lab.root, '.git', 'hooks', 'pre-commit');
  const place = { way: 'script', runBy: 'git', path };
  expect((await lab.cli('hook', 'status', '--json')).json()).toMatchObject({
    inForce: false,
    places: [{ ...place, problem: 'not installed' }],
  });
  expect((await lab.cli('hook', 'install', '--json')).json()).toEqual({
    places: [{ ...place, changed: true }],
    chained: null,
  });
  expect((await lab.cli('hook', 'install', '--json')).json()).toEqual({
    places: [{ ...place, changed: false }],
    chained: null,
  });
  expect((await lab.cli('hook', 'status', '--json')).json()).toMatchObject({
    inForce: true,
    places: [{ ...place, problem: null }],
  });
  expect((await lab.cli('hook', 'uninstall', '--json')).json()).toEqual({ removed: [path] });
  expect((await lab.cli('hook', 'uninstall', '--json')).json()).toEqual({ removed: [] });
  for (const verb of ['install', 'status', 'uninstall']) {
    const { code, err } = await run(['hook', verb], { cwd: lab.home, env: lab.env });
    expect([code, err.includes('no work tree of a git repository')]).toEqual([2, true]);
  }
});
