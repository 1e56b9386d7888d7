/** What the load generator is asked to do, and its process as the benchmark sees it. */
import { join } from 'node:path';
import { BUN, type Child, Lines, start, stop } from './process.ts';

/** Where calls go. */
export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface CallsJob {
  readonly kind: 'calls';
  readonly target: Target;
  readonly body: string;
  /** Events that each answer must have; 0 for a plain answer. */
  readonly events: number;
  readonly calls: number;
  readonly concurrency: number;
}

export interface LatencyJob {
  readonly kind: 'latency';
  readonly targets: readonly Target[];
  readonly body: string;
  /** Of each target. */
  readonly samples: number;
}

export interface PingJob {
  readonly kind: 'pings';
  readonly url: string;
  readonly pings: number;
  readonly everyMs: number;
}

/** Streams that are given up at different moments: before anything came, behind the first chunk, behind the third. */
export interface AbortsJob {
  readonly kind: 'aborts';
  readonly target: Target;
  readonly body: string;
  readonly streams: number;
  readonly concurrency: number;
}

export type Job = CallsJob | LatencyJob | PingJob | AbortsJob;

export interface Results {
  readonly calls: {
    readonly wallMs: number;
    /** In how many pieces the streams came. */
    readonly reads: number;
  };
  readonly latency: { readonly latenciesMs: readonly (readonly number[])[] };
  readonly pings: { readonly latenciesMs: readonly number[] };
  readonly aborts: { readonly wallMs: number };
}

export class LoadGenerator implements AsyncDisposable {
  readonly #child: Child;
  readonly #lines: Lines;

  constructor() {
    this.#child = start([...BUN, join(import.meta.dir, 'load.ts')], { stdin: 'pipe' });
    this.#lines = new Lines(this.#child);
  }

  /** Rejects when an answer was not what the job expects. */
  async run<J extends Job>(job: J): Promise<Results[J['kind']]> {
    const { stdin } = this.#child;
    if (stdin === undefined || typeof stdin === 'number')
      throw new TypeError('The load generator has no input.');
    await stdin.write(`${JSON.stringify(job)}\n`);
    await stdin.flush();
    return (await this.#lines.next()) as Results[J['kind']];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#child);
  }
}
