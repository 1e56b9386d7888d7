/**
 * Folds the journal into the tables that are queried: one row a call, and the state of every budget. Runs behind the calls, in batches;
 * each batch is one transaction with the position it reaches, so that after a crash the rest is folded again, and nothing twice.
 */
import type { Authenticator } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import type { Log } from '../core/log.ts';
import type { Trust } from '../records/trust.ts';
import type { Entry, EntryBody, PlacedEntry, Position } from './entry.ts';
import { endRow, otherRow, startRow } from './index-rows.ts';
import { openCallTag } from './open-call-tag.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import type { BudgetStatusRow, IndexRow, IndexStore, OutboxRow } from './store.ts';

/** A transaction of so many entries holds the loop for about 2 ms. */
const BATCH = 500;
const FLUSH_EVERY_MS = 100;
/** Beyond this many entries not yet in the tables, memory is at risk: calls are refused until the index has caught up. */
const MAX_QUEUE = 100_000;

/** A second reader of the same entries, whose rows are committed in the same transaction. */
export interface StatusProjection {
  apply(entry: Entry): void;
  /** Rows changed since the last `committed()`, and the MACs that they replace. */
  pending(): {
    readonly rows: readonly BudgetStatusRow[];
    readonly gone: readonly (Uint8Array | undefined)[];
    readonly added: readonly Uint8Array[];
  };
  committed(): void;
}

/** A third one: what entries give rise to telling people. */
export interface AlertProjection {
  apply(placed: PlacedEntry): void;
  /** Rows made since the last `committed()`. */
  pending(): readonly OutboxRow[];
  committed(): void;
}

export interface IndexerDeps {
  readonly store: IndexStore;
  readonly trust: Trust;
  readonly statuses: StatusProjection;
  readonly alerts: AlertProjection;
  readonly pseudonyms: Pseudonyms;
  /** Over rows: `row-mac`. */
  readonly authenticator: Authenticator;
  readonly log: Log;
}

export class Indexer {
  readonly #deps: IndexerDeps;
  /** Calls without an end, by id: their row, ready to be completed. */
  readonly #open = new Map<string, IndexRow>();
  readonly #dirty = new Map<string, IndexRow>();
  /** Tags of the open calls that the database holds. */
  readonly #vouched = new Map<string, Uint8Array>();
  #durable: (position: Position) => Promise<void> = () => Promise.resolve();
  #queue: PlacedEntry[] = [];
  #applied: PlacedEntry | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #flushing: Promise<void> | undefined;
  #failing = false;
  /** While a control-plane change is between journal and database, the position must not pass it. */
  #pauses = 0;

  private constructor(deps: IndexerDeps) {
    this.#deps = deps;
  }

  static async open(deps: IndexerDeps): Promise<Indexer> {
    const indexer = new Indexer(deps);
    const { authenticator, trust } = deps;
    const term = trust.openCallTerm;
    for (const row of await deps.store.openCalls()) {
      indexer.#open.set(row.id, row);
      indexer.#vouched.set(row.id, openCallTag(authenticator, row, term));
      // INVARIANT: the tags of all open calls are of one term. The first commit makes them all anew when there is a newer one.
      if (term !== authenticator.terms[0]) indexer.#dirty.set(row.id, row);
    }
    return indexer;
  }

  /** Entries not yet in the tables. */
  get lag(): number {
    return this.#queue.length;
  }

