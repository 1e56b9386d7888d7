/** A list of files in batches, which threads take in turn: nobody waits for who got the large ones. */
import type { ContentOptions } from '../content.ts';
import { type NamedFile, namesIn } from './file-names.ts';
import { FileScan } from './file-scan.ts';
import { Record } from './record.ts';

const BATCH_FILES = 64;

/** What a thread needs to take part. All of it can be sent. */
export interface Work {
  /** See `namesIn`. */
  readonly names: Uint8Array;
  readonly cwd: string;
  readonly content: ContentOptions;
  /** One number, shared: the batch that nobody has taken yet. */
  readonly next: Int32Array;
}

export class Batches {
  readonly #files: readonly NamedFile[];
  readonly #next: Int32Array;
  readonly #scan: FileScan;
  #record = new Record();

  constructor({ names, cwd, content, next }: Work) {
    this.#files = namesIn(Buffer.from(names.buffer, names.byteOffset, names.length));
    this.#next = next;
    this.#scan = new FileScan(
      {
        finding: (finding) => this.#record.finding(finding),
        problem: (text) => this.#record.problem(text),
        skip: (kind, count) => this.#record.skip(kind, count),
        looked: (files, bytes) => this.#record.looked(files, bytes),
      },
      { ...content, cwd },
    );
  }

  get count(): number {
    return Math.ceil(this.#files.length / BATCH_FILES);
  }

  /** How many files are in the first so many batches. */
  filesBefore(batch: number): number {
    return Math.min(this.#files.length, batch * BATCH_FILES);
  }

  /** The next batch that nobody has; null when there is none. */
  take(): number | null {
    const batch = Atomics.add(this.#next, 0, 1);
    return batch < this.count ? batch : null;
  }

  async scan(batch: number): Promise<Record> {
    this.#record = new Record();
    for (const file of this.#files.slice(batch * BATCH_FILES, (batch + 1) * BATCH_FILES)) {
      const weight = this.#record.weight;
      const scanned = this.#scan.scan(file);
      // No turn of the loop for each file: most are read at once.
      const is = typeof scanned === 'string' ? scanned : await scanned;
      if (is === 'folder') this.#record.folders.push(file.shown);
      if (is !== 'whole' || this.#record.weight !== weight) this.#record.notClean.push(file.shown);
    }
    return this.#record;
  }
}
