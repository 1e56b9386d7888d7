/** The hook before a push, in real repositories with real remotes: what brings a secret to the other side is stopped, and nothing else. */
import { describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fixtureKey } from '../support/harness.ts';
import { type GitLab, type GitResult, openGitLab } from '../support/git-lab.ts';

function commit(lab: GitLab, path: string, content: string): void {
  lab.write(path, content);
  lab.git('add', '--all');
  lab.git('commit', '-q', '--no-verify', '-m', 'x');
}

/** With a remote that has one commit. */
function withRemote(lab: GitLab): string {
  const remote = join(lab.home, 'remote.git');
  lab.git('init', '-q', '--bare', remote);
  lab.git('remote', 'add', 'origin', remote);
  commit(lab, 'a', 'one\n');
  lab.git('push', '-q', '--set-upstream', 'origin', 'main');
  return remote;
}

function push(lab: GitLab, ...args: string[]): GitResult {
  return lab.tryGit(['push', '-q', ...args]);
}

async function install(lab: GitLab): Promise<string> {
  const { code, out, err } = await lab.cli('hook', 'install', '--pre-push');
  expect([code, err.includes('error:')]).toEqual([0, false]);
  expect((await lab.cli('hook', 'status')).code).toBe(0);
  return out + err;
}

const hooksOf = (lab: GitLab): string => join(lab.root, '.git', 'hooks');

function snapshot(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    (existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]) : [])
      .toSorted()
      .map((name) => {
        const stats = lstatSync(join(folder, name));
        return `${name} ${stats.mode.toString(8)} ${stats.isFile() ? readFileSync(join(folder, name)).toString('base64') : ''}`;
      }),
  );
}

test('a commit that was made without the hook does not leave, and clean ones do', async () => {
  using lab = openGitLab();
  withRemote(lab);
  await install(lab);
  commit(lab, 'b', 'clean\n');
  expect(push(lab)).toMatchObject({ code: 0, err: '' });
  const key = fixtureKey();
  commit(lab, 'c', `\nkey=${key}\n`);
  commit(lab, 'c', 'gone again\n');
  const stopped = push(lab);
  expect(stopped.code).toBe(1);
  expect(stopped.err).toContain('c:2:5: Groq API key');
  expect(stopped.err).toContain('1 secret in what is pushed');
  expect(stopped.err).not.toContain(key.slice(4, 16));
  expect(push(lab, '--no-verify').code).toBe(0);
  // What git was told is passed on as it was typed.
  commit(lab, 'e', 'clean\n');
  lab.git('commit', '-q', '--no-verify', '--allow-empty', '-m', 'some words');
  expect(push(lab, 'origin', ':/some words:refs/heads/words')).toMatchObject({ code: 0, err: '' });
  // What is there already is no news.
  commit(lab, 'd', 'clean\n');
  expect(push(lab).code).toBe(0);
});

test('new branches, tags, other names and several at once are looked at for what is new to the remote', async () => {
  using lab = openGitLab();
  const remote = withRemote(lab);
  commit(lab, 'old', fixtureKey());
  lab.git('push', '-q');
  await install(lab);
  lab.git('switch', '-q', '-c', 'side');
  commit(lab, 'b', 'clean\n');
  expect(push(lab, 'origin', 'side').code).toBe(0);
  commit(lab, 'b', fixtureKey());
  for (const refs of [['side'], ['HEAD:refs/heads/other'], ['main', 'side:refs/heads/x'], ['--all']]) {
    expect(push(lab, 'origin', ...refs).err).toContain('b:1:1: Groq API key');
  }
  lab.git('tag', '-a', '-m', 'x', 'v1');
  expect(push(lab, 'origin', 'v1').code).toBe(1);
  expect(push(lab, 'origin', 'main').code).toBe(0);
  expect(push(lab, 'origin', ':side').code).toBe(0);
  // Another remote has nothing of it, so the old key is news there; so it is where only an address is known.
  const second = join(lab.home, 'second.git');
  lab.git('init', '-q', '--bare', second);
  lab.git('remote', 'add', 'second', second);
  expect(push(lab, 'second', 'main').err).toContain('old:1:1: Groq API key');
  expect(push(lab, remote, 'main~1:refs/heads/again').code).toBe(0);
});

