/**
 * What the history of a large repository costs, as whole programs on the same repository, in turn: `git log -p` alone (what a scanner pays before it has
 * looked at a line, if it reads patches), `git cat-file` alone (what one pays that has git unpack everything), ours over git, ours from the packs, and
 * ours again when nothing is new. The repository is made once, into a folder that is kept: `--folder`.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sample } from '../src/detect/samples.ts';
import { scanHistory } from '../src/scan/history/history.ts';
import { NO_PROGRESS } from '../src/scan/progress.ts';
import { Collector } from '../src/scan/sink.ts';
import { LARGE, makeHistory } from './history-repo.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'sallyport-bench-history-1.git') },
    rounds: { type: 'string', default: '5' },
    /** One scan in this process, every object through git. */
    'through-git': { type: 'boolean', default: false },
  },
});
const { folder } = values;
const PLANTED = 12;
const MAIN = join(import.meta.dir, '..', 'src', 'main.ts');
const BUN = [process.execPath, '--no-env-file', '--config=/dev/null'];

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
  readonly findings: number;
}

async function run(command: readonly string[], home: string): Promise<Cost> {
  const start = performance.now();
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
    stdin: 'ignore',
    stdout: command[0] === 'git' ? 'ignore' : 'pipe',
    stderr: 'ignore',
  });
  const out = child.stdout ? await new Response(child.stdout).text() : '';
  const code = await child.exited;
  const wallMs = performance.now() - start;
  if (code > 1) throw new Error(`${command.join(' ')} ended with ${code}: ${out}`);
  const usage = child.resourceUsage();
  return {
    wallMs,
    cpuMs: Number(usage?.cpuTime.total ?? 0) / 1000,
    memoryMb: (usage?.maxRSS ?? 0) / 1e6,
    findings: out.split('\n').filter((line) => line.includes('"event":"finding"')).length,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

async function throughGit(): Promise<void> {
  const result = new Collector();
  const git = { cwd: folder, env: process.env };
  const stop = new AbortController().signal;
  await scanHistory({ git, progress: NO_PROGRESS, stop, fresh: true, throughGit: true }, result);
  for (const problem of result.problems) process.stdout.write(`${problem}\n`);
  for (const _ of result.findings) process.stdout.write('"event":"finding"\n');
  process.exitCode = result.problems.length > 0 ? 3 : 0;
}

async function compare(): Promise<void> {
  if (!existsSync(folder)) {
    process.stdout.write(`making ${folder}; this takes some minutes\n`);
    const planted = new Map<number, string>();
    for (let count = 1; count <= PLANTED; count += 1)
      planted.set(count * 1400, `gsk_${sample('alnum', 52, count)}`);
    await makeHistory(folder, { ...LARGE, planted });
  }
  const home = mkdtempSync(join(tmpdir(), 'sallyport-bench-home-'));
  const scan = [...BUN, MAIN, 'scan', '--history', '--json'];
  const contenders: readonly (readonly [name: string, command: readonly string[]])[] = [
    ['git log -p --all', ['git', 'log', '-p', '--all']],
    ['git log -p -U0 --all --full-history', ['git', 'log', '-p', '-U0', '--full-history', '--all']],
    [
      'git cat-file, all objects',
      ['git', 'cat-file', '--batch-all-objects', '--batch', '--unordered', '--buffer'],
    ],
    ['sallyport, objects from git', [...BUN, import.meta.path, '--through-git', '--folder', folder]],
    ['sallyport', [...scan, '--no-cache']],
    ['sallyport, nothing new', scan],
  ];
  try {
    // So that something is known.
    await run(scan, home);
    const costs = new Map<string, Cost[]>(contenders.map(([name]) => [name, []]));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const [name, command] of contenders) costs.get(name)?.push(await run(command, home));
    }
    print(costs);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function print(costs: ReadonlyMap<string, readonly Cost[]>): void {
  const [first = []] = costs.values();
  const baseWall = median(first.map(({ wallMs }) => wallMs));
  const baseCpu = median(first.map(({ cpuMs }) => cpuMs));
  process.stdout.write(
    `${'medians'.padEnd(38)}${'wall ms'.padStart(9)}${'CPU ms'.padStart(9)}${'MB'.padStart(6)}  found\n`,
  );
  for (const [name, runs] of costs) {
    const wall = median(runs.map(({ wallMs }) => wallMs));
    const cpu = median(runs.map(({ cpuMs }) => cpuMs));
    const memory = median(runs.map(({ memoryMb }) => memoryMb));
    const found = runs[0]?.findings ?? 0;
    process.stdout.write(
      `${name.padEnd(38)}${wall.toFixed(0).padStart(9)}${cpu.toFixed(0).padStart(9)}${memory.toFixed(0).padStart(6)}${String(found).padStart(7)}` +
        `   ${(wall / baseWall).toFixed(2)}x wall, ${(cpu / baseCpu).toFixed(2)}x CPU\n`,
    );
  }
}

await (values['through-git'] ? throughGit() : compare());
