/** Measures the peers in turn, round after round. */
import { cpuMs, quiet } from './cpu.ts';
import { LoadGenerator, type CallsJob } from './jobs.ts';
import type { Peer } from './peers/peer.ts';
import {
  CPU_SCENARIOS,
  type CpuScenario,
  LATENCY_BODY,
  LATENCY_KNOBS,
  LATENCY_SAMPLES,
} from './scenarios.ts';
import type { Upstream } from './upstream.ts';

export interface CpuResult {
  /** CPU microseconds per unit, one value a round. */
  readonly microseconds: number[];
  /** Journal entries and syncs over all rounds; NaN for what has no journal or does not say. */
  entries: number;
  syncs: number;
  /** Pieces in which the streams of all rounds came, and how many streams there were. */
  reads: number;
  calls: number;
}

/** By the peer's name. */
export type CpuResults = ReadonlyMap<string, CpuResult>;

/** Compiling what is new is no part of a call's cost; most of it happens within so many calls. */
const WARM_UP_SHARE = 1.5;
const AGAIN_SHARE = 0.04;
const PINGS = 300;
const PING_EVERY_MS = 3;

export interface Bench {
  readonly upstream: Upstream;
  readonly load: LoadGenerator;
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly say: (line: string) => void;
}

export async function measureCpu(bench: Bench, scenario: CpuScenario): Promise<CpuResults> {
  const { upstream, load, peers, rounds, say } = bench;
  const results = new Map<string, CpuResult>();
  await upstream.set(scenario.knobs);
  for (const peer of peers) {
    results.set(peer.name, { microseconds: [], entries: 0, syncs: 0, reads: 0, calls: 0 });
    await load.run(callsJob(peer, scenario, WARM_UP_SHARE));
  }
  for (let round = 1; round <= rounds; round += 1) {
    const said: string[] = [];
    for (const peer of peers) {
      const result = results.get(peer.name);
      if (!result) continue;
      const microseconds = await measureOnce(bench, scenario, peer, result);
      said.push(`${peer.name} ${microseconds.toFixed(1)}`);
    }
    say(`${scenario.name} ${round}/${rounds}: ${said.join(', ')} us`);
  }
  return results;
}

async function measureOnce(
  { load }: Bench,
  scenario: CpuScenario,
  peer: Peer,
  result: CpuResult,
): Promise<number> {
  await load.run(callsJob(peer, scenario, AGAIN_SHARE));
  await rest(peer);
  const counted = await peer.journal?.();
  const beforeMs = cpuMs(peer.pid);
  const job = callsJob(peer, scenario, 1);
  const { reads } = await load.run(job);
  await rest(peer);
  const microseconds = ((cpuMs(peer.pid) - beforeMs) * 1000) / (job.calls * scenario.units);
  const now = await peer.journal?.();
  result.microseconds.push(microseconds);
  result.entries += (now?.entries ?? NaN) - (counted?.entries ?? NaN);
  result.syncs += (now?.syncs ?? NaN) - (counted?.syncs ?? NaN);
  result.reads += reads;
  result.calls += job.calls;
  return microseconds;
}

/** By the peer's name, and `direct` for the upstream itself: milliseconds of every sample. */
export async function measureLatency(
  bench: Bench,
  key: string,
  path: string,
): Promise<Map<string, number[]>> {
  const { upstream, load, peers, rounds, say } = bench;
  await upstream.set(LATENCY_KNOBS);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const direct = { name: 'direct', target: { url: upstream.url + path, headers } };
  const all = [direct, ...peers];
  const samples = new Map(all.map(({ name }) => [name, [] as number[]]));
  const targets = all.map(({ target }) => target);
  await load.run({ kind: 'latency', targets, body: LATENCY_BODY, samples: 30 });
  for (let round = 1; round <= rounds; round += 1) {
    const job = { kind: 'latency', targets, body: LATENCY_BODY, samples: LATENCY_SAMPLES } as const;
    const { latenciesMs } = await load.run(job);
    for (const [index, { name }] of all.entries()) samples.get(name)?.push(...(latenciesMs[index] ?? []));
    say(`latency ${round}/${rounds}`);
  }
  return samples;
}

/** How long a trivial request waits for the event loop: alone, and while large prompts pass. */
export interface LoopDelay {
  readonly idleMs: readonly number[];
  readonly loadedMs: readonly number[];
}

export async function measureLoopDelay(bench: Bench): Promise<Map<string, LoopDelay>> {
  const scenario = CPU_SCENARIOS.find(({ name }) => name === 'large');
  if (!scenario) throw new TypeError('There is no scenario with large prompts.');
  await using pinger = new LoadGenerator();
  await bench.upstream.set(scenario.knobs);
  const delays = new Map<string, LoopDelay>();
  for (const peer of bench.peers) {
    if (peer.pingUrl === null) continue;
    const ping = { kind: 'pings', url: peer.pingUrl, pings: PINGS, everyMs: PING_EVERY_MS } as const;
    await pinger.run(ping);
    const { latenciesMs: idleMs } = await pinger.run(ping);
    // One prompt at a time: with more, pings would wait for a processor as long as for the loop.
    const flood = bench.load.run({
      ...callsJob(peer, scenario, peer.weight < 0.5 ? 2 : 0.5),
      concurrency: 1,
    });
    const { latenciesMs: loadedMs } = await pinger.run(ping);
    await flood;
    await rest(peer);
    delays.set(peer.name, { idleMs, loadedMs });
    bench.say(`loop delay: ${peer.name}`);
  }
  return delays;
}

function callsJob(peer: Peer, scenario: CpuScenario, share: number): CallsJob {
  const { body, events, concurrency } = scenario;
  // Whole rounds of the clients: a last one that is half empty would be a measurement at another concurrency.
  const wanted = scenario.calls * (scenario.paced ? 1 : peer.weight) * share;
  const calls = concurrency * Math.max(1, Math.round(wanted / concurrency));
  return { kind: 'calls', target: peer.target, body, events, calls, concurrency };
}

async function rest(peer: Peer): Promise<void> {
  await peer.caughtUp?.();
  await quiet(peer.pid);
}
