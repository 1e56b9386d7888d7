/**
 * The metrics that are read off the parts when somebody looks: what is running, held, spent, written and not yet written, and how this
 * process is. The parts count for themselves; nothing here happens while calls run.
 */
import type { Indexer } from '../audit/indexer.ts';
import type { Journal } from '../audit/journal.ts';
import { formatUsd } from '../core/money.ts';
import type { Intake } from '../gateway/intake.ts';
import type { Turns } from '../gateway/turns.ts';
import type { LateEntries } from '../gateway/late-entries.ts';
import type { LiveCalls } from '../gateway/live-calls.ts';
import type { BudgetView } from '../ledger/budget-state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Exposition } from './exposition.ts';
import { renderLabels } from './labels.ts';
import type { LoopDelay } from './loop-delay.ts';

export interface Sources {
  /** Calls are let through. */
  readonly open: () => boolean;
  readonly live: Pick<LiveCalls, 'count'>;
  readonly intake: Pick<Intake, 'taken'>;
  readonly late: Pick<LateEntries, 'waiting'>;
  readonly journal: Pick<Journal, 'stats' | 'syncSeconds'>;
  readonly indexer: Pick<Indexer, 'lag'>;
  readonly ledger: Pick<Ledger, 'sharedBudgets' | 'holds'>;
  readonly turns: Pick<Turns, 'waiting'>;
}

/** More budgets than that have no metrics of their own. */
const MAX_BUDGETS = 500;

export function writeReadings(page: Exposition, sources: Sources, loop: LoopDelay): void {
  const { open, live, intake, turns, ledger } = sources;
  page
    .family('sallyport_ready', 'gauge', '1 while calls are let through.')
    .sample(open() ? 1 : 0)
    .family('sallyport_calls_in_flight', 'gauge', 'Calls that are running.')
    .sample(live.count)
    .family('sallyport_calls_waiting', 'gauge', 'Calls that wait for their turn under a limit of rate.')
    .sample(turns.waiting)
    .family(
      'sallyport_intake_calls',
      'gauge',
      'Calls that have a place: those that run, and those whose body is coming.',
    )
    .sample(intake.taken.calls)
    .family('sallyport_intake_body_bytes', 'gauge', 'Room that request bodies take.')
    .sample(intake.taken.bytes);
  const { count, heldPicoUsd } = ledger.holds;
  page
    .family('sallyport_holds', 'gauge', 'Holds of running calls.')
    .sample(count)
    .family('sallyport_held_usd', 'gauge', 'Money that running calls hold, each hold counted once.')
    .sample(formatUsd(heldPicoUsd));
  writeBudgets(page, ledger.sharedBudgets(MAX_BUDGETS));
  writeJournal(page, sources);
  page
    .family(
      'sallyport_event_loop_delay_seconds',
      'histogram',
      'By how much a timer of 100 ms was late: what every call waits.',
    )
    .histogram(loop.seconds);
}

function writeBudgets(page: Exposition, shared: readonly BudgetView[]): void {
  const budgets = shared.map((view) => ({ view, labels: renderLabels({ budget: view.definition.id }) }));
  page.family('sallyport_budget_limit_usd', 'gauge', 'The limit of a budget.');
  for (const { view, labels } of budgets) page.sample(formatUsd(view.limitPicoUsd), labels);
  page.family('sallyport_budget_spent_usd', 'gauge', 'What is spent of a budget in the period that runs.');
  for (const { view, labels } of budgets) page.sample(formatUsd(view.spentPicoUsd), labels);
  page.family('sallyport_budget_held_usd', 'gauge', 'What running calls hold of a budget.');
  for (const { view, labels } of budgets) page.sample(formatUsd(view.heldPicoUsd), labels);
  page.family('sallyport_budget_stopped', 'gauge', '1 while a budget is paused or exhausted.');
  for (const { view, labels } of budgets) {
    page.sample(view.state === 'paused' || view.state === 'exhausted' ? 1 : 0, labels);
  }
}

function writeJournal(page: Exposition, { journal, indexer, late }: Sources): void {
  const { entries, synced } = journal.stats;
  page
    .family('sallyport_journal_entries_total', 'counter', 'Entries written to the journal by this process.')
    .sample(entries)
    .family('sallyport_journal_unsynced_entries', 'gauge', 'Written entries that the disk has not confirmed.')
    .sample(entries - synced)
    .family(
      'sallyport_journal_waiting_entries',
      'gauge',
      'Entries that could not be written and are tried again.',
    )
    .sample(late.waiting)
    .family('sallyport_journal_sync_duration_seconds', 'histogram', 'How long grouped syncs took.')
    .histogram(journal.syncSeconds)
    .family('sallyport_index_lag_entries', 'gauge', 'Journal entries that are not yet in the audit index.')
    .sample(indexer.lag);
}

/** What Prometheus expects of any process, under the names it gives them. */
export function writeProcess(page: Exposition, version: string, startedAtMs: number): void {
  const { user, system } = process.cpuUsage();
  page
    .family('sallyport_build_info', 'gauge', 'Always 1; the version is its label.')
    .sample(1, renderLabels({ version }))
    .family('process_start_time_seconds', 'gauge', 'When the process started, in seconds since 1970.')
    .sample(startedAtMs / 1000)
    .family('process_cpu_seconds_total', 'counter', 'CPU time of the process, all threads.')
    .sample((user + system) / 1e6)
    .family('process_resident_memory_bytes', 'gauge', 'Memory of the process that is in RAM.')
    .sample(process.memoryUsage.rss());
}