  /** Calls that have no end, oldest first. */
  openCalls(): IndexRow[] {
    return [...this.#open.values()];
  }

  /** Takes an entry that was just appended. */
  add(placed: PlacedEntry): void {
    this.#queue.push(placed);
  }

  /** The tables are so far behind the journal that nothing may be added that can be refused. */
  get full(): boolean {
    return this.#queue.length >= MAX_QUEUE;
  }

  /** Throws `audit.unavailable` when it is `full`. */
  checkCapacity(): void {
    if (!this.full) return;
    throw new SallyportError(
      'audit.unavailable',
      'The audit index is too far behind, so no call is let through.',
      {
        detail: `${this.#queue.length} entries wait for the database`,
        fix: 'See the log for the database error; calls are let through again when it is gone.',
        retryable: true,
        retryAfterSeconds: 5,
      },
    );
  }

  /** From now on nothing is stored before `durable` says that its entry survives a power cut: the database is never ahead of the journal. */
  follow(durable: (position: Position) => Promise<void>): void {
    this.#durable = durable;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.flush().catch((error: unknown) => {
        // Once, not ten times a second: the log may be on the same full disk.
        if (this.#failing) return;
        this.#failing = true;
        this.#deps.log.error('The audit index cannot be written; it is tried again until it can.', {
          detail: error instanceof Error ? error.message : String(error),
        });
      });
    }, FLUSH_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  /** Holds the position back until the returned function is called. */
  pause(): () => void {
    let held = true;
    this.#pauses += 1;
    return () => {
      if (held) this.#pauses -= 1;
      held = false;
    };
  }

  /**
   * Resolves when the tables stand still; they do until the returned function is called. What they lack meanwhile, `endedInTail` finds.
   */
  async standStill(): Promise<() => void> {
    const goOn = this.pause();
    // A commit that is under way. Whether it succeeds makes no difference: what it has not stored is in the tail.
    await this.#flushing?.catch(() => undefined);
    return goOn;
  }

  /** Calls that have ended, and are not in the tables as ended; `unwritten` are entries that the journal has not taken yet. */
  endedInTail(unwritten: readonly EntryBody[]): IndexRow[] {
    const ended = [...this.#dirty.values()].filter(
      ({ action, result }) => action === 'call' && result !== null,
    );
    const begun = new Map<string, IndexRow>();
    const end = (entry: EntryBody): void => {
      if (entry.action !== 'call.end') return;
      const row = begun.get(entry.id) ?? this.#open.get(entry.id);
      if (row) ended.push(endRow(row, entry));
    };
    for (const { entry, position } of this.#queue) {
      if (entry.action === 'call.start') begun.set(entry.id, startRow(entry, position));
      else end(entry);
    }
    for (const entry of unwritten) end(entry);
    return ended;
  }

  /** Resolves when every entry added so far is in the tables (unless a control-plane change holds the position). */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushAll();
    return this.#flushing;
  }

  async #flushAll(): Promise<void> {
    await Promise.resolve();
    try {
      while ((this.#queue.length > 0 || this.#applied !== undefined) && this.#pauses === 0) {
        // What an earlier, failed commit had folded goes first: while the database takes nothing, the rest stays in the queue, whose length
        // is what bounds the memory.
        if (this.#applied === undefined)
          for (const placed of this.#queue.splice(0, BATCH)) this.#fold(placed);
        await this.#commit();
      }
      if (this.#failing) this.#deps.log.warn('The audit index can be written again.', { lag: this.lag });
      this.#failing = false;
    } finally {
      // In the same step as the last look at the queue: whoever adds an entry and asks again gets a new flush.
      this.#flushing = undefined;
    }
  }

  #fold(placed: PlacedEntry): void {
    const { entry, position } = placed;
    this.#applied = placed;
    this.#deps.statuses.apply(entry);
    this.#deps.alerts.apply(placed);
    switch (entry.action) {
      case 'call.start':
        this.#set(startRow(entry, position), true);
        return;
      case 'call.progress': {
        const row = this.#open.get(entry.id);
        if (row)
          this.#set(
            { ...row, boundPicoUsd: BigInt(entry.boundPicoUsd), completionTokens: entry.completionTokens },
            true,
          );
        return;
      }
      case 'call.end': {
        const row = this.#open.get(entry.id);
        if (row) this.#set(endRow(row, entry), false);
        return;
      }
      default: {
        const row = otherRow(entry, position);
        this.#dirty.set(row.id, row);
      }
    }
  }

  #set(row: IndexRow, open: boolean): void {
    if (open) this.#open.set(row.id, row);
    else this.#open.delete(row.id);
    this.#dirty.set(row.id, row);
  }

  async #commit(): Promise<void> {
    const last = this.#applied;
    if (!last) return;
    const { store, trust, statuses, alerts, pseudonyms } = this.#deps;
    await this.#durable(last.position);
    const people = pseudonyms.take();
    const pending = statuses.pending();
    const outbox = alerts.pending();
    const open = this.#openTags();
    try {
      await trust.commit(
        () => ({
          position: last.position,
          gone: [...pending.gone, ...open.map(({ before }) => before)],
          added: [
            ...pending.added,
            ...outbox.map(({ mac }) => mac),
            ...open.flatMap(({ after }) => after ?? []),
          ],
        }),
        async (row) => {
          failpoint('in-commit');
          await store.commitIndex({
            rows: [...this.#dirty.values()],
            statuses: pending.rows,
            pseudonyms: people,
            outbox,
            trust: row,
          });
        },
      );
    } catch (error) {
      pseudonyms.restore(people);
      throw error;
    }
    statuses.committed();
    alerts.committed();
    for (const { id, after } of open) {
      if (after) this.#vouched.set(id, after);
      else this.#vouched.delete(id);
    }
    this.#dirty.clear();
    if (this.#applied === last) this.#applied = undefined;
  }

  /** How this commit changes the tags of open calls: those that began, went on or ended. */
  #openTags(): { readonly id: string; readonly before?: Uint8Array; readonly after?: Uint8Array }[] {
    const changes = [];
    for (const { id } of this.#dirty.values()) {
      const before = this.#vouched.get(id);
      const open = this.#open.get(id);
      const after = open && openCallTag(this.#deps.authenticator, open);
      if (before || after) changes.push({ id, ...(before && { before }), ...(after && { after }) });
    }
    return changes;
  }
}
