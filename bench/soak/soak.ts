/**
 * Whether memory grows with the calls that were made: many plain calls, then many streams that are given up, against the gateway in a
 * process of its own. After each step it collects its garbage and says what it holds; the slope is a straight line through these samples
 * behind a warm-up. Ends with 1 when a slope is above the aim. Method and results: bench/RESULTS.md, "Memory".
 *
 *   npm run soak -- [--calls 200000] [--aborts 50000] [--samples 80] [--warm-up 0.25] [--concurrency 32]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomBase62 } from '../../src/core/ids.ts';
import type { KnobPatch } from '../../src/fake/knobs.ts';
import { type Job, LoadGenerator, type Target } from '../jobs.ts';
import { CHAT_PATH, CLIENT_HEADERS } from '../peers/peer.ts';
import { prepare } from '../peers/sallyport.ts';
import { BUN, type Child, Lines, start, stop } from '../process.ts';
import { Upstream } from '../upstream.ts';
import type { MemorySample } from './gateway.ts';
import { slopeOf } from './slope.ts';

const AIM_BYTES = 1024;
const MB = 1024 * 1024;
/** Calls that are still being settled when the load is over. */
const SETTLE_POLLS = 100;

const { values: flags } = parseArgs({
  options: {
    calls: { type: 'string', default: '200000' },
    aborts: { type: 'string', default: '50000' },
    samples: { type: 'string', default: '80' },
    'warm-up': { type: 'string', default: '0.25' },
    concurrency: { type: 'string', default: '32' },
  },
});

interface Phase {
  readonly name: string;
  readonly count: number;
  readonly knobs: KnobPatch;
  readonly job: (target: Target, count: number) => Job;
}

const concurrency = number('concurrency', 1, 1000);
const samples = number('samples', 4, 1000);
const warmUp = number('warm-up', 0, 0.9);

const PHASES: readonly Phase[] = [
  {
    name: 'plain calls',
    count: number('calls', samples, 1e8),
    knobs: { completionTokens: 20 },
    job: (target, calls) => ({ kind: 'calls', target, body: bodyOf(false), events: 0, calls, concurrency }),
  },
  {
    name: 'streams given up',
    count: number('aborts', samples, 1e8),
    knobs: { completionTokens: 2000, tokensPerSecond: 500, ttftMs: 5 },
    job: (target, streams) => ({
      kind: 'aborts',
      target,
      body: bodyOf(true),
      streams,
      concurrency: 2 * concurrency,
    }),
  },
];

function number(name: keyof typeof flags, least: number, most: number): number {
  const value = Number(flags[name]);
  if (value >= least && value <= most) return value;
  throw new Error(`--${name} is a number from ${least} to ${most}.`);
}

function bodyOf(stream: boolean): string {
  return JSON.stringify({
    model: 'openai/gpt-oss-20b',
    stream,
    messages: [{ role: 'user', content: 'word '.repeat(180) }],
    max_completion_tokens: 2000,
  });
}

class SoakedGateway implements AsyncDisposable {
  readonly target: Target;
  readonly #child: Child;
  readonly #lines: Lines;
  readonly #data: string;

  private constructor(child: Child, lines: Lines, data: string, target: Target) {
    this.#child = child;
    this.#lines = lines;
    this.#data = data;
    this.target = target;
  }

  static async start(upstream: string): Promise<SoakedGateway> {
    const data = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
    const key = `gsk_${randomBase62(52)}`;
    const { token } = await prepare(data, upstream, key);
    const child = start([...BUN, join(import.meta.dir, 'gateway.ts'), data], {
      stdin: 'pipe',
      env: { HOME: data },
    });
    const lines = new Lines(child);
    const { url } = (await lines.next()) as { url: string };
    const headers = { ...CLIENT_HEADERS, authorization: `Bearer ${token}` };
    return new SoakedGateway(child, lines, data, { url: url + CHAT_PATH, headers });
  }

  /** Memory after a collection, when no call runs any more. */
  async sample(): Promise<MemorySample> {
    for (let poll = 0; poll < SETTLE_POLLS; poll += 1) {
      await this.#write('sample\n');
      const sample = (await this.#lines.next()) as MemorySample;
      if (sample.liveCalls === 0) return sample;
      await Bun.sleep(100);
    }
    throw new Error('Calls are still running 10 s after their load has ended.');
  }

  async #write(text: string): Promise<void> {
    const { stdin } = this.#child;
    if (stdin === undefined || typeof stdin === 'number') throw new TypeError('The gateway has no input.');
    await stdin.write(text);
    await stdin.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#child);
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/** True when both slopes are within the aim. */
async function soak(phase: Phase, gateway: SoakedGateway, load: LoadGenerator): Promise<boolean> {
  const taken: { readonly done: number; readonly sample: MemorySample }[] = [];
  const step = Math.ceil(phase.count / samples);
  const startMs = performance.now();
  for (let done = 0; done < phase.count;) {
    const count = Math.min(step, phase.count - done);
    await load.run(phase.job(gateway.target, count));
    done += count;
    const sample = await gateway.sample();
    taken.push({ done, sample });
    const { rssBytes, heapBytes, objects } = sample;
    process.stderr.write(
      `${phase.name} ${done}: rss ${mb(rssBytes)} MB, heap ${mb(heapBytes)} MB, ${objects} objects\n`,
    );
  }
  const after = taken.filter(({ done }) => done > phase.count * warmUp);
  const line = (field: 'rssBytes' | 'heapBytes'): { text: string; within: boolean } => {
    const { perUnit, error } = slopeOf(after.map(({ done, sample }) => ({ x: done, y: sample[field] })));
    const [first, last] = [after[0]?.sample[field] ?? NaN, after.at(-1)?.sample[field] ?? NaN];
    const slope = `${perUnit.toFixed(1)} +- ${error.toFixed(1)} bytes a call`;
    return { text: `${mb(first)} -> ${mb(last)} MB, ${slope}`, within: perUnit < AIM_BYTES };
  };
  const rss = line('rssBytes');
  const heap = line('heapBytes');
  const within = rss.within && heap.within;
  const seconds = Math.round((performance.now() - startMs) / 1000);
  process.stdout.write(
    `${phase.name}: ${phase.count} in ${seconds} s, ${after.length} samples behind a warm-up of ${Math.round(phase.count * warmUp)}\n` +
      `  rss   ${rss.text}\n  heap  ${heap.text}\n  aim   below ${AIM_BYTES} bytes a call: ${within ? 'met' : 'MISSED'}\n`,
  );
  return within;
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(1);
}

await using upstream = await Upstream.start();
await using load = new LoadGenerator();
await using gateway = await SoakedGateway.start(upstream.url);
let met = true;
for (const phase of PHASES) {
  await upstream.set(phase.knobs);
  met = (await soak(phase, gateway, load)) && met;
}
process.exitCode = met ? 0 : 1;
