/** What `scan PATH...` sees of the disk: all files that git has or would take, everything that is named, and never less than it says. */
import { expect, test } from 'bun:test';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/cli/test-io.ts';
import { Crew } from '../../src/scan/files/crew.ts';
import { filesOf } from '../../src/scan/files/file-list.ts';
import { FileReader } from '../../src/scan/files/file-reader.ts';
import { NO_PROGRESS } from '../../src/scan/progress.ts';
import { Collector } from '../../src/scan/sink.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';
import { fixtureKey } from '../support/harness.ts';

interface Outcome {
  readonly code: number;
  readonly places: string[];
  readonly files: number;
  readonly problems: string[];
  readonly err: string;
}

async function scan(lab: GitLab, ...argv: string[]): Promise<Outcome> {
  const { code, out, err } = await lab.cli('scan', '--json', ...argv);
  const lines = out
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const summary = lines.pop() ?? {};
  const places = lines.map(({ path, line, column }) => `${String(path)}:${String(line)}:${String(column)}`);
  const problems = (summary['problems'] ?? []) as string[];
  expect(summary['complete'] ?? false).toBe(problems.length === 0 && code < 2);
  return { code, places, files: Number(summary['files'] ?? -1), problems, err };
}

/** A file with a key in its second line. */
function plant(lab: GitLab, path: string): string {
  const key = fixtureKey();
  lab.write(path, `first\nkey = "${key}"\n`);
  return `${path}:2:8`;
}

test('of a work tree: what git has and what it would take; what it ignores only when it is asked for', async () => {
  using lab = openGitLab();
  lab.write('.gitignore', 'build/\n*.log\n.env\n');
  const tracked = plant(lab, 'src/tracked.ts');
  lab.git('add', '-A');
  const changed = plant(lab, 'src/deep/er/untracked.ts');
  const ignored = [plant(lab, 'build/out.js'), plant(lab, 'a.log'), plant(lab, '.env')];
  const seen = await scan(lab);
  expect([seen.code, seen.places.toSorted()]).toEqual([1, [changed, tracked].toSorted()]);
  expect(seen.files).toBe(3);
  expect((await scan(lab, '.')).places).toEqual(seen.places);
  expect((await scan(lab, 'src')).places.toSorted()).toEqual([changed, tracked].toSorted());
  expect((await scan(lab, '--all-files')).places.toSorted()).toEqual(
    [...ignored, changed, tracked].toSorted(),
  );
  // Named by themselves, a file and a folder are scanned all the same.
  expect((await scan(lab, '.env', 'build')).places.toSorted()).toEqual(
    ignored.filter((place) => !place.startsWith('a.log')).toSorted(),
  );
  expect((await scan(lab, join(lab.root, 'build'))).places).toEqual([`${lab.root}/build/out.js:2:8`]);
});

test('outside of any repository all files are scanned, also those that begin with a dot; never what is in .git', async () => {
  using lab = openGitLab();
  rmSync(join(lab.root, '.git'), { recursive: true });
  const expected = [plant(lab, '.env'), plant(lab, 'a/.hidden/b'), plant(lab, 'c')];
  plant(lab, 'x/.git/objects/pack');
  expect((await scan(lab)).places.toSorted()).toEqual(expected.toSorted());
});

test('as the work tree stands: changes that are not staged count, files that were deleted do not', async () => {
  using lab = openGitLab();
  plant(lab, 'gone');
  lab.write('a', 'clean\n');
  lab.git('add', '-A');
  rmSync(join(lab.root, 'gone'));
  const place = plant(lab, 'a');
  expect(await scan(lab)).toMatchObject({ code: 1, places: [place], problems: [] });
});

test('paths that overlap, and one that is given twice, count once', async () => {
  using lab = openGitLab();
  const place = plant(lab, 'src/a');
  const { places, files } = await scan(lab, 'src', '.', 'src/a', './src/');
  expect([places, files]).toEqual([[place], 1]);
});

