/**
 * Reads the journal in order and checks its chain on the way. Needs nothing but the files, so the offline verifier uses it as it is.
 *
 * An unfinished last line (no line feed) of the newest stream is a torn tail: the process died while writing it, nobody was answered
 * for it, and it is cut off at the next start. Anything else that does not fit is a broken chain, and never repaired.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Authenticator } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import type { AppliedPosition } from '../records/trust.ts';
import { chainHash, NO_HASH, parseLine, TRAILER_BYTES } from './chain.ts';
import type { Entry, PlacedEntry } from './entry.ts';
import { type EntryPlace, hasValidMac } from './entry-mac.ts';
import { listStreams, segmentPath, type StreamFolder } from './layout.ts';

const READ_BYTES = 1 << 20;
const TAIL_BYTES = 1 << 14;
const LINE_FEED = 10;

/** Where reading ended: the head that the next stream has to cite. */
export interface JournalTail {
  /** Null when the journal has no entry. */
  readonly head: { readonly stream: string; readonly seq: number; readonly hash: Buffer } | null;
  readonly highestBoot: number;
  /** The unfinished last line, if there is one. */
  readonly torn: { readonly path: string; readonly offset: number; readonly bytes: number } | null;
}

interface Cursor {
  stream: string;
  seq: number;
  hash: Buffer;
}

/**
 * Yields every entry behind `from` (or all), oldest first; returns the tail. What stands before `from` was checked when it was applied,
 * and is not read again. Throws `audit.broken` and names the first place that does
 * not fit: a changed, missing, inserted or reordered line, a missing segment or stream, or a `from` that the files do not contain.
 * With an `authenticator`, also an entry that this installation did not write.
 */
export function* readJournal(
  folder: string,
  from?: AppliedPosition,
  authenticator?: Authenticator,
): Generator<PlacedEntry, JournalTail> {
  const streams = listStreams(folder);
  let head: Cursor | null = null;
  let torn: JournalTail['torn'] = null;
  const check = authenticator ?? null;
  const start =
    from && from.stream !== '' ? streams.findIndex((candidate) => candidate.stream === from.stream) : 0;
  if (start < 0)
    throw broken(from?.stream ?? '', 0, 'the database has applied this stream, but its files are missing');
  for (const [index, stream] of streams.entries()) {
    if (index < start) continue;
    const resume: AppliedPosition | undefined =
      index === start && from?.stream === stream.stream ? from : undefined;
    const newest = index === streams.length - 1;
    const last: StreamEnd = yield* readStream(folder, stream, resume, {
      previous: index === 0 ? null : head,
      newest,
      authenticator: check,
    });
    torn = last.torn;
    if (last.seq > 0) head = { stream: stream.stream, seq: last.seq, hash: last.hash };
  }
  return { head, highestBoot: streams.at(-1)?.boot ?? 0, torn };
}

interface StreamEnd {
  readonly seq: number;
  readonly hash: Buffer;
  readonly torn: JournalTail['torn'];
}

interface StreamChecks {
  /** End of the stream before. */
  readonly previous: Cursor | null;
  /** Only the newest stream may end in an unfinished line. */
  readonly newest: boolean;
  readonly authenticator: Authenticator | null;
}

function* readStream(
  folder: string,
  stream: StreamFolder,
  resume: AppliedPosition | undefined,
  { previous, newest, authenticator }: StreamChecks,
): Generator<PlacedEntry, StreamEnd> {
  let seq = resume?.seq ?? 0;
  let hash: Buffer = resume ? Buffer.from(resume.hash) : NO_HASH;
  let torn: JournalTail['torn'] = null;
  const first = resume?.segment ?? 1;
  if (resume && !stream.segments.includes(first))
    throw broken(stream.stream, resume.seq, `segment ${first} is missing`);
  for (const [index, segment] of stream.segments.filter((number) => number >= first).entries()) {
    if (segment !== first + index)
      throw broken(stream.stream, seq + 1, `segment ${first + index} is missing`);
    const path = segmentPath(folder, stream.stream, segment);
    const offset = resume && index === 0 ? resume.offset : 0;
    if (resume && index === 0) checkResume(path, resume);
    const isLast = newest && segment === stream.segments.at(-1);
    for (const line of readLines(path, offset)) {
      if (!line.complete) {
        if (!isLast)
          throw broken(stream.stream, seq + 1, 'a line is cut short before the end of the journal');
        torn = { path, offset: line.start, bytes: line.bytes.length };
        break;
      }
      const entry = checkLine({ stream: stream.stream, previous: hash }, seq, line.bytes, authenticator);
      if (entry.seq === 1) checkCitation(stream.stream, entry.entry, previous);
      ({ seq, hash } = entry);
      yield {
        entry: entry.entry,
        position: { stream: stream.stream, seq, hash, segment, offset: line.start + line.bytes.length + 1 },
      };
    }
  }
  return { seq, hash, torn };
}

