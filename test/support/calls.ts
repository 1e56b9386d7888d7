/** What a gate's journal and ledger say about its calls, read from the files as they stand. */
import { join } from 'node:path';
import type { CallEnd, CallProgress, CallRefused, CallStart, Entry } from '../../src/audit/entry.ts';
import { readJournal } from '../../src/audit/reader.ts';
import type { BudgetView } from '../../src/ledger/budget-state.ts';
import type { OpenGate } from './harness.ts';

export interface JournaledCall {
  readonly start: Entry & CallStart;
  readonly progress: readonly (Entry & CallProgress)[];
  /** More than one would be a call settled twice. */
  readonly ends: readonly (Entry & CallEnd)[];
}

/** Waits until the condition holds; throws when it does not within `ms`. */
export async function eventually(condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`The condition did not come true within ${ms} ms.`);
    await Bun.sleep(2);
  }
}

export function entries(gate: Pick<OpenGate, 'data'>): Entry[] {
  return [...readJournal(join(gate.data, 'journal'))].map(({ entry }) => entry);
}

/** All calls by id, in the order of their start. */
export function journaledCalls(gate: Pick<OpenGate, 'data'>): Map<string, JournaledCall> {
  const calls = new Map<
    string,
    { start: Entry & CallStart; progress: (Entry & CallProgress)[]; ends: (Entry & CallEnd)[] }
  >();
  for (const entry of entries(gate)) {
    if (entry.action === 'call.start') calls.set(entry.id, { start: entry, progress: [], ends: [] });
    else if (entry.action === 'call.progress') calls.get(entry.id)?.progress.push(entry);
    else if (entry.action === 'call.end') calls.get(entry.id)?.ends.push(entry);
  }
  return calls;
}

/** The end of one call, as soon as it is there. */
export async function endOf(gate: OpenGate, id: string | null, ms = 15_000): Promise<Entry & CallEnd> {
  let end: (Entry & CallEnd) | undefined;
  await eventually(() => (end = journaledCalls(gate).get(id ?? '')?.ends[0]) !== undefined, ms);
  return end!;
}

/** The end of the call that was started last. */
export async function lastEnd(gate: OpenGate, ms = 15_000): Promise<Entry & CallEnd> {
  return endOf(gate, [...journaledCalls(gate).keys()].at(-1) ?? null, ms);
}

export function refusals(gate: OpenGate): (Entry & CallRefused)[] {
  return entries(gate).filter((entry) => entry.action === 'call.refused');
}

/** The team's budget; there is one only if the gate was opened with `budgetUsd`. */
export function budget(gate: OpenGate): BudgetView {
  return gate.app.ledger.view('team-acme-month');
}

export interface Balance {
  readonly calls: number;
  readonly costPicoUsd: bigint;
  readonly spentPicoUsd: bigint;
  readonly heldPicoUsd: bigint;
  /** Calls with no end, or with more than one. */
  readonly unsettled: readonly string[];
}

/** What all calls cost by their end entries, beside what the ledger says. Waits until nothing is open. */
export async function balance(gate: OpenGate, ms = 5000): Promise<Balance> {
  const open = (): string[] =>
    [...journaledCalls(gate)].filter(([, { ends }]) => ends.length !== 1).map(([id]) => id);
  await eventually(() => budget(gate).heldPicoUsd === 0n && open().length === 0, ms).catch(() => undefined);
  const calls = [...journaledCalls(gate).values()];
  const costs = calls.flatMap(({ ends }) => ends.map((end) => BigInt(end.costPicoUsd)));
  return {
    calls: calls.length,
    costPicoUsd: costs.reduce((sum, cost) => sum + cost, 0n),
    spentPicoUsd: budget(gate).spentPicoUsd,
    heldPicoUsd: budget(gate).heldPicoUsd,
    unsettled: open(),
  };
}