test('a push with force over commits that were never fetched is looked at as a whole', async () => {
  using lab = openGitLab();
  const remote = withRemote(lab);
  const other = join(lab.home, 'other');
  lab.git('clone', '-q', remote, other);
  writeFileSync(join(other, 'x'), 'x');
  lab.tryGit(['add', 'x'], { cwd: other });
  lab.tryGit(['commit', '-q', '-m', 'x'], { cwd: other });
  expect(lab.tryGit(['push', '-q'], { cwd: other }).code).toBe(0);
  await install(lab);
  commit(lab, 'b', fixtureKey());
  expect(push(lab, '--force').err).toContain('b:1:1: Groq API key');
});

test('uninstalling leaves no trace, and commits and pushes go unchecked', async () => {
  using lab = openGitLab();
  withRemote(lab);
  const before = snapshot(join(lab.root, '.git', 'hooks'));
  const said = await install(lab);
  expect(said).toContain(join('hooks', 'pre-push'));
  const installed = snapshot(hooksOf(lab));
  await install(lab);
  expect(snapshot(hooksOf(lab))).toEqual(installed);
  expect((await lab.cli('hook', 'uninstall')).out).toContain('pre-push');
  expect(snapshot(hooksOf(lab))).toEqual(before);
  commit(lab, 'b', fixtureKey());
  expect(push(lab).code).toBe(0);
  const { err, code } = await lab.cli('hook', 'status');
  expect([code, err.includes('pushes are not checked')]).toEqual([1, true]);
});

test('status says when the hook before a push does not hold any more', async () => {
  using lab = openGitLab();
  withRemote(lab);
  await install(lab);
  expect((await lab.cli('hook', 'status', '--json')).json()).toMatchObject({
    inForce: true,
    prePush: { inForce: true },
  });
  const path = join(hooksOf(lab), 'pre-push');
  chmodSync(path, 0o644);
  expect(await lab.cli('hook', 'status')).toMatchObject({
    code: 1,
    out: expect.stringContaining('not executable'),
  });
  await install(lab);
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(process.execPath, '/nonexistent/sallyport'));
  const stopped = push(lab, 'origin', 'main:new');
  expect([stopped.code, stopped.err]).toEqual([1, expect.stringContaining('the push was not checked')]);
});

