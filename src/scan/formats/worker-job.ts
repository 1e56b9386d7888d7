/**
 * Work on content of strangers in a thread of its own, which is ended when it takes too long: a file that makes its reader run for ever must not keep the
 * scan. One job at a time.
 */

export interface WorkerJob<Message> {
  /** The request; it is handed over, not copied. */
  readonly request: object;
  readonly transfer: readonly ArrayBuffer[];
  /** Told of each message; returns true for the last. */
  readonly onMessage: (message: Message) => boolean;
}

export class JobThread<Message> {
  readonly #name: string;
  readonly #timeoutMs: number;
  #worker: Worker | undefined;
  #last: Promise<void> = Promise.resolve();

  /** `name`: the file's, below this folder and without `.ts`. */
  constructor(name: string, timeoutMs: number) {
    this.#name = name;
    this.#timeoutMs = timeoutMs;
  }

  /** Waits for the jobs before it; rejects when the thread cannot do it in time. */
  run(job: WorkerJob<Message>): Promise<void> {
    const done = this.#last.then(() => this.#run(job));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run({ request, transfer, onMessage }: WorkerJob<Message>): Promise<void> {
    const worker = (this.#worker ??= this.#open());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // It keeps the process as well, which an idle thread does not.
    const timer = setTimeout(() => reject(new Error('it takes too long')), this.#timeoutMs);
    const over = new AbortController();
    const { signal } = over;
    const hear = ({ data }: MessageEvent<Message>): void => {
      try {
        if (onMessage(data)) resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    worker.addEventListener('message', hear, { signal });
    worker.addEventListener('error', ({ message }) => reject(new Error(message)), { signal });
    worker.postMessage(request, [...transfer]);
    try {
      await promise;
    } catch (error) {
      this.#worker = undefined;
      worker.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  }

  #open(): Worker {
    const inProgram = /\/\$bunfs\/|~BUN/.test(import.meta.url);
    const place = inProgram
      ? `/$bunfs/root/scan/formats/${this.#name}.js`
      : new URL(`./${this.#name}.ts`, import.meta.url);
    const worker = new Worker(place);
    worker.unref();
    return worker;
  }
}
