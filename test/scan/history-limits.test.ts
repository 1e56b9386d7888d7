/** A history of which something is not there, damaged or kept elsewhere is never clean; one in an unusual form is scanned like any other. */
import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { sample } from '../../src/detect/samples.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

const key = (seed: number): string => `gsk_${sample('alnum', 52, seed)}`;

interface Outcome {
  readonly code: number;
  readonly paths: readonly string[];
  readonly complete: boolean;
  readonly problems: string;
}

async function history(lab: GitLab, cwd = lab.root): Promise<Outcome> {
  const { code, out, err } = await run(['scan', '--history', '--json'], { cwd, env: lab.env });
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line || '{}') as { path?: string; complete?: boolean; problems?: string[] });
  const summary = lines.pop();
  return {
    code,
    paths: lines.map(({ path = '' }) => path),
    complete: summary?.complete ?? false,
    problems: (summary?.problems ?? []).join('\n') + err,
  };
}

function commit(lab: GitLab, path: string, content: string | Uint8Array): void {
  lab.write(path, content);
  lab.git('add', '-A');
  lab.git('commit', '-qm', 'change');
}

function clone(lab: GitLab, ...options: readonly string[]): string {
  const folder = join(lab.home, 'clone');
  lab.git('-c', 'protocol.file.allow=always', 'clone', '-q', ...options, `file://${lab.root}`, folder);
  return folder;
}

test('a shallow clone is never clean, and says what to do', async () => {
  using lab = openGitLab();
  for (const number of [1, 2, 3]) commit(lab, 'a.txt', `${number}\n`);
  const { code, problems } = await history(lab, clone(lab, '--depth=1'));
  expect(code).toBe(3);
  expect(problems).toContain('git fetch --unshallow');
  expect(problems).toContain('fetch-depth: 0');
});

test('a partial clone is never clean, and nothing is fetched for it', async () => {
  using lab = openGitLab();
  for (const number of [1, 2, 3]) commit(lab, 'a.txt', `${number}\n`);
  lab.git('config', 'uploadpack.allowFilter', 'true');
  const folder = clone(lab, '--filter=blob:none', '--no-checkout');
  const { code, problems } = await history(lab, folder);
  expect(code).toBe(3);
  expect(problems).toContain('partial clone, and 3 objects are not in it');
  const { out } = lab.tryGit(['-C', folder, 'count-objects', '-v']);
  expect(out).toContain('in-pack: 6');
  // As it says: with everything in it, it is like any other.
  lab.git('-C', folder, 'config', '--unset', 'remote.origin.partialclonefilter');
  lab.git('-C', folder, '-c', 'protocol.file.allow=always', 'fetch', '-q', '--refetch');
  expect(await history(lab, folder)).toMatchObject({ code: 0, complete: true });
});

test('an object that is gone makes the scan incomplete, however it was kept', async () => {
  using lab = openGitLab();
  commit(lab, 'a.txt', 'one\n');
  commit(lab, 'b.txt', 'two\n');
  const id = lab.git('rev-parse', 'HEAD^:a.txt').trim();
  rmSync(join(lab.root, '.git', 'objects', id.slice(0, 2), id.slice(2)));
  const { code, problems } = await history(lab);
  expect(code).toBe(3);
  expect(problems).toContain('1 objects are missing');
});

test('a byte that changed in a pack, or in a file of its own, is noticed, and the rest is scanned', async () => {
  using lab = openGitLab();
  for (let number = 0; number < 20; number += 1)
    commit(lab, `${number}.txt`, `${sample('alnum', 400, number)}\n`);
  commit(lab, 'leak.txt', `${key(1)}\n`);
  const spoilt = lab.git('rev-parse', 'HEAD:7.txt').trim();
  const loose = join(lab.root, '.git', 'objects', spoilt.slice(0, 2), spoilt.slice(2));
  const whole = readFileSync(loose);
  const spoil = (path: string, at: number): void => {
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    chmodSync(path, 0o644);
    writeFileSync(path, bytes);
  };
  spoil(loose, 40);
  const first = await history(lab);
  expect(first.problems).toContain('git fsck');
  expect([first.code, first.complete]).toEqual([1, false]);
  expect(first.paths).toEqual(['leak.txt']);
  writeFileSync(loose, whole);
  lab.git('repack', '-adfq');
  const packs = join(lab.root, '.git', 'objects', 'pack');
  const name = readdirSync(packs).find((file) => file.endsWith('.pack')) ?? '';
  const offset = lab
    .git('verify-pack', '-v', join(packs, name.replace(/pack$/, 'idx')))
    .split('\n')
    .find((line) => line.startsWith(spoilt))
    ?.split(/\s+/)[4];
  spoil(join(packs, name), Number(offset) + 60);
  const second = await history(lab);
  expect(second.problems).toContain('git fsck');
  expect([second.code, second.complete]).toEqual([1, false]);
  expect(second.paths).toEqual(['leak.txt']);
});

test('outside a repository it is wrong usage', async () => {
  using lab = openGitLab();
  const outside = join(lab.home, 'outside');
  mkdirSync(outside);
  const { code, problems } = await history(lab, outside);
  expect(code).toBe(2);
  expect(problems).toContain('this is no git repository');
});