describe('a hook that is there', () => {
  const script = (lab: GitLab, body = ':'): string =>
    `#!/bin/sh\n${body}\n{ echo "$1 $2"; cat; } >>"${join(lab.home, 'said')}"\n`;

  test('runs as well, and is told all that git says', async () => {
    using lab = openGitLab();
    const remote = withRemote(lab);
    mkdirSync(hooksOf(lab), { recursive: true });
    writeFileSync(join(hooksOf(lab), 'pre-push'), script(lab), { mode: 0o755 });
    commit(lab, 'b', 'clean\n');
    await install(lab);
    expect(push(lab).code).toBe(0);
    const said = readFileSync(join(lab.home, 'said'), 'utf8');
    expect(said).toMatch(
      new RegExp(`^origin ${remote}\nrefs/heads/main [0-9a-f]{40} refs/heads/main [0-9a-f]{40}\n$`),
    );
    writeFileSync(join(hooksOf(lab), 'pre-push.before-sallyport'), '#!/bin/sh\nexit 7\n', { mode: 0o755 });
    commit(lab, 'b', 'clean again\n');
    expect(push(lab).code).toBe(1);
    renameSync(join(hooksOf(lab), 'pre-push.before-sallyport'), join(lab.home, 'x'));
    expect(push(lab).code).toBe(0);
  });

  test('among files that a team shares keeps what git says for the lines behind ours', async () => {
    using lab = openGitLab();
    const remote = withRemote(lab);
    lab.git('config', 'core.hooksPath', '.githooks');
    lab.write('.githooks/pre-push', script(lab), 0o755);
    const before = snapshot(join(lab.root, '.githooks'));
    await install(lab);
    expect(readFileSync(join(lab.root, '.githooks/pre-push'), 'utf8')).not.toContain(lab.root);
    commit(lab, 'b', 'clean\n');
    expect(push(lab)).toMatchObject({ code: 0 });
    expect(readFileSync(join(lab.home, 'said'), 'utf8')).toMatch(
      new RegExp(`^origin ${remote}\nrefs/heads/main [0-9a-f]{40} refs/heads/main [0-9a-f]{40}\n$`),
    );
    commit(lab, 'b', fixtureKey());
    expect(push(lab).err).toContain('b:1:1: Groq API key');
    await lab.cli('hook', 'uninstall');
    expect(snapshot(join(lab.root, '.githooks'))).toEqual(before);
  });

  test('husky: its file of commands gets our lines', async () => {
    using lab = openGitLab();
    withRemote(lab);
    lab.write(
      '.husky/_/h',
      's=$(dirname "$(dirname "$0")")/$(basename "$0")\n[ -f "$s" ] || exit 0\nsh -e "$s" "$@"\n',
    );
    for (const name of ['pre-commit', 'pre-push'])
      lab.write(`.husky/_/${name}`, '#!/usr/bin/env sh\n. "$(dirname "$0")/h"', 0o755);
    lab.git('config', 'core.hooksPath', '.husky/_');
    lab.write('.husky/pre-push', 'echo tests >>ran.log\n');
    const before = snapshot(join(lab.root, '.husky'));
    await install(lab);
    commit(lab, 'b', fixtureKey());
    expect(push(lab).err).toContain('b:1:1: Groq API key');
    expect(existsSync(join(lab.root, 'ran.log'))).toBe(false);
    await lab.cli('hook', 'uninstall');
    expect(snapshot(join(lab.root, '.husky'))).toEqual(before);
    expect(push(lab).code).toBe(0);
    expect(readFileSync(join(lab.root, 'ran.log'), 'utf8')).toBe('tests\n');
  });

  test('lefthook: two commands in one’s own settings, and both go without a trace', async () => {
    using lab = openGitLab();
    withRemote(lab);
    lab.write('lefthook.yml', 'pre-push:\n  jobs: []\n');
    const own = '# mine\npre-push:\n  commands:\n    other:\n      run: "true"\n';
    lab.write('lefthook-local.yml', own);
    mkdirSync(hooksOf(lab), { recursive: true });
    for (const name of ['pre-commit', 'pre-push'])
      writeFileSync(join(hooksOf(lab), name), `#!/bin/sh\ncall_lefthook run ${name}\n`, { mode: 0o755 });
    await install(lab);
    const settings = Bun.YAML.parse(readFileSync(join(lab.root, 'lefthook-local.yml'), 'utf8')) as {
      'pre-push': { commands: { sallyport: { run: string } } };
    };
    const command = settings['pre-push'].commands.sallyport.run;
    expect(command).toMatch(/sallyport\/pre-push'? '\{1\}'$/);
    expect(settings).toMatchObject({
      'pre-commit': { commands: { sallyport: { run: expect.stringContaining('sallyport/pre-commit') } } },
      'pre-push': {
        commands: {
          other: { run: 'true' },
          sallyport: { run: command, use_stdin: true },
        },
      },
    });
    // As lefthook runs it.
    commit(lab, 'b', fixtureKey());
    const tip = lab.git('rev-parse', 'HEAD').trim();
    const there = lab.git('rev-parse', 'HEAD^').trim();
    const child = Bun.spawnSync(['sh', '-c', command.replace('{1}', 'origin')], {
      cwd: lab.root,
      env: lab.env,
      stdin: Buffer.from(`refs/heads/main ${tip} refs/heads/main ${there}\n`),
      stderr: 'pipe',
    });
    expect([child.exitCode, child.stderr.toString()]).toEqual([
      1,
      expect.stringContaining('b:1:1: Groq API key'),
    ]);
    await lab.cli('hook', 'uninstall');
    expect(readFileSync(join(lab.root, 'lefthook-local.yml'), 'utf8')).toBe(own);
  });
});
