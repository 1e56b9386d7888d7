/**
 * What a call through Sallyport costs beside the least that this runtime can do, nginx and the Portkey gateway: CPU time of the whole
 * measured process, work that is done later included. Method and results: bench/RESULTS.md.
 *
 *   npm run bench -- [--rounds 7] [--only call,chunk,large,latency,loop] [--without nginx,portkey] [--against DIR] [--scale 1]
 *
 * `--against` measures another checkout of this repository beside this one.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomBase62 } from '../src/core/ids.ts';
import { LoadGenerator } from './jobs.ts';
import { type Bench, measureCpu, measureLatency, measureLoopDelay } from './measure.ts';
import { startFloor } from './peers/floor-peer.ts';
import { startNginx } from './peers/nginx.ts';
import { Absent, CHAT_PATH, type Peer } from './peers/peer.ts';
import { startPortkey } from './peers/portkey.ts';
import { startSallyport } from './peers/sallyport.ts';
import * as report from './report.ts';
import { CPU_SCENARIOS } from './scenarios.ts';
import { Upstream } from './upstream.ts';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: 'call,chunk,large,latency,loop' },
    without: { type: 'string', default: '' },
    against: { type: 'string' },
    scale: { type: 'string', default: '1' },
  },
});

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function show(text: string): void {
  process.stdout.write(`${text}\n\n`);
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`--${name} is a number from ${least} to ${most}.`);
}

async function startPeers(upstream: string, key: string, peers: AsyncDisposableStack): Promise<Peer[]> {
  const { against } = flags;
  const starts: readonly (readonly [string, () => Promise<Peer>])[] = [
    ['floor', () => startFloor(upstream, key)],
    ['sallyport', () => startSallyport(upstream, key)],
    ...(against === undefined
      ? []
      : [['against', () => startSallyport(upstream, key, resolve(against), 'against')] as const]),
    ['nginx', () => startNginx(upstream, key)],
    ['portkey', () => startPortkey(upstream, key)],
  ];
  const left = new Set(flags.without.split(','));
  const started: Peer[] = [];
  for (const [name, start] of starts) {
    if (left.has(name)) continue;
    try {
      started.push(peers.use(await start()));
    } catch (error) {
      if (!(error instanceof Absent)) throw error;
      show(`${name} is not measured: ${error.message}`);
    }
  }
  return started;
}

async function main(): Promise<void> {
  const rounds = number('rounds', flags.rounds, 1, 100);
  const scale = number('scale', flags.scale, 0.01, 100);
  const only = new Set(flags.only.split(','));
  // Put together at run time, so that no scanner takes it for a real key.
  const key = ['g', 'sk_', randomBase62(52)].join('');
  await using upstream = await Upstream.start();
  await using load = new LoadGenerator();
  await using stack = new AsyncDisposableStack();
  const bench: Bench = { upstream, load, peers: await startPeers(upstream.url, key, stack), rounds, say };
  const aims: report.Aim[] = [];
  for (const full of CPU_SCENARIOS) {
    if (!only.has(full.name)) continue;
    const scenario = { ...full, calls: Math.round(full.calls * scale) };
    const results = await measureCpu(bench, scenario);
    show(report.cpuTable(scenario, results));
    aims.push(...report.cpuAims(scenario, results));
  }
  if (only.has('latency')) {
    const samples = await measureLatency(bench, key, CHAT_PATH);
    show(report.latencyTable(samples));
    aims.push(...report.latencyAims(samples));
  }
  if (only.has('loop')) show(report.loopTable(await measureLoopDelay(bench)));
  if (aims.length > 0) show(report.aimsTable(aims));
}

if (process.platform !== 'linux')
  throw new Error('The CPU time of another process is read from /proc: Linux only.');
await main();
