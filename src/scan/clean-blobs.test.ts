import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Depth } from '../detect/deep.ts';
import { CleanBlobs } from './clean-blobs.ts';
import { IdSet, sortIds } from './id-set.ts';

const idOf = (number: number): Buffer => createHash('sha1').update(`object ${number}`).digest();

class Home implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'sallyport-clean-'));

  open(depth: Depth = {}, repository = 'one'): CleanBlobs {
    return new CleanBlobs({ env: { HOME: this.path }, gitFolder: join(this.path, repository), depth });
  }

  get folder(): string {
    const root = join(this.path, '.cache', 'sallyport', 'clean-blobs');
    return join(root, readdirSync(root)[0] ?? '');
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function remember(blobs: CleanBlobs, from: number, to: number): void {
  for (let number = from; number < to; number += 1) blobs.add(idOf(number));
  blobs.save();
}

function known(blobs: CleanBlobs, count: number): number[] {
  return Array.from({ length: count }, (_, number) => number).filter((number) => blobs.has(idOf(number)));
}

test('what was kept is known to the next scan, and nothing else is', () => {
  using home = new Home();
  remember(home.open(), 0, 5000);
  const again = home.open();
  expect(again.size).toBe(5000);
  expect(known(again, 5200)).toEqual(Array.from({ length: 5000 }, (_, number) => number));
  expect(statSync(home.folder).mode & 0o777).toBe(0o700);
  const [file = ''] = readdirSync(home.folder);
  expect(statSync(join(home.folder, file)).mode & 0o777).toBe(0o600);
});

test('many savings become few files and lose nothing, repetitions included', () => {
  using home = new Home();
  const blobs = home.open();
  for (let part = 0; part < 30; part += 1) remember(blobs, part * 10, part * 10 + 15);
  expect(readdirSync(home.folder).length).toBeLessThan(10);
  expect(known(home.open(), 400)).toEqual(Array.from({ length: 305 }, (_, number) => number));
});

test('what nobody scans any more goes in time, and nothing else does', () => {
  using home = new Home();
  remember(home.open({}, 'old'), 0, 10);
  const long = new Date(Date.now() - 70 * 24 * 3600 * 1000);
  utimesSync(home.folder, long, long);
  remember(home.open({}, 'young'), 0, 10);
  const blobs = home.open();
  for (let part = 0; part < 10; part += 1) remember(blobs, part, part + 1);
  expect([home.open({}, 'old').size, home.open({}, 'young').size, home.open().size]).toEqual([0, 10, 10]);
});

test('two scans at the same time keep what both saw', () => {
  using home = new Home();
  const [one, other] = [home.open(), home.open()];
  for (let part = 0; part < 12; part += 1) {
    remember(one, part * 10, part * 10 + 5);
    remember(other, part * 10 + 5, part * 10 + 10);
  }
  expect(home.open().size).toBe(120);
});

test('another choice of what is looked for, and another repository, know nothing of it', () => {
  using home = new Home();
  remember(home.open(), 0, 10);
  expect(home.open({ generic: true }).size).toBe(0);
  expect(home.open({ layers: 1 }).size).toBe(0);
  expect(home.open({}, 'two').size).toBe(0);
  expect(home.open({ generic: false }).size).toBe(10);
});

test('a file that is cut, changed in one byte, or of something else counts for nothing', () => {
  using home = new Home();
  remember(home.open(), 0, 100);
  const [name = ''] = readdirSync(home.folder);
  const path = join(home.folder, name);
  const whole = readFileSync(path);
  for (const at of [0, 8, 11, 12, 15, 16, 1000, whole.length - 1]) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(path, changed);
    expect(home.open().size).toBe(0);
  }
  for (const size of [0, 1, 16, 24, 500, whole.length - 1]) {
    writeFileSync(path, whole);
    truncateSync(path, size);
    expect(home.open().size).toBe(0);
  }
  writeFileSync(path, whole);
  expect(home.open().size).toBe(100);
});

test('without a home, with one that is not there or cannot be written, it only knows less', () => {
  using home = new Home();
  for (const env of [
    {},
    { HOME: '' },
    { HOME: join(home.path, 'none') },
    { XDG_CACHE_HOME: 'relative/folder' },
  ]) {
    const blobs = new CleanBlobs({ env, gitFolder: home.path });
    remember(blobs, 0, 10);
    expect(new CleanBlobs({ env, gitFolder: home.path }).size).toBe(0);
  }
  expect(readdirSync(home.path)).toEqual([]);
  // A file is where the folder should be.
  writeFileSync(join(home.path, '.cache'), '');
  remember(home.open(), 0, 10);
  expect(home.open().size).toBe(0);
});

test('ids of 32 bytes are kept as well', () => {
  using home = new Home();
  mkdirSync(join(home.path, 'git'));
  const options = { env: { HOME: home.path }, gitFolder: join(home.path, 'git'), idBytes: 32 };
  const id = createHash('sha256').update('one').digest();
  const blobs = new CleanBlobs(options);
  blobs.add(id);
  blobs.save();
  expect(new CleanBlobs(options).has(id)).toBe(true);
  expect(new CleanBlobs({ ...options, idBytes: 20 }).size).toBe(0);
});

test('a sorted set finds each of its ids at its place and no neighbour of one', () => {
  const ids = Array.from({ length: 3000 }, (_, number) => idOf(number % 2500));
  const sorted = sortIds(Buffer.concat(ids), 20);
  const expected = [...new Set(ids.map((id) => id.toString('hex')))].toSorted();
  expect(
    Array.from({ length: sorted.length / 20 }, (_, at) => sorted.toString('hex', at * 20, at * 20 + 20)),
  ).toEqual(expected);
  const set = new IdSet(sorted, 20);
  for (const [place, id] of expected.entries()) {
    expect(set.indexOf(Buffer.from(id, 'hex'))).toBe(place);
    const neighbour = Buffer.from(id, 'hex');
    neighbour[19] = (neighbour[19] ?? 0) ^ 1;
    expect(set.has(neighbour)).toBe(false);
  }
  expect(new IdSet(Buffer.alloc(0), 20).has(idOf(1))).toBe(false);
});

test('a pipe in the place of a file of ids is not waited for', () => {
  using home = new Home();
  const first = home.open();
  remember(first, 0, 10);
  first.save();
  const path = join(home.folder, readdirSync(home.folder)[0] ?? '');
  rmSync(path);
  expect(Bun.spawnSync(['mkfifo', path]).exitCode).toBe(0);
  expect(home.open().has(idOf(1))).toBe(false);
});
