import { afterAll, expect, test } from 'bun:test';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { callEnd, callStart, JournalLab, readAll } from '../../test/support/journal-lab.ts';
import { refusalOf } from '../../test/support/refusal.ts';
import type { AppliedPosition } from '../records/trust.ts';
import { chainHash, LineBuffer, NO_HASH, parseLine } from './chain.ts';
import type { Position } from './entry.ts';
import { listStreams, segmentPath } from './layout.ts';
import { lastEntryMs } from './reader.ts';
import { verifyJournal } from './verify.ts';

function formatLine(json: string, hash: Buffer): Buffer {
  const line = new LineBuffer();
  return line.bytes.subarray(0, line.format(json, hash));
}

/** Three processes: the first with several segments, the second closed properly, the third still running. */
function threeStreams(): JournalLab {
  const lab = new JournalLab();
  const first = lab.open({ segmentBytes: 500 });
  for (let call = 1; call <= 2; call += 1) {
    first.append(callStart(`req_${call}`));
    first.append(callEnd(`req_${call}`));
  }
  const second = lab.open();
  second.append(callStart('req_5', '7', { model: 'tab\t"quote" ü\u2028' }));
  second.close('SIGTERM');
  lab.open().append(callStart('req_6'));
  return lab;
}

const lab = threeStreams();
const copies: string[] = [];
afterAll(() => {
  lab[Symbol.dispose]();
  for (const copy of copies) rmSync(copy, { recursive: true });
});

function copy(): string {
  const folder = lab.copy();
  copies.push(folder);
  return folder;
}

const files = listStreams(lab.folder).flatMap(({ stream, segments }) =>
  segments.map((segment) => segmentPath('', stream, segment)),
);
const newest = files.at(-1)!;

/** What reading `folder` ends with: how many entries, or the problem. */
function verdict(folder: string): number | string {
  const { ok, entries, problem } = verifyJournal(folder);
  expect(ok).toBe(problem === null);
  return problem ?? entries;
}

test('an untouched journal reads to exactly what was appended', () => {
  expect(files.length).toBeGreaterThan(4);
  const { entries, tail } = lab.read();
  expect(entries).toEqual(lab.written);
  const { stream, seq, hash } = lab.written.at(-1)!.position;
  expect(tail).toEqual({ head: { stream, seq, hash }, highestBoot: 3, torn: null });
  expect(verifyJournal(lab.folder)).toEqual({
    ok: true,
    entries: lab.written.length,
    streams: 3,
    anchored: false,
    problem: null,
  });
});

test('changing any single byte of any file is noticed', () => {
  const folder = copy();
  const unnoticed: string[] = [];
  let tried = 0;
  for (const file of files) {
    const path = join(folder, file);
    const bytes = readFileSync(path);
    for (const at of bytes.keys()) {
      // One bit, or now and then a line feed in its place.
      for (const byte of at % 4 === 0 ? [bytes[at]! ^ 1, 10] : [bytes[at]! ^ 1]) {
        if (byte === bytes[at]) continue;
        const changed = Buffer.from(bytes);
        changed[at] = byte;
        writeFileSync(path, changed);
        tried += 1;
        const found = verdict(folder);
        // Without its line feed the very last line is an unfinished one: the same as a line cut from the end.
        const torn = file === newest && at === bytes.length - 1;
        if (torn ? found !== lab.written.length - 1 : typeof found !== 'string')
          unnoticed.push(`${file}:${at}`);
      }
    }
    writeFileSync(path, bytes);
  }
  expect(tried).toBeGreaterThan(3500);
  expect(unnoticed).toEqual([]);
});

test('every one of the four ways to write a last hash character but one is refused', () => {
  const json = Buffer.from('{"seq":1}');
  const hash = chainHash(NO_HASH, json);
  const line = formatLine(json.toString(), hash).subarray(0, -1);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const readable = Array.from(alphabet).filter((last) => {
    const respelled = Buffer.from(line);
    respelled[line.length - 1] = last.charCodeAt(0);
    const parsed = parseLine(respelled);
    return parsed !== null && parsed.hash.equals(hash);
  });
  expect(readable).toEqual([line.toString().slice(-1)]);
});

test('a line that is removed, doubled, inserted or swapped with its neighbour is noticed, wherever it stands', () => {
  const folder = copy();
  for (const file of files) {
    const path = join(folder, file);
    const bytes = readFileSync(path);
    const lines = bytes.toString().split('\n').slice(0, -1);
    const write = (changed: readonly string[]): void =>
      writeFileSync(path, changed.map((line) => `${line}\n`).join(''));
    for (const [index, line] of lines.entries()) {
      const last = file === newest && index === lines.length - 1;
      write(lines.toSpliced(index, 1));
      // The one thing that a chain cannot show without an anchor: its end is missing.
      expect(typeof verdict(folder)).toBe(last ? 'number' : 'string');
      write(lines.toSpliced(index, 0, line));
      expect(verdict(folder)).toBeString();
      write(lines.toSpliced(index, 0, ''));
      expect(verdict(folder)).toBeString();
      write(lines.toSpliced(index, 0, '{"seq":1}'));
      expect(verdict(folder)).toBeString();
      if (index > 0) {
        write(lines.with(index, lines[index - 1]!).with(index - 1, line));
        expect(verdict(folder)).toBeString();
      }
    }
    writeFileSync(path, bytes);
  }
  expect(verdict(folder)).toBe(lab.written.length);
});

