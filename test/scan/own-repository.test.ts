/** What is asked of others holds here: no file of this repository has a secret in it, nor anything that looks like one. */
import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { findDeep } from '../../src/detect/deep.ts';

const ROOT = join(import.meta.dir, '..', '..');

test('no tracked file, nor its name, holds a secret or what may be one', () => {
  const listed = Bun.spawnSync(['git', 'ls-files', '-z', '--cached'], { cwd: ROOT });
  expect(listed.exitCode).toBe(0);
  const paths = listed.stdout
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)));
  expect(paths.length).toBeGreaterThan(300);
  const found = paths.flatMap((path) => {
    const texts = [Buffer.from(path), readFileSync(join(ROOT, path))];
    return texts.flatMap((bytes) =>
      findDeep(bytes).map(({ rule, start }) => `${path} at ${start}: ${rule.id}`),
    );
  });
  expect(found).toEqual([]);
});

test('the scan that others run finds nothing in the files of this repository', async () => {
  const { code, out, err } = await run(['scan', '--json', '--no-cache'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  expect([code, err]).toEqual([0, '']);
  const summary = JSON.parse(out) as { complete: boolean; findings: number; files: number; allowed?: number };
  expect(summary).toMatchObject({ complete: true, findings: 0 });
  expect(summary.allowed).toBeUndefined();
  expect(summary.files).toBeGreaterThan(300);
});

test('git leaves every file with keys alone', async () => {
  const { out, code } = await run(['gitignore', 'check', '--json'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ ok: true, tracked: [] })]);
});
