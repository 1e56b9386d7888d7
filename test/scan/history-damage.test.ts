/** Whatever single byte of a pack or its index is another one: a scan that calls itself complete found everything that there was. */
import { expect, test } from 'bun:test';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sample } from '../../src/detect/samples.ts';
import { scanHistory } from '../../src/scan/history/history.ts';
import { NO_PROGRESS } from '../../src/scan/progress.ts';
import { Collector } from '../../src/scan/sink.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

const ROUNDS = 30;

async function scanned(
  lab: GitLab,
): Promise<{ readonly complete: boolean; readonly paths: readonly string[] }> {
  const result = new Collector();
  const git = { cwd: lab.root, env: lab.env };
  const stop = new AbortController().signal;
  await scanHistory({ git, progress: NO_PROGRESS, stop, fresh: true, survey: { threads: 1 } }, result);
  return {
    complete: result.problems.length === 0,
    paths: result.findings.map(({ path }) => path).toSorted(),
  };
}

test.each(['pack', 'idx'])('a changed byte of the %s', async (ending) => {
  using lab = openGitLab();
  for (let number = 0; number < 8; number += 1) {
    const lines = Array.from({ length: 30 }, (_, at) =>
      sample('alnum', 30, number === at ? 900 + at : at),
    ).join('\n');
    lab.write('long.txt', lines);
    lab.write(
      `folder/${number}.txt`,
      number % 4 === 0 ? `gsk_${sample('alnum', 52, number)}\n${lines}` : lines,
    );
    lab.git('add', '-A');
    // The same objects in every run.
    const when = `${1_700_000_000 + number} +0000`;
    const { code } = lab.tryGit(['commit', '-qm', `change ${number}`], {
      env: { GIT_AUTHOR_DATE: when, GIT_COMMITTER_DATE: when },
    });
    expect(code).toBe(0);
  }
  lab.git('repack', '-adfq');
  const packs = join(lab.root, '.git', 'objects', 'pack');
  const path = join(packs, readdirSync(packs).find((name) => name.endsWith(ending)) ?? '');
  chmodSync(path, 0o644);
  const whole = readFileSync(path);
  const expected = ['folder/0.txt', 'folder/4.txt'];
  expect(await scanned(lab)).toEqual({ complete: true, paths: expected });
  let noticed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const at = Math.floor(((round + 0.5) / ROUNDS) * whole.length);
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ (1 << (round % 8));
    writeFileSync(path, changed);
    const { complete, paths } = await scanned(lab);
    // Without the index's word, git may know an object by no name; then it is not complete.
    if (complete) expect([at, paths]).toEqual([at, expected]);
    else noticed += 1;
  }
  expect(noticed).toBeGreaterThan(5);
});
