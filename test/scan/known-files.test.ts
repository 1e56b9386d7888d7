/** What a scan of files need not look at again: never a file that is not as it was when nothing was found in it. */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GitLab, openGitLab } from '../support/git-lab.ts';
import { fixtureKey } from '../support/harness.ts';

const FILES = 20;
const TEXT = `${'words of no account '.repeat(4)}\n`;
const BYTES = FILES * TEXT.length;

interface Seen {
  readonly code: number;
  readonly paths: string[];
  readonly files: number;
  readonly bytes: number;
}

async function scan(lab: GitLab, ...argv: string[]): Promise<Seen> {
  const { code, out } = await lab.cli('scan', '--json', ...argv);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; files: number; bytes: number });
  const summary = lines.pop();
  const paths = lines.map(({ path }) => path).sort();
  return { code, paths, files: summary?.files ?? -1, bytes: summary?.bytes ?? -1 };
}

/** A key of exactly the length of the text, so that a file keeps its size. */
function keyOfSize(): string {
  return `${fixtureKey()} `.padEnd(TEXT.length - 1, '.').concat('\n');
}

/** What was touched in the same tick of the kernel's clock as a scan began is looked at again; here it must not be. */
function letTheClockTick(): void {
  Bun.sleepSync(50);
}

function openTree(): GitLab {
  const lab = openGitLab();
  for (let file = 0; file < FILES; file += 1) lab.write(`many/${file}.txt`, TEXT);
  lab.git('add', '-A');
  letTheClockTick();
  return lab;
}

function cacheOf(lab: GitLab): string[] {
  const folder = join(lab.home, '.cache', 'sallyport', 'clean-files');
  return readdirSync(folder).map((name) => join(folder, name));
}

test('what was clean and is as it was is not read again; --no-cache and other choices read it all the same', async () => {
  using lab = openTree();
  expect(await scan(lab)).toEqual({ code: 0, paths: [], files: FILES, bytes: BYTES });
  expect(await scan(lab)).toEqual({ code: 0, paths: [], files: FILES, bytes: 0 });
  expect((await scan(lab, '--no-cache')).bytes).toBe(BYTES);
  expect((await scan(lab, '--generic')).bytes).toBe(BYTES);
  expect((await scan(lab, '--generic')).bytes).toBe(0);
  rmSync(join(lab.root, '.git'), { recursive: true });
  expect((await scan(lab)).bytes).toBe(0);
});

test('a file of the same size and with its old time is read; git itself does not notice it within a second', async () => {
  using lab = openTree();
  await scan(lab);
  const path = join(lab.root, 'many', '7.txt');
  const { atime, mtime } = statSync(path);
  writeFileSync(path, keyOfSize());
  utimesSync(path, atime, mtime);
  expect(statSync(path).size).toBe(TEXT.length);
  letTheClockTick();
  for (const step of ['as it is', 'after git add', 'again']) {
    if (step !== 'as it is') lab.git('add', '-A');
    expect(await scan(lab)).toMatchObject({ code: 1, paths: ['many/7.txt'], bytes: TEXT.length });
  }
});

test('a file that is replaced by another one, and one under another name, are read', async () => {
  using lab = openTree();
  await scan(lab);
  const path = join(lab.root, 'many', '5.txt');
  const { atime, mtime } = statSync(path);
  writeFileSync(join(lab.home, 'other'), keyOfSize());
  utimesSync(join(lab.home, 'other'), atime, mtime);
  renameSync(join(lab.home, 'other'), path);
  renameSync(join(lab.root, 'many', '2.txt'), join(lab.root, 'many', '2.ipynb'));
  letTheClockTick();
  expect(await scan(lab)).toMatchObject({ code: 1, paths: ['many/5.txt'], bytes: 2 * TEXT.length });
});

test('what git is told not to check, and what it converts, is checked', async () => {
  using lab = openTree();
  lab.write('.gitattributes', 'many/1.txt filter=lfs text\n');
  letTheClockTick();
  await scan(lab);
  for (const [flag, file] of [
    ['--assume-unchanged', 'many/3.txt'],
    ['--skip-worktree', 'many/4.txt'],
  ] as const) {
    lab.git('update-index', flag, file);
    lab.write(file, keyOfSize());
  }
  lab.write('many/1.txt', keyOfSize());
  letTheClockTick();
  expect((await scan(lab)).paths).toEqual(['many/1.txt', 'many/3.txt', 'many/4.txt']);
});

test('a file with a finding, one that is allowed, and one that was touched just now are read each time', async () => {
  using lab = openTree();
  lab.write('a', keyOfSize());
  lab.write('b', `key = "${fixtureKey()}" // sallyport:allow an example\n`);
  letTheClockTick();
  const bytes = TEXT.length + statSync(join(lab.root, 'b')).size;
  await scan(lab);
  for (let round = 0; round < 2; round += 1)
    expect(await scan(lab)).toMatchObject({ code: 1, files: FILES + 2, bytes });
  // In a future that a wrong clock has, nothing is older.
  const later = new Date(Date.now() + 3_600_000);
  utimesSync(join(lab.root, 'many', '1.txt'), later, later);
  letTheClockTick();
  expect((await scan(lab)).bytes).toBe(bytes + TEXT.length);
});

test('names are searched each time', async () => {
  using lab = openTree();
  const key = fixtureKey();
  lab.write(`many/${key}`, TEXT);
  letTheClockTick();
  for (let round = 0; round < 2; round += 1) {
    const { code, out } = await lab.cli('scan', '--json');
    expect([code, out.includes('"line":0'), out.includes(key.slice(4, 20))]).toEqual([1, true, false]);
  }
});

test('a memory that is cut, damaged or of another scanner knows nothing, and holds no name and no value', async () => {
  using lab = openTree();
  await scan(lab);
  const [path = ''] = cacheOf(lab);
  const good = readFileSync(path);
  expect(good.includes('many')).toBe(false);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const bad = [good.subarray(0, -1), good.subarray(0, 10), Buffer.alloc(0), Buffer.from(good)];
  bad[3]?.writeUInt8((good[good.length - 30] ?? 0) ^ 1, good.length - 30);
  const other = Buffer.from(good);
  other.write('SPfiles0');
  for (const file of [...bad, other]) {
    writeFileSync(path, file);
    expect((await scan(lab)).bytes).toBe(BYTES);
    expect((await scan(lab)).bytes).toBe(0);
  }
  expect(cacheOf(lab)).toEqual([path]);
});

test('without a home folder, and with one that cannot be written, everything is read', async () => {
  using lab = openTree();
  // A file where the folder should be.
  rmSync(join(lab.home, '.cache'), { recursive: true, force: true });
  writeFileSync(join(lab.home, '.cache'), '');
  for (let round = 0; round < 2; round += 1) expect((await scan(lab)).bytes).toBe(BYTES);
});
