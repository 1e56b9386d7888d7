/** Whole processes, measured in turn: A B C A B C, so that what else the machine does meets all of them alike. Medians. */
import { median, medianRatio } from '../stats.ts';

export interface Contestant {
  readonly name: string;
  readonly command: readonly string[];
  /** Which exit codes are as they should be. */
  readonly codes: readonly number[];
  /** Rounds that it takes part in; all, if not said. */
  readonly rounds?: number;
}

interface Times {
  readonly wallMs: number[];
  readonly cpuMs: number[];
}

export function measure(contestants: readonly Contestant[], cwd: string, rounds: number): Map<string, Times> {
  const results = new Map<string, Times>(contestants.map(({ name }) => [name, { wallMs: [], cpuMs: [] }]));
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, command, codes, rounds: own = rounds } of contestants) {
      if (round >= own || (round < 0 && own < rounds)) continue;
      const start = performance.now();
      const { exitCode, resourceUsage } = Bun.spawnSync([...command], {
        cwd,
        stdout: 'ignore',
        stderr: 'ignore',
      });
      const wallMs = performance.now() - start;
      if (!codes.includes(exitCode)) throw new Error(`${name} ended with ${exitCode}`);
      // The first round warms the page cache.
      if (round < 0) continue;
      results.get(name)?.wallMs.push(wallMs);
      results.get(name)?.cpuMs.push(Number(resourceUsage.cpuTime.total) / 1000);
    }
  }
  return results;
}

/** A line for each, with how many times as long it takes as the first. */
export function print(title: string, results: ReadonlyMap<string, Times>): void {
  const [first] = results.values();
  process.stdout.write(`${title}\n${' '.repeat(34)}wall ms  lowest  CPU ms   wall     CPU\n`);
  for (const [name, { wallMs, cpuMs }] of results) {
    const numbers = [median(wallMs), Math.min(...wallMs), median(cpuMs)].map((ms) =>
      ms.toFixed(1).padStart(8),
    );
    const ratios = [medianRatio(wallMs, first?.wallMs ?? []), medianRatio(cpuMs, first?.cpuMs ?? [])].map(
      (ratio) => `${ratio.toFixed(2)}x`.padStart(8),
    );
    process.stdout.write(`  ${name.padEnd(30)}${numbers.join('')}${ratios.join('')}\n`);
  }
}