function checkLine(
  place: EntryPlace,
  seq: number,
  bytes: Buffer,
  authenticator: Authenticator | null,
): { seq: number; hash: Buffer; entry: Entry } {
  const { stream, previous } = place;
  const parsed = parseLine(bytes);
  if (!parsed) throw broken(stream, seq + 1, 'a line has no hash');
  const hash = chainHash(previous, parsed.json);
  if (!hash.equals(parsed.hash))
    throw broken(stream, seq + 1, 'a line does not follow from the one before it');
  if (authenticator && !hasValidMac(authenticator, place, parsed.json))
    throw broken(stream, seq + 1, 'this installation did not write it');
  let entry: (Entry & { mac?: string }) | null;
  try {
    entry = JSON.parse(parsed.json.toString('utf8')) as typeof entry;
  } catch {
    throw broken(stream, seq + 1, 'a line is not JSON');
  }
  if (entry === null || typeof entry !== 'object') throw broken(stream, seq + 1, 'a line is not an entry');
  if (entry.seq !== seq + 1) throw broken(stream, seq + 1, `a line says it is number ${String(entry.seq)}`);
  // It vouches for the entry and is no part of what happened.
  delete entry.mac;
  return { seq: entry.seq, hash, entry };
}

/** The first entry of a stream states the head of the stream before: so no stream, and no end of one, can go missing in between. */
function checkCitation(stream: string, entry: Entry, previous: Cursor | null): void {
  if (entry.action !== 'journal.open') throw broken(stream, 1, 'the stream does not begin with journal.open');
  const cited = entry.previous;
  const same = previous
    ? cited?.stream === previous.stream &&
      cited.seq === previous.seq &&
      cited.hash === previous.hash.toString('base64url')
    : cited === null;
  if (!same) {
    const missing = cited ? `entry ${cited.seq} of ${cited.stream}` : 'nothing';
    const found = previous ? `entry ${previous.seq} of ${previous.stream}` : 'nothing';
    throw broken(stream, 1, `the stream follows ${missing}, but the files before it end with ${found}`);
  }
}

/**
 * When the last entry of the journal was written, by the clock of that time; null when there is none. `head` is where reading ended. Throws
 * `audit.broken` when the line there is not the one that was read, or was applied by the database.
 */
export function lastEntryMs(folder: string, head: JournalTail['head']): number | null {
  if (!head) return null;
  const lines: Buffer[] = [];
  const segments = listStreams(folder).find(({ stream }) => stream === head.stream)?.segments ?? [];
  // The line itself, and the one before it, whose hash it continues.
  for (const segment of segments.toReversed()) {
    if (lines.length < 2)
      lines.push(...lastLines(segmentPath(folder, head.stream, segment), 2 - lines.length));
  }
  const [last, before] = lines.map(parseLine);
  const previous = before === undefined ? NO_HASH : before?.hash;
  if (
    !last ||
    !previous ||
    !last.hash.equals(head.hash) ||
    !chainHash(previous, last.json).equals(head.hash)
  ) {
    throw broken(head.stream, head.seq, 'the last line is not the one that was applied');
  }
  return Date.parse((JSON.parse(last.json.toString('utf8')) as Entry).at);
}

/** So many whole lines from the end of a file, the last one first; fewer when it has no more. */
function lastLines(path: string, count: number): Buffer[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    for (let length = Math.min(size, TAIL_BYTES); ; length = Math.min(size, length * 4)) {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, size - length);
      const lines: Buffer[] = [];
      for (let end = bytes.lastIndexOf(LINE_FEED); end >= 0 && lines.length < count;) {
        const start = end === 0 ? -1 : bytes.lastIndexOf(LINE_FEED, end - 1);
        // A line whose beginning is not in what was read is not whole, unless the file begins with it.
        if (start < 0 && length < size) break;
        lines.push(bytes.subarray(start + 1, end));
        end = start;
      }
      if (lines.length === count || length === size) return lines;
    }
  } finally {
    closeSync(file);
  }
}

/** The database says what hash stands just before `offset`; if it does not, the files are older than the database, or others. */
function checkResume(path: string, from: AppliedPosition): void {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  const start = from.offset - TRAILER_BYTES;
  let read = 0;
  if (start >= 0) {
    const file = openSync(path, 'r');
    try {
      read = readSync(file, trailer, 0, TRAILER_BYTES, start);
    } finally {
      closeSync(file);
    }
  }
  const expected = `\t${Buffer.from(from.hash).toString('base64url')}\n`;
  if (read !== TRAILER_BYTES || trailer.toString('latin1') !== expected) {
    throw broken(
      from.stream,
      from.seq,
      'the database has applied this entry, but the file does not contain it',
    );
  }
}

interface RawLine {
  readonly bytes: Buffer;
  readonly start: number;
  readonly complete: boolean;
}

function* readLines(path: string, offset: number): Generator<RawLine> {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    let start = offset;
    let rest: Buffer = Buffer.alloc(0);
    for (let at = offset; at < size;) {
      const chunk = Buffer.alloc(Math.min(READ_BYTES, size - at));
      const read = readSync(file, chunk, 0, chunk.length, at);
      if (read === 0) break;
      at += read;
      const data = rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, read)]) : chunk.subarray(0, read);
      let from = 0;
      for (let end = data.indexOf(LINE_FEED, from); end >= 0; end = data.indexOf(LINE_FEED, from)) {
        yield { bytes: data.subarray(from, end), start, complete: true };
        start += end + 1 - from;
        from = end + 1;
      }
      rest = data.subarray(from);
    }
    if (rest.length > 0) yield { bytes: rest, start, complete: false };
  } finally {
    closeSync(file);
  }
}

function broken(stream: string, seq: number, detail: string): SallyportError {
  return new SallyportError(
    'audit.broken',
    `The audit journal is broken at entry ${seq} of stream ${stream}: ${detail}.`,
    {
      detail,
      fix: 'Keep the data folder as evidence, then restore database and journal together from one backup.',
    },
  );
}
