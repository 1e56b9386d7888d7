/**
 * Scans a list of files with as many threads as it is worth: this one begins, and starts others when it sees how much there is. What a thread
 * that fails had taken is scanned here. What is told comes in the order of the list.
 */
import { availableParallelism } from 'node:os';
import type { ContentOptions } from '../content.ts';
import type { Progress } from '../progress.ts';
import type { Sink } from '../sink.ts';
import { Batches, type Work } from './batches.ts';
import type { FromWorker } from './files-worker.ts';
import { Record } from './record.ts';

export interface CrewOptions {
  readonly cwd: string;
  readonly content: ContentOptions;
  readonly progress: Progress;
  /** As many threads more, at most. */
  readonly helpers?: number;
  /** A thread more is worth it for so many bytes that are probably left. */
  readonly bytesPerHelper?: number;
}

export interface CrewResult {
  /** Among the files: repositories of their own. */
  readonly folders: readonly string[];
  /** See `SentRecord`. */
  readonly notClean: ReadonlySet<string>;
}

const MOST_HELPERS = 3;
const BYTES_PER_HELPER = 32 * 1024 * 1024;
/** So often others get a turn: messages of threads, signals, the progress line. */
const TURN_MS = 25;
/** Where a program of one file has its threads. */
const IN_PROGRAM = '/$bunfs/root/scan/files/files-worker.js';

export class Crew {
  readonly #work: Work;
  readonly #batches: Batches;
  readonly #options: CrewOptions;
  readonly #done: (Record | undefined)[] = [];
  readonly #helpers: Promise<void>[] = [];
  #told = 0;
  readonly #folders: string[] = [];
  readonly #notClean = new Set<string>();

  /** See `namesIn` for the names. */
  constructor(names: Uint8Array, options: CrewOptions) {
    const { cwd, content } = options;
    const next = new Int32Array(new SharedArrayBuffer(4));
    this.#work = { names, cwd, content, next };
    this.#batches = new Batches(this.#work);
    this.#options = options;
  }

  async scan(sink: Sink): Promise<CrewResult> {
    let turnAt = performance.now();
    let bytes = 0;
    let own = 0;
    for (let batch = this.#batches.take(); batch !== null; batch = this.#batches.take()) {
      const record = await this.#batches.scan(batch);
      own += 1;
      bytes += record.bytes;
      this.#done[batch] = record;
      this.#startHelpers((bytes / own) * (this.#batches.count - batch));
      if (performance.now() - turnAt < TURN_MS) continue;
      this.#tell(sink);
      await new Promise((resolve) => setImmediate(resolve));
      turnAt = performance.now();
    }
    await Promise.all(this.#helpers);
    for (let batch = 0; batch < this.#batches.count; batch += 1)
      this.#done[batch] ??= await this.#batches.scan(batch);
    this.#tell(sink);
    return { folders: this.#folders, notClean: this.#notClean };
  }

  /** Tells what is known without a gap. */
  #tell(sink: Sink): void {
    for (let record = this.#done[this.#told]; record; record = this.#done[this.#told]) {
      record.tell(sink);
      this.#folders.push(...record.folders);
      for (const shown of record.notClean) this.#notClean.add(shown);
      // Findings are in the sink now.
      this.#done[this.#told] = new Record();
      this.#told += 1;
    }
    this.#options.progress.at(this.#batches.filesBefore(this.#told));
  }

  #startHelpers(bytesLeft: number): void {
    const {
      helpers = Math.min(MOST_HELPERS, availableParallelism() - 1),
      bytesPerHelper = BYTES_PER_HELPER,
    } = this.#options;
    const wanted = Math.min(helpers, Math.floor(bytesLeft / bytesPerHelper));
    while (this.#helpers.length < wanted) this.#helpers.push(this.#help());
  }

  /** Resolves when the thread has ended, however it did. */
  async #help(): Promise<void> {
    const worker = new Worker(
      Bun.isStandaloneExecutable ? IN_PROGRAM : new URL('files-worker.ts', import.meta.url).href,
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data === null) resolve();
      else this.#done[data.batch] = Record.received(data.record);
    });
    // What it had taken and not sent is scanned at the end.
    for (const event of ['error', 'messageerror', 'close']) worker.addEventListener(event, () => resolve());
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have none
    worker.postMessage(this.#work);
    await promise;
    worker.terminate();
  }
}
