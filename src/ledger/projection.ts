/**
 * The budget rows of the database, derived from the journal. The indexer applies entries in order and commits what changed together
 * with the journal position; a commit that failed is asked for again and then covers everything since the last good one.
 */
import type { Entry } from '../audit/entry.ts';
import type { BudgetStatusRow } from '../audit/store.ts';
import type { Authenticator } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import { type BudgetStatus, budgetsOf, foldStatus } from './status.ts';

/** What the next commit has to write, and how it changes the set of row MACs. */
export interface PendingStatuses {
  readonly rows: readonly BudgetStatusRow[];
  /** MAC of the stored row that `rows[i]` replaces, undefined where there is none. */
  readonly gone: readonly (Uint8Array | undefined)[];
  readonly added: readonly Uint8Array[];
}

export class BudgetProjection {
  readonly #authenticator: Authenticator;
  readonly #statuses = new Map<string, BudgetStatus>();
  readonly #storedTags = new Map<string, Uint8Array>();
  readonly #changed = new Set<string>();
  #offered: { readonly status: BudgetStatus; readonly row: BudgetStatusRow }[] = [];

  /** Throws `store.tampered` and names the first budget whose row does not verify; that the rows are complete is `Trust`'s to say. */
  constructor(authenticator: Authenticator, rows: readonly BudgetStatusRow[]) {
    this.#authenticator = authenticator;
    for (const row of rows) {
      const { budget, mac, ...status } = row;
      if (!authenticator.verify(fieldsOf(budget, status), mac)) {
        throw new SallyportError(
          'store.tampered',
          `The state of the budget "${budget}" was changed outside Sallyport.`,
          { fix: 'Restore the data folder from a backup. Sallyport does not start on an edited budget.' },
        );
      }
      this.#statuses.set(budget, status);
      this.#storedTags.set(budget, mac);
    }
  }

  /** MACs of the rows that the database holds. */
  statusTags(): Uint8Array[] {
    return [...this.#storedTags.values()];
  }

  /** The newest status by budget: what the ledger starts from once the journal is replayed. */
  get statuses(): ReadonlyMap<string, BudgetStatus> {
    return this.#statuses;
  }

  /** Applies the next entry of the journal. The caller applies each entry once, in order. */
  apply(entry: Entry): void {
    for (const budget of budgetsOf(entry)) {
      const status = foldStatus(budget, this.#statuses.get(budget), entry);
      if (!status) continue;
      this.#statuses.set(budget, status);
      this.#changed.add(budget);
    }
  }

  /** What changed since the last successful commit. Entries applied while that commit runs belong to the next one. */
  pending(): PendingStatuses {
    this.#offered = [];
    for (const budget of this.#changed) {
      const status = this.#statuses.get(budget);
      if (!status) continue;
      const mac = this.#authenticator.tag(fieldsOf(budget, status));
      this.#offered.push({ status, row: { budget, ...status, mac } });
    }
    const rows = this.#offered.map(({ row }) => row);
    return {
      rows,
      gone: rows.map((row) => this.#storedTags.get(row.budget)),
      added: rows.map((row) => row.mac),
    };
  }

  /** The rows of the last `pending()` are stored. */
  committed(): void {
    for (const { status, row } of this.#offered) {
      this.#storedTags.set(row.budget, row.mac);
      if (this.#statuses.get(row.budget) === status) this.#changed.delete(row.budget);
    }
    this.#offered = [];
  }
}

function fieldsOf(budget: string, status: BudgetStatus): string[] {
  const { overrunPicoUsd } = status;
  const fields = [
    budget,
    status.period,
    status.spentPicoUsd.toString(),
    String(status.alertedPercent),
    status.exhausted ? 'exhausted' : 'open',
    status.paused ? 'paused' : 'running',
  ];
  // Rows from before there were overruns have none, and keep their MAC: a migration has no key to compute one with.
  if (overrunPicoUsd === 0n) return ['budget.status.v1', ...fields];
  return ['budget.status.v2', ...fields, overrunPicoUsd.toString()];
}