test('a path that is not there is wrong usage, and says so without the value that it may be', async () => {
  using lab = openGitLab();
  plant(lab, 'a');
  const missing = await scan(lab, 'a', 'b');
  expect([missing.code, missing.places]).toEqual([2, []]);
  expect(missing.err).toContain('b is not there');
  const key = fixtureKey();
  const pasted = await lab.cli('scan', key);
  expect(pasted.code).toBe(2);
  expect(pasted.err + pasted.out).not.toContain(key.slice(4, 20));
  for (const argv of [
    ['--staged', 'a'],
    ['--stdin', '.'],
    ['--staged', '--all-files'],
  ])
    expect((await lab.cli('scan', ...argv)).code).toBe(2);
});

test('links are not followed, but one that is named is', async () => {
  using lab = openGitLab();
  const outside = join(lab.home, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secrets'), fixtureKey());
  symlinkSync(outside, join(lab.root, 'folder'));
  symlinkSync(join(outside, 'secrets'), join(lab.root, 'file'));
  symlinkSync('nowhere', join(lab.root, 'dangling'));
  for (const options of [[], ['--all-files']]) {
    expect(await scan(lab, ...options)).toMatchObject({ code: 0, places: [], problems: [] });
  }
  expect((await scan(lab, 'file')).places).toEqual(['file:1:1']);
  expect((await scan(lab, 'folder')).places).toEqual(['folder/secrets:1:1']);
});

test('a pipe is never waited for: passed over in a folder, said when it is named', async () => {
  using lab = openGitLab();
  expect(Bun.spawnSync(['mkfifo', join(lab.root, 'pipe')]).exitCode).toBe(0);
  for (const options of [[], ['--all-files']]) {
    expect(await scan(lab, ...options)).toMatchObject({ code: 0, problems: [] });
  }
  expect(await scan(lab, 'pipe')).toMatchObject({
    code: 3,
    problems: ['pipe is neither a file nor a folder'],
  });
  expect((await scan(lab, '/dev/null')).code).toBe(3);
});

test('repositories inside, submodules or not, are scanned with what they ignore left out', async () => {
  using lab = openGitLab();
  const top = plant(lab, 'a');
  for (const nested of ['one', 'sub/two']) {
    mkdirSync(join(lab.root, nested), { recursive: true });
    lab.tryGit(['init', '--quiet'], { cwd: join(lab.root, nested) });
    lab.write(`${nested}/.gitignore`, 'no\n');
    plant(lab, `${nested}/no`);
    plant(lab, `${nested}/yes`);
    lab.tryGit(['add', '-A'], { cwd: join(lab.root, nested) });
    lab.tryGit(['commit', '--quiet', '--message=x'], { cwd: join(lab.root, nested) });
  }
  expect((await scan(lab)).places.toSorted()).toEqual([top, 'one/yes:2:8', 'sub/two/yes:2:8'].toSorted());
  // As a submodule that is in the index.
  lab.tryGit(['add', 'one']);
  expect(lab.git('ls-files', '-s', 'one')).toStartWith('160000');
  expect((await scan(lab)).places.toSorted()).toEqual([top, 'one/yes:2:8', 'sub/two/yes:2:8'].toSorted());
  // One of which nothing but an empty folder is there.
  rmSync(join(lab.root, 'one'), { recursive: true });
  mkdirSync(join(lab.root, 'one'));
  expect((await scan(lab)).problems).toEqual([
    'one is a submodule and not here: git submodule update --init',
  ]);
  // A repository that is damaged is walked through instead.
  rmSync(join(lab.root, 'sub', 'two', '.git', 'HEAD'));
  writeFileSync(join(lab.root, 'sub', 'two', '.git', 'config'), '[core\n');
  expect((await scan(lab, 'sub/two/yes', '--all-files')).places).toEqual(['sub/two/yes:2:8']);
});

test('a variable that names another repository does not choose what is scanned', async () => {
  using lab = openGitLab();
  const place = plant(lab, 'a');
  using other = openGitLab();
  const env = { ...lab.env, GIT_DIR: join(other.root, '.git'), GIT_INDEX_FILE: '/nowhere' };
  const { out, code } = await run(['scan', '--json'], { cwd: lab.root, env });
  expect([code, out.includes(`"path":"${place.split(':')[0] ?? ''}"`)]).toEqual([1, true]);
});

test('where git does not list its files the scan says so and scans the rest, and --all-files goes without it', async () => {
  using lab = openGitLab();
  const place = plant(lab, 'a');
  const other = plant(lab, 'sub/b');
  lab.tryGit(['init', '--quiet'], { cwd: join(lab.root, 'sub') });
  writeFileSync(join(lab.root, '.git', 'config'), '[core\n');
  const { places, problems, code } = await scan(lab, 'sub', '.');
  expect([code, places]).toEqual([1, [other]]);
  expect(problems).toEqual([expect.stringContaining('--all-files')]);
  expect((await scan(lab)).code).toBe(3);
  expect((await scan(lab, '--all-files')).places.toSorted()).toEqual([place, other].toSorted());
});

test('a file that Git LFS keeps and that is not here counts as not scanned', async () => {
  using lab = openGitLab();
  const id = '0123456789abcdef'.repeat(4);
  lab.write('a.bin', `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize 12345\n`);
  expect(await scan(lab)).toMatchObject({
    code: 3,
    problems: ['a.bin is kept by Git LFS and not here: git lfs pull'],
  });
});

test('names that are no UTF-8, and names with line ends, are opened', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  const names = [
    Buffer.from('a\xff\xfeb', 'latin1'),
    Buffer.from('line\nend'),
    Buffer.from('ümlaut ✓'),
    Buffer.from('"quo"te'),
  ];
  for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${lab.root}/`), name]), key);
  mkdirSync(Buffer.concat([Buffer.from(`${lab.root}/`), Buffer.from('dir\xff', 'latin1')]));
  writeFileSync(Buffer.concat([Buffer.from(`${lab.root}/`), Buffer.from('dir\xff/in', 'latin1')]), key);
  for (const options of [[], ['--all-files']]) {
    const { places, problems } = await scan(lab, ...options);
    expect([places.length, problems]).toEqual([5, []]);
  }
});

test('a secret in the name of a file or of a folder is found, and printed nowhere', async () => {
  using lab = openGitLab();
  const [one, two] = [fixtureKey(), fixtureKey()];
  lab.write(`notes ${one}.txt`, 'x\n');
  lab.write(`${two}/a/b`, 'x\n');
  lab.write('c', 'x\n');
  const { code, out, err } = await lab.cli('scan', '--json');
  expect(code).toBe(1);
  expect(out.match(/"line":0,"column":0/g)).toHaveLength(2);
  expect(`${out}${err}`).not.toContain(one.slice(6, 22));
  expect(`${out}${err}`).not.toContain(two.slice(6, 22));
});

test('a large file is scanned to its end in pieces, an archive is opened, and lines are right', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  const lines = 'clean words\n'.repeat(3 * 1024 * 1024);
  lab.write('large', `${lines}${key}\n`);
  lab.write('data.gz', gzipSync(`first\n${key}`));
  lab.write('middle', `${lines.slice(0, 5 * 1024 * 1024)}\n${key}`);
  const { places, problems } = await scan(lab);
  const middle = lines.slice(0, 5 * 1024 * 1024).split('\n').length + 1;
  expect([places.toSorted(), problems]).toEqual([
    ['data.gz!data:2:1', `large:${3 * 1024 * 1024 + 1}:1`, `middle:${middle}:1`].toSorted(),
    [],
  ]);
});

test('what cannot be read makes the scan incomplete', async () => {
  using lab = openGitLab();
  const place = plant(lab, 'a');
  // A file that fails to be read, for root too: the memory of this process, at its first byte.
  const { code, places, problems } = await scan(lab, 'a', '/proc/self/mem');
  expect([code, places, problems]).toEqual([1, [place], ['/proc/self/mem cannot be read (EIO)']]);
  expect((await scan(lab, '/proc/self/mem')).code).toBe(3);
});

test('a file of the kernel, which says that it is empty, is read to its end', async () => {
  using lab = openGitLab();
  expect(await scan(lab, '/proc/self/status')).toMatchObject({ code: 0, files: 1, problems: [] });
  expect((await lab.cli('scan', '--json', '/proc/self/status')).out).not.toContain('"bytes":0,');
});

test('a large file that changes while it is read is not taken for scanned', () => {
  using lab = openGitLab();
  const path = join(lab.root, 'growing');
  writeFileSync(path, '');
  truncateSync(path, 40 * 1024 * 1024);
  let pieces = 0;
  const read = new FileReader().read(path, false, {
    begin: () => false,
    piece: () => {
      pieces += 1;
      if (pieces === 2) truncateSync(path, 38 * 1024 * 1024);
    },
  });
  expect(read).toMatchObject({ is: 'large', changed: true });
  expect(
    new FileReader().read(join(lab.root, 'none'), false, { begin: () => false, piece: () => undefined }),
  ).toEqual({
    is: 'gone',
  });
});

/** Many files, of which every fiftieth has a key. */
function plantMany(lab: GitLab): number {
  let keys = 0;
  for (let file = 0; file < 1000; file += 1) {
    const name = `many/${String(file).padStart(4, '0')}.txt`;
    if (file % 50 === 7) {
      plant(lab, name);
      keys += 1;
    } else lab.write(name, 'words of no account\n'.repeat(200));
  }
  return keys;
}

async function crewScan(
  lab: GitLab,
  helpers: number,
): Promise<{ order: string[]; files: number; bytes: number }> {
  const options = { cwd: lab.root, env: lab.env, allFiles: false };
  const { names } = await filesOf('.', options);
  const result = new Collector();
  const crew = new Crew(names, {
    cwd: lab.root,
    content: {},
    progress: NO_PROGRESS,
    helpers,
    bytesPerHelper: 1,
  });
  await crew.scan(result);
  const order = result.findings.map(({ path, line, fingerprint }) => `${path}:${line} ${fingerprint}`);
  return { order, files: result.files, bytes: result.bytes };
}

test('with helpers the findings, their order and what was looked at are those of one thread', async () => {
  using lab = openGitLab();
  const keys = plantMany(lab);
  const alone = await crewScan(lab, 0);
  expect([alone.order.length, alone.files]).toEqual([keys, 1000]);
  for (const helpers of [1, 2]) expect(await crewScan(lab, helpers)).toEqual(alone);
});

test('what a helper had taken when it ended is scanned all the same', async () => {
  using lab = openGitLab();
  const keys = plantMany(lab);
  const { Worker: Real } = globalThis;
  let ended = 0;
  // One that takes a batch, as a helper does first, and ends.
  class Dying extends Real {
    override postMessage(message: { readonly next: Int32Array }): void {
      Atomics.add(message.next, 0, 3);
      ended += 1;
      this.terminate();
    }
  }
  globalThis.Worker = Dying;
  try {
    expect((await crewScan(lab, 2)).order).toHaveLength(keys);
  } finally {
    globalThis.Worker = Real;
  }
  expect(ended).toBe(2);
});

test('a repository without its files is not taken for a folder that is clean', async () => {
  using lab = openGitLab();
  lab.git('init', '-q', '--bare', join(lab.home, 'bare.git'));
  const { code, problems } = await scan(lab, lab.home);
  expect([code, problems]).toEqual([3, [expect.stringContaining('bare.git/ is a repository of git')]]);
});