test('a missing, emptied, renamed or foreign segment is noticed, and so is a missing stream', () => {
  for (const file of files) {
    if (file === newest) continue;
    const gone = copy();
    rmSync(join(gone, file));
    expect(verdict(gone)).toBeString();
    const emptied = copy();
    truncateSync(join(emptied, file), 0);
    expect(verdict(emptied)).toBeString();
    const replaced = copy();
    copyFileSync(join(replaced, newest), join(replaced, file));
    expect(verdict(replaced)).toBeString();
  }
  for (const { stream } of listStreams(lab.folder).slice(0, -1)) {
    const folder = copy();
    rmSync(join(folder, stream), { recursive: true });
    expect(verdict(folder)).toContain('follows');
  }
  const swapped = copy();
  for (const [from, to] of [
    ['n1@000001', 'n1@000009'],
    ['n1@000002', 'n1@000001'],
    ['n1@000009', 'n1@000002'],
  ] as const) {
    renameSync(join(swapped, from), join(swapped, to));
  }
  expect(verdict(swapped)).toBeString();
  const doubled = copy();
  copyFileSync(segmentPath(doubled, 'n1@000001', 1), join(doubled, 'n1@000001', '0000001.jsonl'));
  expect(verdict(doubled)).toBeString();
});

test('an empty or missing journal is not called unbroken', () => {
  const folder = copy();
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  expect(verdict(folder)).toContain('no journal');
  expect(verdict(join(folder, 'nothing'))).toContain('no journal');
  expect(readAll(folder)).toEqual({ entries: [], tail: { head: null, highestBoot: 0, torn: null } });
});

test('lines that follow the chain but are no entries are refused, not crashed on', () => {
  for (const json of [
    'null',
    '"text"',
    '[1,2]',
    '12345',
    '{"seq":1',
    '{"seq":1}',
    '{"seq":"1","action":"journal.open"}',
  ]) {
    const folder = copy();
    const stream = 'n1@000004';
    const path = segmentPath(folder, stream, 1);
    mkdirSync(join(folder, stream));
    writeFileSync(path, formatLine(json, chainHash(NO_HASH, json)));
    expect(verdict(folder)).toBeString();
  }
});

test('a tail cut at any byte is torn in the newest segment, and a broken chain in any other', () => {
  for (const file of files) {
    const folder = copy();
    const path = join(folder, file);
    const bytes = readFileSync(path);
    const ends = new Set([0, ...bytes.keys()].filter((at) => at === 0 || bytes[at - 1] === 10));
    for (let at = bytes.length - 1; at > 0; at -= 1) {
      truncateSync(path, at);
      if (file !== newest) {
        if (at % 3 > 0) continue;
        expect(verdict(folder)).toBeString();
        continue;
      }
      const { entries, tail } = readAll(folder);
      const lineStart = Math.max(...[...ends].filter((end) => end <= at));
      expect(entries).toEqual(lab.written.slice(0, entries.length));
      expect(entries.length).toBeLessThan(lab.written.length);
      expect(tail.torn).toEqual(lineStart === at ? null : { path, offset: lineStart, bytes: at - lineStart });
    }
  }
});

test('an unfinished line is torn nowhere but at the very end, also where the chain goes on without it', () => {
  using own = new JournalLab();
  const journal = own.open({ segmentBytes: 300 });
  for (let call = 0; call < 4; call += 1) journal.append(callStart(`req_${call}`));
  const newestSegments = listStreams(own.folder)[0]!.segments.length;
  expect(newestSegments).toBeGreaterThan(2);
  for (let segment = 1; segment < newestSegments; segment += 1) {
    const folder = own.copy();
    copies.push(folder);
    appendFileSync(segmentPath(folder, journal.stream, segment), 'half a li');
    expect(verdict(folder)).toContain('cut short');
  }
  for (const file of files.slice(0, -1)) {
    const folder = copy();
    appendFileSync(join(folder, file), 'half a li');
    expect(verdict(folder)).toContain('cut short');
  }
});

test('a segment under another number is a gap, though its lines follow', () => {
  const folder = copy();
  const path = (segment: number): string => segmentPath(folder, 'n1@000001', segment);
  const last = Math.max(...listStreams(folder)[0]!.segments);
  renameSync(path(last), path(last + 1));
  expect(verdict(folder)).toContain(`segment ${last} is missing`);
});

test('whatever stands behind the last line is a torn tail only as long as it has no line feed', () => {
  const folder = copy();
  const path = join(folder, newest);
  const size = readFileSync(path).length;
  appendFileSync(path, 'half a li');
  expect(readAll(folder).tail.torn).toEqual({ path, offset: size, bytes: 9 });
  expect(verdict(folder)).toBe(lab.written.length);
  appendFileSync(path, 'ne\n');
  expect(verdict(folder)).toContain('has no hash');
});

