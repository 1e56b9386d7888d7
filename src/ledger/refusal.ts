/** What a caller is told when a budget stops its call: which one, how much is there, and what to do now. */
import { SallyportError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import type { BudgetState, Lack } from './budget-state.ts';
import { periodSpan } from './period.ts';

/** `budget.exceeded`, never retryable: no SDK may try again by itself what only time or a person can change. */
export function budgetRefusal(budget: BudgetState, lack: Lack, amount: bigint): SallyportError {
  const { id, limitPicoUsd } = budget.definition;
  const limit = `$${formatUsd(limitPicoUsd)}`;
  const spent = `$${formatUsd(budget.spentPicoUsd)}`;
  if (lack === 'paused') {
    return new SallyportError(
      'budget.exceeded',
      `The budget ${id} is paused since a call did not fit into it (${spent} of ${limit} spent in ${budget.charge.period}).`,
      {
        fix: `An operator can resume it: sallyport budget resume ${id} (the limit has to leave room for the call).`,
      },
    );
  }
  const held = `$${formatUsd(budget.heldPicoUsd)}`;
  const inFlight = lack === 'held' ? `calls in flight hold ${held}` : `${held} held`;
  return new SallyportError(
    'budget.exceeded',
    `The budget ${id} has no room for this call: ${spent} spent and ${inFlight} of ${limit}; the call may cost up to $${formatUsd(amount)}. ${resetOf(budget)}`,
    { fix: fixFor(budget, lack) },
  );
}

function resetOf({ charge, definition }: BudgetState): string {
  const { endMs } = periodSpan(charge.period, definition.zone);
  return Number.isFinite(endMs) ? `It resets at ${new Date(endMs).toISOString()}.` : 'It never resets.';
}

function fixFor(budget: BudgetState, lack: Lack): string {
  const raise = `an operator can raise it: sallyport budget set ${budget.definition.id}`;
  if (lack === 'held') {
    return `Try again when running calls have ended, ask for fewer output tokens (max_completion_tokens), or ${raise}`;
  }
  return `Ask for fewer output tokens (max_completion_tokens) if little is missing; otherwise ${raise}`;
}
