/** The results as text: one table a scenario, the aims, and what was missed said as missed. */
import type { CpuResult, CpuResults, LoopDelay } from './measure.ts';
import type { CpuScenario } from './scenarios.ts';
import { median, medianRatio, percentile } from './stats.ts';

export interface Aim {
  readonly text: string;
  /** NaN when it could not be measured. */
  readonly measured: number;
  readonly limit: number;
  /** An aim to be at least the limit, such as "8 times less"; otherwise at most. */
  readonly atLeast?: boolean;
}

const OURS = 'sallyport';
const NONE = '-';

export function cpuTable(scenario: CpuScenario, results: CpuResults): string {
  const nginx = results.get('nginx');
  const portkey = portkeyOf(results);
  const rows = [...results].map(([name, result]) => [
    name,
    median(result.microseconds).toFixed(1),
    `${Math.min(...result.microseconds).toFixed(1)}-${Math.max(...result.microseconds).toFixed(1)}`,
    ratio(result, results.get('floor')),
    ratio(result, nginx),
    ratio(portkey, result),
    quotient(result.entries, result.syncs),
    result.reads === 0 ? NONE : quotient(result.reads, result.calls),
  ]);
  const head = ['', 'CPU us', 'range', 'x floor', 'x nginx', 'Portkey / it', 'entries/sync', 'reads/call'];
  return `${scenario.title}\n${table([head, ...rows])}`;
}

export function latencyTable(samples: ReadonlyMap<string, readonly number[]>): string {
  const direct = samples.get('direct') ?? [];
  const rows = [...samples].map(([name, values]) => [
    name,
    percentile(values, 0.5).toFixed(2),
    percentile(values, 0.99).toFixed(2),
    name === 'direct' ? NONE : added(values, direct, 0.5).toFixed(2),
    name === 'direct' ? NONE : added(values, direct, 0.99).toFixed(2),
  ]);
  const head = ['', 'p50 ms', 'p99 ms', 'added p50', 'added p99'];
  return `latency of a plain call, one connection, first byte after 5 ms\n${table([head, ...rows])}`;
}

export function loopTable(delays: ReadonlyMap<string, LoopDelay>): string {
  const rows = [...delays].map(([name, { idleMs, loadedMs }]) => [
    name,
    percentile(idleMs, 0.5).toFixed(2),
    percentile(loadedMs, 0.5).toFixed(2),
    percentile(loadedMs, 0.99).toFixed(2),
    Math.max(...loadedMs).toFixed(2),
  ]);
  const head = ['', 'idle p50 ms', 'p50 ms', 'p99 ms', 'max ms'];
  return `a health check while prompts of 150 KB pass, one at a time\n${table([head, ...rows])}`;
}

export function cpuAims(scenario: CpuScenario, results: CpuResults): Aim[] {
  const ours = results.get(OURS);
  const floor = ours && toOther(ours, results.get('floor'));
  if (scenario.name === 'chunk')
    return [{ text: 'SSE chunk, times the floor', measured: floor ?? NaN, limit: 1.4 }];
  if (scenario.name !== 'call') return [];
  const portkey = portkeyOf(results);
  return [
    { text: 'call, times the floor', measured: floor ?? NaN, limit: 1.5 },
    { text: 'call, times nginx', measured: ours ? toOther(ours, results.get('nginx')) : NaN, limit: 2.5 },
    {
      text: 'call, times less than Portkey',
      measured: portkey ? toOther(portkey, ours) : NaN,
      limit: 8,
      atLeast: true,
    },
  ];
}

export function latencyAims(samples: ReadonlyMap<string, readonly number[]>): Aim[] {
  const measured = added(samples.get(OURS) ?? [], samples.get('direct') ?? [], 0.5);
  return [{ text: 'added p50 at one connection, ms', measured, limit: 0.5 }];
}

export function aimsTable(aims: readonly Aim[]): string {
  const rows = aims.map(({ text, measured, limit, atLeast = false }) => {
    const met = atLeast ? measured >= limit : measured <= limit;
    const verdict = Number.isNaN(measured) ? 'not measured' : met ? 'met' : 'MISSED';
    return [
      text,
      Number.isNaN(measured) ? NONE : measured.toFixed(2),
      `${atLeast ? '>=' : '<='} ${limit}`,
      verdict,
    ];
  });
  return `aims\n${table([['', 'measured', 'aim', ''], ...rows])}`;
}

function quotient(dividend: number, divisor: number): string {
  const value = dividend / divisor;
  return Number.isFinite(value) ? value.toFixed(1) : NONE;
}

function added(values: readonly number[], direct: readonly number[], share: number): number {
  return percentile(values, share) - percentile(direct, share);
}

function portkeyOf(results: CpuResults): CpuResult | undefined {
  return [...results].find(([name]) => name.startsWith('portkey'))?.[1];
}

function toOther(result: CpuResult, other: CpuResult | undefined): number {
  return other ? medianRatio(result.microseconds, other.microseconds) : NaN;
}

function ratio(result: CpuResult | undefined, other: CpuResult | undefined): string {
  const value = result && other ? toOther(result, other) : NaN;
  return Number.isNaN(value) ? NONE : value.toFixed(2);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    ),
  );
  return lines.map((cells) => `  ${cells.join('  ').trimEnd()}`).join('\n');
}
