/** A part of the composition root: what the ledger is made of, and where its events go. */
import type { Teams } from './access/teams.ts';
import type { Tokens } from './access/tokens.ts';
import { openSpending } from './audit/spending.ts';
import type { LateEntries } from './gateway/late-entries.ts';
import { Ledger } from './ledger/ledger.ts';
import { MAX_ABSENCE_MS, SteadyClock } from './ledger/steady-clock.ts';
import type { Core } from './startup.ts';

/** The clock of the budgets: what it says of the wall clock goes to the journal and the log. */
export function openBudgetClock({ clock, log }: Core, late: LateEntries, lastMs: number | null): SteadyClock {
  return new SteadyClock({
    clock,
    lastEntryMs: lastMs,
    emit: (event) => {
      late.record(event);
      const { action, jumpMs, stoppedAt } = event;
      log[action === 'clock.jumped' ? 'error' : 'warn'](
        action === 'clock.jumped' ? stoppedText(jumpMs) : 'Budget periods go on.',
        { action, jumpMs, stoppedAt },
      );
    },
  });
}

function stoppedText(jumpMs: number): string {
  return jumpMs > MAX_ABSENCE_MS
    ? 'The wall clock is more than 400 days ahead of the last entry of the journal. Budget periods stand still until it is not, or: sallyport budget clock-ok'
    : 'The wall clock was set. Budget periods stand still until it has agreed with itself for 10 minutes, or: sallyport budget clock-ok';
}

/** The ledger with all that was spent so far, told of every limit that changes. */
export async function openLedger(
  core: Core,
  access: { readonly teams: Teams; readonly tokens: Tokens },
  late: LateEntries,
): Promise<Ledger> {
  const { clock, log, book, stores } = core;
  const ledger = new Ledger({
    clock,
    records: book,
    statuses: core.projection.statuses,
    emit: (event) => {
      late.record(event);
      const { budget, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd, overrunPicoUsd } = event;
      // What an operator did is on record; what a budget did by itself wants somebody's attention.
      const level = event.percent > 0 || event.action === 'budget.overrun' ? 'warn' : 'debug';
      log[level](event.action, {
        budget,
        percent,
        spentPicoUsd,
        heldPicoUsd,
        limitPicoUsd,
        overrunPicoUsd,
      });
    },
    spending: (calls, sinceMs) =>
      openSpending(
        { indexer: core.indexer, store: stores.index, unwritten: () => late.entries },
        calls,
        sinceMs,
      ),
    callsBetween: async (calls, sinceMs, untilMs) => {
      await core.indexer.flush();
      return stores.index.callsBetween(calls, sinceMs, untilMs);
    },
  });
  book.subscribe('team', ({ id }) => {
    const { rateLimitRPM, concurrency } = access.teams.get(id).limits;
    ledger.limits.setSubjectLimits(`team:${id}`, { rateLimitRpm: rateLimitRPM, concurrency });
  });
  book.subscribe('token', ({ id }) => {
    const { rateLimitRPM, concurrency } = access.tokens.get(id);
    ledger.limits.setSubjectLimits(`token:${id}`, { rateLimitRpm: rateLimitRPM, concurrency });
  });
  await ledger.openHistory();
  return ledger;
}
