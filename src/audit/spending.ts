/**
 * What the calls of a subject have cost, exact to the moment at which it is asked, under any load: what the tables say, which stand still
 * meanwhile, and what has ended since then.
 */
import type { EntryBody } from './entry.ts';
import type { Indexer } from './indexer.ts';
import type { CallMatch, IndexRow, IndexStore } from './store.ts';

/** Until it is disposed of, the tables stand still: for moments only. */
export interface Spending extends Disposable {
  /**
   * Cost of all calls that match, have ended by now, and started at `sinceMs` or later; `sinceMs` is that of the question or later. A call
   * that ends in the next step is not counted, and one that ended in this one is.
   */
  since(sinceMs: number): bigint;
}

export interface SpendingDeps {
  readonly indexer: Pick<Indexer, 'standStill' | 'endedInTail'>;
  readonly store: Pick<IndexStore, 'spentSince'>;
  /** Entries that the journal has not taken yet. */
  readonly unwritten: () => readonly EntryBody[];
}

/** Rejects when the database cannot be read. */
export async function openSpending(deps: SpendingDeps, calls: CallMatch, askedMs: number): Promise<Spending> {
  const goOn = await deps.indexer.standStill();
  try {
    const stored = await deps.store.spentSince(calls, askedMs);
    return {
      since: (sinceMs) =>
        deps.indexer
          .endedInTail(deps.unwritten())
          .filter((row) => row.atMs >= sinceMs && matches(row, calls))
          // INVARIANT: the tables end before now. A period that began since the question has no call in them.
          .reduce((sum, { costPicoUsd }) => sum + costPicoUsd, sinceMs > askedMs ? 0n : stored),
      [Symbol.dispose]: goOn,
    };
  } catch (error) {
    goOn();
    throw error;
  }
}

function matches(row: IndexRow, { tokenId, team, project, environment }: CallMatch): boolean {
  return (
    (tokenId === undefined || row.tokenId === tokenId) &&
    (team === undefined || row.team === team) &&
    (project === undefined || row.project === project) &&
    (environment === undefined || row.environment === environment)
  );
}
