import { expect, test } from 'bun:test';
import { JournalLab } from '../../test/support/journal-lab.ts';
import type { PlacedEntry } from './entry.ts';
import { EntryStream } from './entry-stream.ts';

/** `count` entries as the journal wrote them. */
function entries(count: number): PlacedEntry[] {
  using lab = new JournalLab();
  const journal = lab.open();
  for (let one = 1; one < count; one += 1)
    journal.append({
      action: 'auth.refused',
      address: 'a_1',
      tokenId: null,
      count: one,
      errorCode: 'token.invalid',
    });
  return lab.written.slice(0, count);
}

/** A reader that takes a write when it is told to. */
function slowReader() {
  const taken: string[] = [];
  const pending: ((error?: Error) => void)[] = [];
  return {
    taken,
    pending,
    write: (text: string, done: (error?: Error | null) => void): void => {
      taken.push(text);
      pending.push(done);
    },
    lines: () =>
      taken
        .join('')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async next(): Promise<void> {
      for (let wait = 0; wait < 500 && pending.length === 0; wait += 1) await Bun.sleep(2);
      pending.shift()!();
    },
  };
}

test('nothing is written before the start, then every entry in order with its place and hash', async () => {
  const reader = slowReader();
  const stream = new EntryStream(reader.write);
  const placed = entries(4);
  for (const one of placed) stream.add(one);
  await Bun.sleep(30);
  expect(reader.taken).toEqual([]);
  stream.start();
  await reader.next();
  expect(await stream.end(1000)).toBe(true);
  const place = ({ position: { stream: name, hash } }: PlacedEntry) => ({
    stream: name,
    hash: hash.toString('base64url'),
  });
  expect(reader.lines()).toEqual(placed.map((one) => Object.assign(place(one), one.entry)) as never);
  expect(stream.stats).toEqual({ written: 4, dropped: 0 });
});

test('a reader that takes nothing holds nothing up: what finds no room is counted, and told once it reads again', async () => {
  const reader = slowReader();
  const stream = new EntryStream(reader.write, 10);
  const [first, ...more] = entries(101);
  stream.start();
  stream.add(first!);
  for (let wait = 0; wait < 500 && reader.pending.length === 0; wait += 1) await Bun.sleep(2);
  for (const one of more) stream.add(one);
  expect(stream.stats).toEqual({ written: 0, dropped: 90 });
  await reader.next();
  await reader.next();
  expect(await stream.end(1000)).toBe(true);
  const lines = reader.lines();
  expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, undefined]);
  expect(lines.at(-1)).toEqual({ event: 'audit.dropped', count: 90 });
  expect(stream.stats).toEqual({ written: 11, dropped: 90 });
});

test('a reader that is gone is counted as one that drops', async () => {
  const stream = new EntryStream((_, done) => done(new Error('EPIPE')));
  stream.start();
  for (const one of entries(3)) stream.add(one);
  expect(await stream.end(1000)).toBe(true);
  expect(stream.stats).toEqual({ written: 0, dropped: 3 });
});

test('the end does not wait for a reader that takes nothing, and says so', async () => {
  const reader = slowReader();
  const stream = new EntryStream(reader.write);
  stream.start();
  for (const one of entries(2)) stream.add(one);
  expect(await stream.end(1)).toBe(false);
  stream.add(entries(1)[0]!);
  expect(stream.stats.dropped).toBe(1);
});
