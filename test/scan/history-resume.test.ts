/** A scan of a history that was cut off goes on where it was and loses nothing; what is new is all that the next one looks at. */
import { expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { sample } from '../../src/detect/samples.ts';
import { CleanBlobs } from '../../src/scan/clean-blobs.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

const PROCESS = Bun.fileURLToPath(new URL('../support/history-process.ts', import.meta.url));

interface Summary {
  readonly complete: boolean;
  readonly bytes: number;
  readonly files: number;
  readonly findings: number;
}

function resultOf(out: string): { readonly paths: string[]; readonly summary: Summary } {
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Summary & { readonly path: string });
  const summary = lines.pop();
  if (!summary) throw new Error('nothing was printed');
  return { paths: lines.map(({ path }) => path).toSorted(), summary };
}

const BLOBS = 2000;
const SECRETS = [3, 400, 777, 1500, 1999];
const PATHS = SECRETS.map((number) => `f/${number}.txt`).toSorted();

/** Many objects of which none is a delta, so that a scan has many steps. */
async function fill(lab: GitLab): Promise<void> {
  let stream = 'commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 2\nc\n';
  for (let number = 0; number < BLOBS; number += 1) {
    const secret = SECRETS.includes(number) ? `gsk_${sample('alnum', 52, number)}` : 'nothing';
    const content = `file ${number}\nvalue = ${secret}\n${`line ${number} of some text\n`.repeat(64)}`;
    stream += `M 100644 inline f/${number}.txt\ndata ${content.length}\n${content}\n`;
  }
  const importing = Bun.spawn(['git', 'fast-import', '--quiet', '--depth=0'], {
    cwd: lab.root,
    env: { ...lab.env },
    stdin: Buffer.from(`${stream}\n`),
    stdout: 'ignore',
    stderr: 'inherit',
  });
  expect(await importing.exited).toBe(0);
  lab.git('repack', '-adq', '--depth=0');
}

const gitFolder = (lab: GitLab): string => join(lab.root, '.git');
const known = (lab: GitLab): number => new CleanBlobs({ env: lab.env, gitFolder: gitFolder(lab) }).size;

async function killed(lab: GitLab, at: string): Promise<void> {
  const marker = join(lab.home, 'reached');
  const child = Bun.spawn([process.execPath, PROCESS, lab.root], {
    env: { ...lab.env, SALLYPORT_FAILPOINT: at, SALLYPORT_FAILPOINT_MARKER: marker },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  await child.exited;
  expect([child.signalCode, existsSync(marker)]).toEqual(['SIGKILL', true]);
}

test.each(['in-survey:2', 'in-survey:9', 'in-clean-save:1', 'in-clean-save:4', 'in-clean-save:8'])(
  'kill -9 at %s: the next scan finds everything, and what was kept is true',
  async (at) => {
    using lab = openGitLab();
    await fill(lab);
    await killed(lab, at);
    const kept = known(lab);
    expect(kept).toBeLessThan(BLOBS);
    if (at !== 'in-clean-save:1' && at !== 'in-survey:2') expect(kept).toBeGreaterThan(0);
    const next = await lab.cli('scan', '--history', '--json');
    expect(next.code).toBe(1);
    expect(resultOf(next.out).paths).toEqual(PATHS);
    expect(resultOf(next.out).summary.complete).toBe(true);
    // And the one after that, which knows all that is clean.
    expect(resultOf((await lab.cli('scan', '--history', '--json')).out).paths).toEqual(PATHS);
  },
);

test('an interrupt ends it as incomplete, says how to go on, and the same command does', async () => {
  using lab = openGitLab();
  await fill(lab);
  const stopped = await run(['scan', '--history'], {
    cwd: lab.root,
    env: lab.env,
    stopped: Promise.resolve(),
  });
  expect(stopped.code).toBe(3);
  expect(stopped.err).toContain('the same command goes on from there');
  expect(stopped.out).not.toContain('no secret');
  const next = await lab.cli('scan', '--history', '--json');
  expect([next.code, resultOf(next.out).paths]).toEqual([1, PATHS]);
});

test('a second scan looks at new objects alone, and still reports what it found before', async () => {
  using lab = openGitLab();
  await fill(lab);
  const first = resultOf((await lab.cli('scan', '--history', '--json')).out);
  expect(first.summary.bytes).toBeGreaterThan(2_000_000);
  const second = resultOf((await lab.cli('scan', '--history', '--json')).out);
  expect(second.paths).toEqual(PATHS);
  expect(second.summary.files).toBe(first.summary.files);
  // The objects with the findings, once for the coarse look and once for the closer one.
  expect(second.summary.bytes).toBeLessThan(30_000);
  lab.git('checkout', '-q', 'main');
  lab.write('new.txt', `gsk_${sample('alnum', 52, 5000)}\n`);
  lab.git('add', 'new.txt');
  lab.git('commit', '-qm', 'new');
  const third = resultOf((await lab.cli('scan', '--history', '--json')).out);
  expect(third.paths).toEqual([...PATHS, 'new.txt'].toSorted());
  expect(third.summary.bytes).toBeLessThan(200_000);
  const fresh = resultOf((await lab.cli('scan', '--history', '--json', '--no-cache')).out);
  expect([fresh.paths, fresh.summary.bytes > 2_000_000]).toEqual([third.paths, true]);
});

test('what is kept holds no value, and lies outside the repository', async () => {
  using lab = openGitLab();
  await fill(lab);
  await lab.cli('scan', '--history', '--json');
  expect(known(lab)).toBeGreaterThan(1900);
  expect(existsSync(join(gitFolder(lab), 'sallyport'))).toBe(false);
  const cache = join(lab.home, '.cache');
  const files = (readdirSync(cache, { recursive: true }) as string[]).filter((name) => name.endsWith('.ids'));
  expect(files.length).toBeGreaterThan(0);
  const kept = Buffer.concat(files.map((name) => readFileSync(join(cache, name)))).toString('latin1');
  for (const number of SECRETS) {
    expect(kept).not.toContain(sample('alnum', 52, number).slice(0, 12));
    // Nor is the object with it known to be clean.
    const id = Buffer.from(lab.git('rev-parse', `main:f/${number}.txt`).trim(), 'hex');
    expect(new CleanBlobs({ env: lab.env, gitFolder: gitFolder(lab) }).has(id)).toBe(false);
  }
});

test('a damaged file of what is known costs time, and hides nothing', async () => {
  using lab = openGitLab();
  await fill(lab);
  await lab.cli('scan', '--history', '--json');
  const cache = join(lab.home, '.cache');
  for (const name of readdirSync(cache, { recursive: true }) as string[]) {
    if (name.endsWith('.ids'))
      writeFileSync(join(cache, name), readFileSync(join(cache, name)).fill(0x61, 100));
  }
  expect(known(lab)).toBe(0);
  expect(resultOf((await lab.cli('scan', '--history', '--json')).out).paths).toEqual(PATHS);
});
