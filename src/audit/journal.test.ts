import { expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { callEnd, callStart, JournalLab } from '../../test/support/journal-lab.ts';
import { refusalOf, rejectionOf } from '../../test/support/refusal.ts';
import { TRAILER_BYTES } from './chain.ts';
import { segmentPath } from './layout.ts';

const text = (lab: JournalLab, stream: string, segment = 1): string =>
  readFileSync(segmentPath(lab.folder, stream, segment), 'utf8');

test('an entry is whole in the file when append returns, and its position says where', () => {
  using lab = new JournalLab();
  const journal = lab.open();
  for (const id of ['req_1', 'req_2', 'tab\tand\nline']) {
    const position = journal.append(callStart(id));
    const bytes = readFileSync(segmentPath(lab.folder, journal.stream, position.segment));
    expect(bytes).toHaveLength(position.offset);
    expect(bytes.toString('utf8', position.offset - TRAILER_BYTES)).toBe(
      `\t${position.hash.toString('base64url')}\n`,
    );
  }
  expect(text(lab, journal.stream).trimEnd().split('\n')).toHaveLength(4);
  expect(lab.read().entries).toEqual(lab.written);
});

test('files and folders are for their owner only', () => {
  using lab = new JournalLab();
  const { stream } = lab.open();
  expect(statSync(join(lab.folder, stream)).mode & 0o777).toBe(0o700);
  expect(statSync(segmentPath(lab.folder, stream, 1)).mode & 0o777).toBe(0o600);
});

test('the first entry cites the head before it, and a boot number is never used twice', () => {
  using lab = new JournalLab();
  const first = lab.open();
  const head = first.append(callStart('req_1'));
  const second = lab.open();
  const opened = lab.written.at(-1)!.entry;
  expect(opened).toMatchObject({
    action: 'journal.open',
    seq: 1,
    tornBytes: 0,
    previous: { stream: first.stream, seq: 2, hash: head.hash.toString('base64url') },
  });
  // A process that died between making its folder and writing its first line.
  mkdirSync(join(lab.folder, 'n1@000003'));
  const fourth = lab.open();
  expect([first.stream, second.stream, fourth.stream]).toEqual(['n1@000001', 'n1@000002', 'n1@000004']);
  expect(lab.written[0]!.entry).toMatchObject({ previous: null });
  expect(lab.read().entries).toHaveLength(4);
});

test('durable resolves after the sync, and everybody who waits meanwhile shares one', async () => {
  using lab = new JournalLab();
  const journal = lab.open({ collectMs: 20 });
  const order: string[] = [];
  const positions = Array.from({ length: 50 }, (_, index) => journal.append(callStart(`req_${index}`)));
  const all = positions.map((position) =>
    journal.durable(position).then(() => order.push(`${position.seq}`)),
  );
  expect(journal.stats).toMatchObject({ entries: 51, syncs: 0, synced: 0 });
  await Promise.all(all);
  expect(order).toHaveLength(50);
  expect(journal.stats).toMatchObject({ syncs: 1, synced: 51 });
  // What is synced already waits for nothing.
  await journal.durable(positions[3]!);
  expect(journal.stats.syncs).toBe(1);
});

test('who comes while a sync runs waits for the next one, not for this one', async () => {
  using lab = new JournalLab();
  const journal = lab.open({ collectMs: 0 });
  let last = Promise.resolve();
  const seen: [number, number][] = [];
  for (let round = 0; round < 30; round += 1) {
    const position = journal.append(callStart(`req_${round}`));
    last = journal.durable(position).then(() => void seen.push([position.seq, journal.stats.synced]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await last;
  expect(seen).toHaveLength(30);
  expect(seen.filter(([seq, synced]) => synced < seq)).toEqual([]);
});

test('an entry nobody waits for costs no sync', async () => {
  using lab = new JournalLab();
  const journal = lab.open({ collectMs: 0 });
  journal.append(callEnd('req_1'));
  await Bun.sleep(5);
  expect(journal.stats.syncs).toBe(0);
});

test('segments are closed at their size, one after the other, and the chain goes through', async () => {
  using lab = new JournalLab();
  const journal = lab.open({ segmentBytes: 700, collectMs: 0 });
  const waits: Promise<void>[] = [];
  for (let index = 0; index < 40; index += 1) {
    const position = journal.append(callStart(`req_${index}`));
    // Some syncs are in flight while the segment under them is closed.
    if (index % 3 === 0) waits.push(journal.durable(position));
    if (index % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(waits);
  const files = readdirSync(join(lab.folder, journal.stream)).toSorted();
  expect(files.length).toBeGreaterThan(10);
  expect(files[0]).toBe('000001.jsonl');
  for (const [index, file] of files.entries()) {
    expect(Number.parseInt(file, 10)).toBe(index + 1);
    expect(statSync(join(lab.folder, journal.stream, file)).size).toBeLessThan(700 + 600);
  }
  expect(lab.read().entries).toEqual(lab.written);
});

test('a segment that cannot be made refuses the entry, and the next append tries again', () => {
  using lab = new JournalLab();
  const journal = lab.open({ segmentBytes: 100 });
  const obstacle = segmentPath(lab.folder, journal.stream, 2);
  mkdirSync(obstacle);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    expect(refusalOf(() => journal.append(callStart('req_no')))).toMatchObject({
      code: 'audit.unavailable',
      retryable: true,
      fix: expect.any(String),
    });
  }
  rmdirSync(obstacle);
  expect(journal.append(callStart('req_yes'))).toMatchObject({ seq: 2, segment: 2 });
  expect(lab.read().entries.map(({ entry }) => entry.seq)).toEqual([1, 2]);
});

test('a torn tail is cut off at the next start, and what was cut is on record', () => {
  using lab = new JournalLab();
  const { stream } = lab.open();
  const path = segmentPath(lab.folder, stream, 1);
  const whole = readFileSync(path);
  writeFileSync(path, Buffer.concat([whole, Buffer.from('{"seq":2,"at":"20')]));
  expect(lab.read().tail.torn).toEqual({ path, offset: whole.length, bytes: 17 });
  lab.open();
  expect(readFileSync(path)).toEqual(whole);
  expect(lab.written.at(-1)!.entry).toMatchObject({ action: 'journal.open', tornBytes: 17 });
  expect(lab.read().tail.torn).toBeNull();
});

test('closing writes a last entry, makes everything durable, and takes nothing more', async () => {
  using lab = new JournalLab();
  const journal = lab.open({ collectMs: 60_000 });
  const position = journal.append(callStart('req_1'));
  const waiting = journal.durable(position);
  journal.close('SIGTERM');
  await waiting;
  expect(lab.written.at(-1)!.entry).toMatchObject({ action: 'journal.close', reason: 'SIGTERM', seq: 3 });
  expect(refusalOf(() => journal.append(callStart('req_2'))).code).toBe('audit.unavailable');
  await journal.durable(position);
  expect((await rejectionOf(journal.durable({ ...position, seq: 9 }))).code).toBe('audit.unavailable');
  journal.close('again');
  expect(lab.read().entries).toHaveLength(3);
});

test('closing while a sync is in flight loses nobody who waits', async () => {
  using lab = new JournalLab();
  for (let round = 0; round < 20; round += 1) {
    const journal = lab.open({ collectMs: 0 });
    const first = journal.durable(journal.append(callStart(`req_${round}a`)));
    await Bun.sleep(round % 3);
    const second = journal.durable(journal.append(callStart(`req_${round}b`)));
    journal.close('test');
    await Promise.all([first, second]);
  }
  expect(lab.read().entries).toHaveLength(80);
});

test('a stream folder that is there already is not written into', () => {
  using lab = new JournalLab();
  const tail = lab.read().tail;
  const { stream } = lab.open();
  const before = text(lab, stream);
  const { folder } = lab;
  expect(() =>
    // The same boot number again, as if two processes had read the same journal.
    lab.open.call(
      Object.assign(Object.create(lab) as JournalLab, { folder, read: () => ({ tail, entries: [] }) }),
    ),
  ).toThrow('EEXIST');
  expect(text(lab, stream)).toBe(before);
  expect(existsSync(segmentPath(folder, stream, 2))).toBe(false);
});

test('every grouped sync is timed, and counted once', async () => {
  using lab = new JournalLab();
  const journal = lab.open();
  await Promise.all(['req_1', 'req_2'].map((id) => journal.durable(journal.append(callStart(id)))));
  await journal.durable(journal.append(callStart('req_3')));
  expect(journal.stats.syncs).toBe(2);
  expect(journal.syncSeconds.count).toBe(2);
});
