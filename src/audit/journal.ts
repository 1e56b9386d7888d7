/**
 * The journal: append-only, hash-chained, the truth for calls, money and revocations. `append` is synchronous, so an entry survives the
 * death of this process before anything is sent on its behalf; `durable` resolves when it also survives a power cut.
 *
 * Syncs are grouped: the first waiter starts a short collecting window, one sync runs at a time, and everybody who came meanwhile shares
 * the next (one sync costs as much CPU as three or four calls). A write that fails or comes up short is undone to the last whole line
 * and refused with `audit.unavailable`; the next append tries again. A failed sync is final: what the disk then holds is unknown.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Authenticator } from '../core/authenticator.ts';
import type { Clock } from '../core/clock.ts';
import { describe, SallyportError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import { Histogram } from '../core/histogram.ts';
import { chainHash, LineBuffer, NO_HASH } from './chain.ts';
import type { EntryBody, Entry, PlacedEntry, Position } from './entry.ts';
import { withMac } from './entry-mac.ts';
import { segmentPath, streamName } from './layout.ts';
import type { JournalTail } from './reader.ts';

export interface JournalConfig {
  readonly folder: string;
  readonly node: string;
  readonly instance: string;
  readonly version: string;
  /** Tags every entry as written by this installation: `journal-mac`. */
  readonly authenticator: Authenticator;
  /** A segment is closed when it grows past this. */
  readonly segmentBytes: number;
  /** How long a sync waits for company. */
  readonly collectMs: number;
}

export interface JournalStats {
  readonly entries: number;
  readonly syncs: number;
  /** Entries made durable by these syncs: the quotient is the group size. */
  readonly synced: number;
}

/** From a fast disk's tenth of a millisecond to one that is stuck. */
const SYNC_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: SallyportError) => void;
}

export class Journal {
  readonly stream: string;
  /** How long each grouped sync took. */
  readonly syncSeconds = new Histogram(SYNC_SECONDS);
  readonly #config: JournalConfig;
  readonly #clock: Clock;
  readonly #onEntry: (placed: PlacedEntry) => void;
  readonly #line = new LineBuffer();
  #file: number;
  #segment = 1;
  #offset = 0;
  #seq = 0;
  #hash: Buffer = NO_HASH;
  #syncedSeq = 0;
  #syncs = 0;
  #waiters: Waiter[] = [];
  #syncing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Closed segments that a sync in flight still refers to. */
  #retired: number[] = [];
  #dead: string | undefined;

  private constructor(
    config: JournalConfig,
    clock: Clock,
    boot: number,
    onEntry: (placed: PlacedEntry) => void,
  ) {
    this.#onEntry = onEntry;
    this.#config = config;
    this.#clock = clock;
    this.stream = streamName(config.node, boot);
    mkdirSync(join(config.folder, this.stream), { recursive: true, mode: 0o700 });
    this.#file = this.#openSegment(1);
  }

  /**
   * Cuts off the torn tail that reading found, and opens the stream of this process with an entry that cites the head before it.
   * `onEntry` is called for every entry, in order, right after it was written.
   */
  static open(
    config: JournalConfig,
    clock: Clock,
    tail: JournalTail,
    onEntry: (placed: PlacedEntry) => void,
  ): Journal {
    if (tail.torn) cutTail(tail.torn.path, tail.torn.offset);
    const journal = new Journal(config, clock, tail.highestBoot + 1, onEntry);
    const head = tail.head;
    journal.append({
      action: 'journal.open',
      instance: config.instance,
      version: config.version,
      previous: head && { stream: head.stream, seq: head.seq, hash: head.hash.toString('base64url') },
      tornBytes: tail.torn?.bytes ?? 0,
    });
    return journal;
  }

