import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refusalOf } from '../../../test/support/refusal.ts';
import type { ReadFile } from './files.ts';
import { writeMended } from './write.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-write-'));
  mkdirSync(join(folder, 'scratch'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BEFORE = 'one \xe9\r\ntwo';
function fileOf(name = 'a.ts'): ReadFile {
  const absolute = join(folder, name);
  writeFileSync(absolute, BEFORE, 'latin1');
  chmodSync(absolute, 0o640);
  return { path: name, absolute, text: BEFORE, mode: 0o640, found: [] };
}
const read = (name = 'a.ts'): string => readFileSync(join(folder, name), 'latin1');

test('bytes and mode are those that are meant, and nothing else is left', () => {
  for (const scratch of [join(folder, 'scratch'), null]) {
    writeMended(fileOf(), 'three \xe9\r\n', scratch);
    expect(read()).toBe('three \xe9\r\n');
    expect(statSync(join(folder, 'a.ts')).mode & 0o777).toBe(0o640);
    expect(new Set(readdirSync(folder, { recursive: true }).map(String))).toEqual(
      new Set(['a.ts', 'scratch']),
    );
  }
});

test('a file that somebody has changed, removed or put a link in the place of stays as it is', () => {
  const file = fileOf();
  writeFileSync(file.absolute, 'theirs');
  expect(refusalOf(() => writeMended(file, 'ours', null)).code).toBe('conflict');
  expect(read()).toBe('theirs');
  writeFileSync(join(folder, 'b.ts'), BEFORE, 'latin1');
  rmSync(file.absolute);
  expect(refusalOf(() => writeMended(file, 'ours', null)).code).toBe('conflict');
  symlinkSync('b.ts', file.absolute);
  expect(refusalOf(() => writeMended(file, 'ours', null)).code).toBe('conflict');
  expect(read('b.ts')).toBe(BEFORE);
});

test('where it cannot be written, it stays whole, and the half that was written is gone', () => {
  const file = fileOf();
  const refusal = refusalOf(() => writeMended(file, 'ours', join(folder, 'nowhere')));
  expect(refusal.code).toBe('store.unavailable');
  expect(read()).toBe(BEFORE);
  expect(new Set(readdirSync(folder, { recursive: true }).map(String))).toEqual(new Set(['a.ts', 'scratch']));
});
