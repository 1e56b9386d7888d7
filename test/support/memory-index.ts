/** The audit index in memory, for unit tests. It keeps what a database would, and fails when it is told to. */
import type { AlertProjection } from '../../src/audit/indexer.ts';
import type {
  BudgetStatusRow,
  CallMatch,
  IndexBatch,
  IndexRow,
  IndexStore,
  KeyUse,
  OutboxRow,
  PseudonymRow,
  UsageRow,
} from '../../src/audit/store.ts';
import type { TrustRow } from '../../src/records/store.ts';

/** For an indexer whose alerts are of no interest. */
export const noAlerts: AlertProjection = {
  apply: () => undefined,
  pending: () => [],
  committed: () => undefined,
};

export class MemoryIndex implements IndexStore {
  readonly rows = new Map<string, IndexRow>();
  readonly people = new Map<string, PseudonymRow>();
  readonly statuses = new Map<string, BudgetStatusRow>();
  readonly outbox: OutboxRow[] = [];
  trust: TrustRow | null = null;
  commits = 0;
  /** Runs before each commit; a test may throw or wait here. */
  beforeCommit: (batch: IndexBatch) => void | Promise<void> = () => undefined;

  /** Runs before what calls cost is summed up; a test may throw or wait here. */
  beforeQuery: () => Promise<void> = () => Promise.resolve();

  async commitIndex(batch: IndexBatch): Promise<void> {
    await this.beforeCommit(batch);
    for (const row of batch.rows) this.rows.set(row.id, row);
    for (const row of batch.statuses) this.statuses.set(row.budget, row);
    for (const row of batch.pseudonyms) this.people.set(row.commitment, row);
    this.outbox.push(...batch.outbox);
    this.trust = batch.trust;
    this.commits += 1;
  }

  openCalls(): Promise<IndexRow[]> {
    const open = [...this.rows.values()].filter(({ action, result }) => action === 'call' && result === null);
    return Promise.resolve(open.toSorted((a, b) => a.stream.localeCompare(b.stream) || a.seq - b.seq));
  }

  loadStatuses(): Promise<BudgetStatusRow[]> {
    return Promise.resolve([...this.statuses.values()]);
  }

  findCalls(ids: readonly string[]): Promise<IndexRow[]> {
    return Promise.resolve([...this.rows.values()].filter(({ id }) => ids.includes(id)));
  }

  query(): Promise<IndexRow[]> {
    return Promise.resolve([...this.rows.values()]);
  }

  keyUse(keyId: string): Promise<KeyUse | null> {
    const calls = [...this.rows.values()].filter((row) => row.action === 'call' && row.keyId === keyId);
    return Promise.resolve(calls.toSorted((a, b) => b.atMs - a.atMs)[0] ?? null);
  }

  usage(): Promise<UsageRow[]> {
    return Promise.resolve([]);
  }

  async spentSince(calls: CallMatch, sinceMs: number): Promise<bigint> {
    await this.beforeQuery();
    return [...this.rows.values()]
      .filter((row) => row.action === 'call' && row.result !== null && row.atMs >= sinceMs)
      .filter(
        ({ tokenId, team, project, environment }) =>
          (calls.tokenId ?? tokenId) === tokenId &&
          (calls.team ?? team) === team &&
          (calls.project ?? project) === project &&
          (calls.environment ?? environment) === environment,
      )
      .reduce((sum, { costPicoUsd }) => sum + costPicoUsd, 0n);
  }

  callsBetween(): Promise<number> {
    return Promise.resolve(0);
  }

  pseudonyms(commitments: readonly string[]): Promise<PseudonymRow[]> {
    return Promise.resolve(commitments.flatMap((one) => this.people.get(one) ?? []));
  }
}