  get stats(): JournalStats {
    return { entries: this.#seq, syncs: this.#syncs, synced: this.#syncedSeq };
  }

  /** Writes one entry. Throws `audit.unavailable` when it could not be written whole; then nothing of it is in the file. */
  append(body: EntryBody): Position {
    if (this.#dead !== undefined) throw unavailable(this.#dead);
    if (this.#offset > this.#config.segmentBytes) this.#rotate();
    const entry: Entry = { seq: this.#seq + 1, at: new Date(this.#clock.wallMs()).toISOString(), ...body };
    const place = { stream: this.stream, previous: this.#hash };
    const json = withMac(this.#config.authenticator, place, JSON.stringify(entry));
    const hash = chainHash(this.#hash, json);
    const bytes = this.#line.format(json, hash);
    this.#write(this.#line.bytes, bytes);
    this.#seq = entry.seq;
    this.#hash = hash;
    this.#offset += bytes;
    const position = {
      stream: this.stream,
      seq: entry.seq,
      hash,
      segment: this.#segment,
      offset: this.#offset,
    };
    this.#onEntry({ entry, position });
    if (body.action === 'call.start') failpoint('after-append');
    return position;
  }

  /** Resolves when the entry survives a power cut. Rejects with `audit.unavailable` when that cannot be known. */
  durable(position: Position): Promise<void> {
    if (position.seq <= this.#syncedSeq) return Promise.resolve();
    if (this.#dead !== undefined) return Promise.reject(unavailable(this.#dead));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (!this.#syncing) this.#timer ??= setTimeout(() => this.#sync(), this.#config.collectMs);
    });
  }

  /** Writes a last entry, syncs and closes. Later appends are refused. Throws `audit.unavailable` when either failed. */
  close(reason: string): void {
    if (this.#dead !== undefined) return;
    clearTimeout(this.#timer);
    let failure: unknown;
    try {
      this.append({ action: 'journal.close', reason });
    } catch (error) {
      failure = error;
    }
    try {
      // What is written is worth keeping even where the last entry found no room.
      fdatasyncSync(this.#file);
      this.#syncedSeq = this.#seq;
    } catch (error) {
      failure ??= unavailable(`the disk did not confirm a sync: ${describe(error)}`);
    }
    this.#dead = 'the journal is closed';
    this.#retire(this.#file);
    const durable = this.#syncedSeq === this.#seq;
    for (const waiter of this.#waiters.splice(0)) {
      if (durable) waiter.resolve();
      else waiter.reject(unavailable('the journal was closed before a sync'));
    }
    if (failure !== undefined) throw failure;
  }

  #write(line: Buffer, bytes: number): void {
    let written = 0;
    let cause: unknown;
    try {
      written = writeSync(this.#file, line, 0, bytes);
    } catch (error) {
      cause = error;
    }
    if (written === bytes) return;
    // A full disk takes the part that fits without an error: nothing of an unfinished line may stay.
    try {
      ftruncateSync(this.#file, this.#offset);
    } catch (error) {
      this.#dead = `an unfinished line could not be removed: ${describe(error)}`;
    }
    throw unavailable(cause === undefined ? 'the disk is full' : describe(cause));
  }

  #rotate(): void {
    try {
      fdatasyncSync(this.#file);
    } catch (error) {
      this.#dead = `the disk did not confirm a sync: ${describe(error)}`;
      throw unavailable(this.#dead);
    }
    const full = this.#file;
    try {
      this.#file = this.#openSegment(this.#segment + 1);
    } catch (error) {
      throw unavailable(`no new segment: ${describe(error)}`);
    }
    this.#segment += 1;
    this.#offset = 0;
    this.#retire(full);
  }

  /** A sync in flight still uses the descriptor; its number must not be given to another file meanwhile. */
  #retire(file: number): void {
    if (this.#syncing) this.#retired.push(file);
    else closeSync(file);
  }

  #openSegment(segment: number): number {
    const path = segmentPath(this.#config.folder, this.stream, segment);
    const file = openSync(path, 'ax', 0o600);
    try {
      // The name of a new file is durable only when its folder is.
      syncFolder(join(this.#config.folder, this.stream));
      syncFolder(this.#config.folder);
    } catch (error) {
      // The next append tries the same name again.
      closeSync(file);
      unlinkSync(path);
      throw error;
    }
    return file;
  }

  #sync(): void {
    this.#timer = undefined;
    this.#syncing = true;
    const waiters = this.#waiters;
    this.#waiters = [];
    const seq = this.#seq;
    const startedMs = this.#clock.monotonicMs();
    fdatasync(this.#file, (error) => {
      this.#syncing = false;
      for (const file of this.#retired.splice(0)) closeSync(file);
      if (error) {
        this.#dead ??= `the disk did not confirm a sync: ${error.message}`;
        const failure = unavailable(this.#dead);
        for (const waiter of [...waiters, ...this.#waiters.splice(0)]) waiter.reject(failure);
        return;
      }
      this.#syncs += 1;
      this.syncSeconds.observe((this.#clock.monotonicMs() - startedMs) / 1000);
      this.#syncedSeq = Math.max(this.#syncedSeq, seq);
      for (const waiter of waiters) waiter.resolve();
      if (this.#waiters.length > 0) this.#sync();
    });
  }
}

/** Cuts an unfinished line off for good: if it came back after a power cut, it would stand before the end of the journal. */
function cutTail(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, offset);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function unavailable(detail: string): SallyportError {
  return new SallyportError(
    'audit.unavailable',
    'The audit journal cannot be written, so no call is let through.',
    {
      detail,
      fix: 'Free disk space in the data folder; if the log names a failed sync, restart Sallyport.',
      retryable: true,
      retryAfterSeconds: 5,
    },
  );
}
