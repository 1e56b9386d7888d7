/**
 * Every journal entry as a line for a log collector. A collector that reads too slowly, or not at all, holds nothing up: one write is in
 * flight at a time, what waits for it is bounded, and what finds no room is counted and said so on the next line. The journal has it all.
 */
import type { PlacedEntry } from './entry.ts';

const MAX_WAITING = 20_000;
const LINES_PER_WRITE = 500;
/** Entries of the same moment share a write. */
const COLLECT_MS = 10;

/** Writes `text`; `done` is called when it was taken, with an error when nobody reads any more. */
export type WriteOut = (text: string, done: (error?: Error | null) => void) => void;

export interface EntryStreamStats {
  readonly written: number;
  readonly dropped: number;
}

export class EntryStream {
  readonly #write: WriteOut;
  readonly #maxWaiting: number;
  #waiting: PlacedEntry[] = [];
  #started = false;
  #busy = false;
  #ended = false;
  #written = 0;
  #dropped = 0;
  /** Of `dropped`, what no line has said yet. */
  #untold = 0;
  #idle: (() => void)[] = [];

  constructor(write: WriteOut, maxWaiting = MAX_WAITING) {
    this.#write = write;
    this.#maxWaiting = maxWaiting;
  }

  get stats(): EntryStreamStats {
    return { written: this.#written, dropped: this.#dropped };
  }

  /** Takes an entry that was just written to the journal. */
  add(placed: PlacedEntry): void {
    if (this.#ended || this.#waiting.length >= this.#maxWaiting) {
      this.#dropped += 1;
      this.#untold += 1;
      return;
    }
    this.#waiting.push(placed);
    this.#schedule();
  }

  /** Before this call entries wait, so that whoever prints something first can. */
  start(): void {
    this.#started = true;
    this.#schedule();
  }

  /** Resolves when all that waited was taken: true; or after `graceMs`: false. What comes later is dropped. */
  async end(graceMs: number): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, graceMs);
    await Promise.race([this.#drained(), late]);
    clearTimeout(timer);
    this.#ended = true;
    return !this.#busy;
  }

  #drained(): Promise<void> {
    if (!this.#busy) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (!this.#started || this.#busy || this.#waiting.length === 0) return;
    this.#busy = true;
    setTimeout(() => this.#pump(), COLLECT_MS);
  }

  #pump(): void {
    const entries = this.#waiting.splice(0, LINES_PER_WRITE);
    const untold = this.#untold;
    const lines = entries.map(lineOf);
    if (untold > 0) lines.push(`${JSON.stringify({ event: 'audit.dropped', count: untold })}\n`);
    this.#untold = 0;
    this.#write(lines.join(''), (error) => {
      if (error) {
        this.#dropped += entries.length;
        this.#untold += untold + entries.length;
      } else this.#written += entries.length;
      if (this.#waiting.length > 0 && !this.#ended) {
        this.#pump();
        return;
      }
      this.#busy = false;
      for (const resolve of this.#idle.splice(0)) resolve();
    });
  }
}

/** The entry with its place in the journal: stream, number, and the hash that a receipt names. */
function lineOf({ entry, position }: PlacedEntry): string {
  return `${JSON.stringify({ stream: position.stream, ...entry, hash: position.hash.toString('base64url') })}\n`;
}