test('what another repository lends, a bare one, one without commits and one with SHA-256 are scanned like any other', async () => {
  using lab = openGitLab();
  commit(lab, 'lent.txt', `${key(2)}\n`);
  const borrower = join(lab.home, 'borrower');
  lab.git('clone', '-q', '--shared', '--bare', lab.root, borrower);
  expect(await history(lab, borrower)).toMatchObject({ code: 1, paths: ['lent.txt'], complete: true });
  const empty = join(lab.home, 'empty');
  lab.git('init', '-q', empty);
  expect(await history(lab, empty)).toMatchObject({ code: 0, complete: true });
  const other = join(lab.home, 'other');
  lab.git('init', '-q', '--object-format=sha256', other);
  for (const content of [`${key(3)}\n`, 'nothing\n']) {
    writeFileSync(join(other, 'file.txt'), content);
    lab.git('-C', other, 'add', '-A');
    lab.git('-C', other, 'commit', '-qm', 'change');
  }
  expect(await history(lab, other)).toMatchObject({ code: 1, paths: ['file.txt'], complete: true });
  lab.git('-C', other, 'gc', '-q');
  expect(await history(lab, other)).toMatchObject({ code: 1, paths: ['file.txt'], complete: true });
});

test('the same value at the same path is one finding, of its first commit; at another path it is another', async () => {
  using lab = openGitLab();
  const value = key(4);
  commit(lab, 'a.txt', `${value}\n`);
  const first = lab.git('rev-parse', 'HEAD').trim();
  for (const number of [1, 2, 3]) commit(lab, 'a.txt', `${'\n'.repeat(number)}${value}\n`);
  commit(lab, 'b.txt', `copy\n${value}\n`);
  const { out } = await lab.cli('scan', '--history', '--json');
  const places = out
    .trim()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { path: string; line: number; commit: string });
  expect(places.map(({ path, line }) => `${path}:${line}`)).toEqual(['a.txt:1', 'b.txt:2']);
  expect(places[0]?.commit).toBe(first);
});

test('what Git LFS keeps is scanned where it is here, and the scan is incomplete where it is not', async () => {
  using lab = openGitLab();
  const content = `model\n${key(5)}\n`;
  const id = createHash('sha256').update(content).digest('hex');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${content.length}\n`;
  commit(lab, 'model.bin', pointer);
  const absent = await history(lab);
  expect([absent.code, absent.complete]).toEqual([3, false]);
  expect(absent.problems).toContain('git lfs fetch --all');
  const stored = join(lab.root, '.git', 'lfs', 'objects', id.slice(0, 2), id.slice(2, 4), id);
  mkdirSync(dirname(stored), { recursive: true });
  writeFileSync(stored, content);
  expect(await history(lab)).toMatchObject({ code: 1, paths: ['model.bin'], complete: true });
});

test('a submodule is another repository', async () => {
  using lab = openGitLab();
  const sub = join(lab.home, 'sub');
  lab.git('init', '-q', '-b', 'main', sub);
  writeFileSync(join(sub, 'leak.txt'), `${key(6)}\n`);
  lab.git('-C', sub, 'add', '-A');
  lab.git('-C', sub, 'commit', '-qm', 'leak');
  lab.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', sub, 'sub');
  commit(lab, 'a.txt', 'a\n');
  expect(await history(lab)).toMatchObject({ code: 0, complete: true });
  expect(await history(lab, join(lab.root, 'sub'))).toMatchObject({ code: 1, paths: ['leak.txt'] });
});

test('settings and hooks of a hostile repository start nothing', async () => {
  using lab = openGitLab();
  commit(lab, '.gitattributes', '* diff=spy filter=spy\n');
  commit(lab, 'leak.txt', `${key(7)}\n`);
  const marker = join(lab.home, 'ran');
  const spy = join(lab.home, 'spy');
  writeFileSync(spy, `#!/bin/sh\ntouch '${marker}'\ncat "$@"\n`, { mode: 0o755 });
  for (const name of [
    'diff.external',
    'diff.spy.textconv',
    'diff.spy.command',
    'filter.spy.smudge',
    'filter.spy.clean',
    'core.fsmonitor',
    'core.pager',
    'core.sshCommand',
    'core.alternateRefsCommand',
    'gpg.program',
  ])
    lab.git('config', name, spy);
  lab.git('config', 'log.showSignature', 'true');
  expect(await history(lab)).toMatchObject({ code: 1, paths: ['leak.txt'], complete: true });
  expect(readdirSync(lab.home)).not.toContain('ran');
});

test('a pipe among the objects holds nothing up: the scan is not complete', async () => {
  using lab = openGitLab();
  lab.write('a', 'one\n');
  lab.git('add', '--all');
  lab.git('commit', '-q', '-m', 'x');
  const folder = join(lab.root, '.git', 'objects', 'ab');
  mkdirSync(folder, { recursive: true });
  for (const path of [
    join(folder, 'c'.repeat(38)),
    join(lab.root, '.git', 'objects', 'pack', 'pack-a.idx'),
  ]) {
    expect(Bun.spawnSync(['mkfifo', path]).exitCode).toBe(0);
    const { code, out } = await lab.cli('scan', '--history', '--json');
    expect([code, out.includes('is no file, so the objects were not read')]).toEqual([3, true]);
    rmSync(path);
  }
  expect((await lab.cli('scan', '--history')).code).toBe(0);
});