const stated = (position: Position): AppliedPosition => ({ ...position });

test('reading goes on from any entry with exactly what follows it', () => {
  for (const [index, { position }] of lab.written.entries()) {
    expect(lab.read(stated(position)).entries).toEqual(lab.written.slice(index + 1));
  }
  const { position } = lab.written.at(-1)!;
  expect(lab.read(stated(position)).tail.head).toEqual({
    stream: position.stream,
    seq: position.seq,
    hash: position.hash,
  });
  const start = { stream: '', seq: 0, hash: NO_HASH, segment: 0, offset: 0 };
  expect(lab.read(start).entries).toEqual(lab.written);
});

test('a position that the files do not contain is refused, in whatever it is wrong', () => {
  for (const { position } of lab.written) {
    const hash = Buffer.from(position.hash);
    hash[31]! ^= 1;
    const wrong: AppliedPosition[] = [
      { ...position, hash },
      { ...position, offset: position.offset + 1 },
      { ...position, offset: position.offset - 1 },
      { ...position, offset: 0 },
      { ...position, offset: 10 },
      { ...position, offset: 1e9 },
      { ...position, segment: position.segment + 1 },
      { ...position, segment: position.segment - 1 },
      { ...position, segment: 99 },
      { ...position, stream: 'n1@000007' },
      { ...position, stream: position.stream === 'n1@000001' ? 'n1@000002' : 'n1@000001' },
    ];
    for (const from of wrong) {
      expect(refusalOf(() => lab.read(from))).toMatchObject({
        code: 'audit.broken',
        fix: expect.any(String),
      });
    }
  }
});

test('files that went missing behind the position are noticed', () => {
  for (const { position } of lab.written) {
    const folder = copy();
    rmSync(segmentPath(folder, position.stream, position.segment));
    expect(refusalOf(() => readAll(folder, stated(position))).code).toBe('audit.broken');
    rmSync(join(folder, position.stream), { recursive: true });
    expect(refusalOf(() => readAll(folder, stated(position))).code).toBe('audit.broken');
  }
});

test('lines longer than one read, and many of them, come back whole', () => {
  using big = new JournalLab();
  const journal = big.open();
  for (const size of [0, 1, 500_000, 1_048_576, 3_000_000, 17]) {
    journal.append(callStart('req', '1', { metadata: { pad: 'ü'.repeat(size) } }));
  }
  expect(big.read().entries).toEqual(big.written);
  expect(big.read(stated(big.written[2]!.position)).entries).toEqual(big.written.slice(3));
});

test('other files in the folder are left alone', () => {
  const folder = copy();
  writeFileSync(join(folder, 'README'), 'x');
  writeFileSync(join(folder, 'n1@000009'), 'a file, not a stream');
  writeFileSync(join(folder, 'n1@000001', 'notes.txt'), 'x');
  expect(verdict(folder)).toBe(lab.written.length);
  expect(existsSync(join(folder, 'README'))).toBe(true);
});

test('the last entry says when the journal ended, wherever its line stands', () => {
  using own = new JournalLab();
  const { folder, clock } = own;
  expect(lastEntryMs(folder, readAll(folder).tail.head)).toBeNull();
  const seen = new Set<string>();
  const check = (): void => {
    const { entries, tail } = readAll(folder);
    expect(lastEntryMs(folder, tail.head)).toBe(Date.parse(entries.at(-1)!.entry.at));
    seen.add(String(entries.at(-1)!.position.segment));
  };
  // The first line of a stream, the first one of a segment, one behind another, and one longer than a read.
  for (const segmentBytes of [300, 1_000_000]) {
    const journal = own.open({ segmentBytes });
    check();
    for (const pad of [10, 10, 400, 100_000, 10, 20_000]) {
      clock.pass(1000);
      journal.append(callStart('req', '1', { metadata: { pad: 'x'.repeat(pad) } }));
      check();
    }
  }
  expect(seen.size).toBeGreaterThan(3);
  // A torn tail is not there, and neither is a segment that has no line yet.
  const { tail } = readAll(folder);
  const [stream] = listStreams(folder).slice(-1);
  appendFileSync(segmentPath(folder, stream!.stream, stream!.segments.at(-1)!), '{"seq":9,"at":"2030');
  check();
  writeFileSync(segmentPath(folder, stream!.stream, stream!.segments.at(-1)! + 1), '');
  expect(lastEntryMs(folder, tail.head)).toBe(clock.wallMs());
});

test('a last line that was edited says nothing', () => {
  const { tail } = readAll(lab.folder);
  const [stream] = listStreams(lab.folder).slice(-1);
  for (const edit of [
    (text: string) => text.replace(/("at":")2026(?!.*"at":")/s, '$12036'),
    (text: string) => text.replace(/.*\n$/, ''),
    () => '',
  ]) {
    const folder = copy();
    const path = segmentPath(folder, stream!.stream, stream!.segments.at(-1)!);
    writeFileSync(path, edit(readFileSync(path, 'utf8')));
    expect(refusalOf(() => lastEntryMs(folder, tail.head)).code).toBe('audit.broken');
  }
});
