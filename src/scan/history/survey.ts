/**
 * The first, coarse look at all objects of a repository, straight from its packs: in the end each is known to be clean or is a suspect. Small
 * repositories are done here, larger ones by as many threads as there are cores.
 */
import { availableParallelism } from 'node:os';
import { failpoint } from '../../core/failpoint.ts';
import type { Depth } from '../../detect/deep.ts';
import type { CleanBlobs } from '../clean-blobs.ts';
import type { Progress } from '../progress.ts';
import { Inspector, type Told } from './inspector.ts';
import { LooseSifter } from './loose-sifter.ts';
import { PackBytes } from './pack-bytes.ts';
import { readPackTable } from './pack-table.ts';
import { BYTES, doPackWork, OBJECTS, type PackShare, type PackWork, STOP, toldBy } from './pack-work.ts';
import { OPEN, TELLING } from './states.ts';
import { rememberClean, type Store, type Universe } from './universe.ts';

export interface SurveyOptions {
  readonly depth: Depth;
  readonly progress: Progress;
  /** Aborted when the scan is to be left as it is. */
  readonly stop: AbortSignal;
  /** Threads; by the number of cores if not said. 1 starts none. */
  readonly threads?: number;
  /** Larger packs are read in pieces. */
  readonly mostMappedBytes?: number;
  /** Between two times at which what turned out to be clean is kept. */
  readonly saveMs?: number;
}

export interface Survey extends Told {
  readonly bytes: number;
}

const MOST_THREADS = 8;
/** A thread takes about 40 ms to start. */
const WORTH_A_THREAD_BYTES = 6 * 1024 * 1024;
const SAVE_MS = 2000;
const LOOK_MS = 50;

export async function survey(universe: Universe, clean: CleanBlobs, options: SurveyOptions): Promise<Survey> {
  const { progress, stop, saveMs = SAVE_MS } = options;
  progress.begin(universe.all.size - universe.known, 'objects');
  const shares: PackShare[] = [];
  let packedBytes = 0;
  for (const store of universe.stores) {
    if (!store.pack || !store.states.includes(OPEN)) continue;
    try {
      const { share, size } = shareOf(store, store.pack, universe.idBytes, options);
      shares.push(share);
      packedBytes += size;
    } catch {
      // It is gone or damaged: its objects stay open, and git is asked for each.
    }
  }
  const work: PackWork = {
    packs: shares,
    all: universe.all.bytes,
    idBytes: universe.idBytes,
    depth: options.depth,
    totals: new BigInt64Array(new SharedArrayBuffer(24)),
    ...(options.mostMappedBytes === undefined ? {} : { mostMappedBytes: options.mostMappedBytes }),
  };
  stop.addEventListener('abort', () => Atomics.store(work.totals, STOP, 1n));
  if (stop.aborted) Atomics.store(work.totals, STOP, 1n);
  const told: Told[] = [];
  const threads = options.threads ?? Math.min(MOST_THREADS, availableParallelism());
  let savedAt = performance.now();
  const look = (): void => {
    progress.at(Number(Atomics.load(work.totals, OBJECTS)));
    if (performance.now() - savedAt < saveMs) return;
    rememberClean(universe, clean);
    savedAt = performance.now();
  };
  const isWorthIt = options.threads !== undefined || packedBytes > WORTH_A_THREAD_BYTES;
  if (threads > 1 && shares.length > 0 && isWorthIt) told.push(...(await inThreads(work, threads, look)));
  else told.push(...(await inThisThread(work, look, Math.min(saveMs, LOOK_MS))));
  let bytes = Number(Atomics.load(work.totals, BYTES));
  for (const store of universe.stores) {
    if (store.pack) continue;
    const inspector = new Inspector(universe.all);
    bytes += await here(sieveLoose(store, universe.idBytes, options, inspector, work.totals), look, LOOK_MS);
    told.push(toldBy(inspector));
  }
  rememberClean(universe, clean);
  return {
    bytes,
    names: told.flatMap(({ names }) => names),
    missing: [...new Set(told.flatMap(({ missing }) => missing))],
  };
}

/** Likewise, what fails leaves its objects open. */
async function inThisThread(work: PackWork, look: () => void, lookMs: number): Promise<Told[]> {
  try {
    return [await here(doPackWork(work), look, lookMs)];
  } catch {
    for (const { states } of work.packs) reopen(states);
    return [];
  }
}

function shareOf(
  store: Store,
  pack: NonNullable<Store['pack']>,
  idBytes: number,
  { mostMappedBytes }: SurveyOptions,
): { readonly share: PackShare; readonly size: number } {
  using bytes = new PackBytes(pack.pack, mostMappedBytes);
  // The pack's own checksum is behind the last entry.
  const table = readPackTable(pack.read, bytes, bytes.size - idBytes);
  const next = new Int32Array(new SharedArrayBuffer(4));
  return {
    share: { index: pack.index, pack: pack.pack, table, states: store.states, next },
    size: bytes.size,
  };
}

/** Step by step, so that a signal is heard and the line of progress moves. */
async function here<T>(steps: Generator<void, T>, look: () => void, lookMs: number): Promise<T> {
  let pausedAt = performance.now();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    failpoint('in-survey');
    if (performance.now() - pausedAt < lookMs) continue;
    look();
    await Bun.sleep(0);
    pausedAt = performance.now();
  }
}

const STEP_OBJECTS = 64;

function* sieveLoose(
  { folder, ids, count, states }: Store,
  idBytes: number,
  { depth, stop }: SurveyOptions,
  inspector: Inspector,
  totals: BigInt64Array,
): Generator<void, number> {
  const sifter = new LooseSifter({ folder, ids, idBytes, states, depth }, inspector);
  for (let place = 0; place < count && !stop.aborted; place += 1) {
    sifter.object(place);
    if (place % STEP_OBJECTS !== 0) continue;
    Atomics.add(totals, OBJECTS, BigInt(STEP_OBJECTS));
    yield;
  }
  sifter.flush();
  return sifter.bytes;
}

/** A thread that fails leaves its objects open, and so suspects; the others go on. */
async function inThreads(work: PackWork, threads: number, look: () => void): Promise<Told[]> {
  const timer = setInterval(look, LOOK_MS);
  try {
    const told = await Promise.all(Array.from({ length: threads }, () => inThread(work)));
    // Nobody knows what the folders told that it had looked at.
    if (told.includes(null)) for (const { states } of work.packs) reopen(states);
    return told.filter((one) => one !== null);
  } finally {
    clearInterval(timer);
  }
}

function reopen(states: Uint8Array): void {
  for (let place = states.indexOf(TELLING); place >= 0; place = states.indexOf(TELLING, place + 1))
    states[place] = OPEN;
}

/** In a one-file program, this file's address is that of the program. */
const INSIDE_PROGRAM = /\/\$bunfs\/|~BUN/;

function inThread(work: PackWork): Promise<Told | null> {
  const address = INSIDE_PROGRAM.test(import.meta.url)
    ? '/$bunfs/root/scan/history/history-worker.js'
    : new URL('history-worker.ts', import.meta.url);
  return new Promise((resolve) => {
    const worker = new Worker(address, { smol: true });
    const end = (told: Told | null): void => {
      worker.terminate();
      resolve(told);
    };
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => end(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      end(null);
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a Worker has no origin
    worker.postMessage(work);
  });
}
