/**
 * A budget's state as a fold over the journal. The live ledger follows the same few rules, so the rows that the journal rebuilds are
 * the state that was in force: only what entries say counts here, never a clock.
 */
import type { BudgetEvent, EntryBody } from '../audit/entry.ts';
import type { BudgetStatusRow } from '../audit/store.ts';
import { comparePeriods } from './period.ts';

/** The part of a budget that outlives the process. Holds do not: recovery charges them. */
export type BudgetStatus = Omit<BudgetStatusRow, 'budget' | 'mac'>;

const INT64_MAX = 2n ** 63n - 1n;

/** `spent` changed by `delta`, kept in 0..2^63-1, which every store holds exactly. The upper end lies far above any limit. */
export function changeSpent(spent: bigint, delta: bigint): bigint {
  const changed = spent + delta;
  if (changed < 0n) return 0n;
  return changed > INT64_MAX ? INT64_MAX : changed;
}

/** The status in `period`: unchanged unless that is a newer one. A pause outlives its period; everything else starts afresh. */
export function rollOver(status: BudgetStatus | undefined, period: string): BudgetStatus {
  if (status && comparePeriods(period, status.period) <= 0) return status;
  return {
    period,
    spentPicoUsd: 0n,
    overrunPicoUsd: 0n,
    alertedPercent: 0,
    exhausted: false,
    paused: status?.paused ?? false,
  };
}

/** The budgets whose status an entry changes. */
export function budgetsOf(entry: EntryBody): string[] {
  if (entry.action === 'call.end') {
    const budgets: string[] = [];
    for (const { budget } of entry.charges) if (!budgets.includes(budget)) budgets.push(budget);
    return budgets;
  }
  return isBudgetEvent(entry) ? [entry.budget] : [];
}

/** The status of `budget` after `entry`. An entry about an older period leaves the newer one alone. */
export function foldStatus(
  budget: string,
  status: BudgetStatus | undefined,
  entry: EntryBody,
): BudgetStatus | undefined {
  if (entry.action === 'call.end') {
    const cost = BigInt(entry.costPicoUsd);
    const overrun = BigInt(entry.overrunPicoUsd);
    let folded = status;
    for (const one of entry.charges)
      if (one.budget === budget) folded = charge(folded, one.period, cost, overrun);
    return folded;
  }
  return isBudgetEvent(entry) && entry.budget === budget ? foldEvent(status, entry) : status;
}

function charge(
  status: BudgetStatus | undefined,
  period: string,
  cost: bigint,
  overrun: bigint,
): BudgetStatus {
  const current = rollOver(status, period);
  if (current.period !== period) return current;
  return {
    ...current,
    spentPicoUsd: changeSpent(current.spentPicoUsd, cost),
    overrunPicoUsd: changeSpent(current.overrunPicoUsd, overrun),
  };
}

function foldEvent(status: BudgetStatus | undefined, event: BudgetEvent): BudgetStatus {
  const current = rollOver(status, event.period);
  // A pause and its end hold whatever the period.
  if (event.action === 'budget.paused') return { ...current, paused: true };
  if (event.action === 'budget.resumed') return { ...current, paused: false, exhausted: false };
  if (current.period !== event.period) return current;
  const alerted = event.action === 'budget.alert' ? event.percent : 0;
  return {
    ...current,
    spentPicoUsd: changeSpent(current.spentPicoUsd, BigInt(event.deltaPicoUsd)),
    alertedPercent: Math.max(current.alertedPercent, alerted),
    exhausted: current.exhausted || event.action === 'budget.exhausted',
  };
}

function isBudgetEvent(entry: EntryBody): entry is BudgetEvent {
  return entry.action.startsWith('budget.');
}
