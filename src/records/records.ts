/**
 * Control-plane records: teams, tokens, provider keys, budgets. The only way to change one, and the only place that reads them back:
 * journal first (durable), then database, then memory. So a change that was answered is never undone by a crash, and one that the
 * database lost is done again from the journal.
 */
import { createHash } from 'node:crypto';
import type { Authenticator } from '../core/authenticator.ts';
import { describe, SallyportError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import { checkExpectation, currentExpectation } from './expectation.ts';
import type { RecordKind, RecordRow, RecordStore } from './store.ts';
import type { Trust } from './trust.ts';

/** A record as its part sees it. `body` is validated by the part that owns the kind. */
export interface StoredRecord {
  readonly kind: RecordKind;
  readonly id: string;
  readonly revision: number;
  readonly body: unknown;
  readonly sealed: Uint8Array | null;
}

export interface RecordPut {
  readonly kind: RecordKind;
  readonly id: string;
  readonly body: object;
  /** New sealed bytes, or undefined to keep what the record has. */
  readonly sealed?: Uint8Array;
}

/** What the journal keeps of one changed record. */
export interface JournaledRecord {
  readonly kind: RecordKind;
  readonly id: string;
  readonly revision: number;
  readonly body: object;
  /** True when the change also replaced bytes that the journal does not hold. */
  readonly resealed: boolean;
}

export interface ControlEntry {
  /** `<noun>.<verb>`, such as `token.revoke`. */
  readonly action: string;
  readonly principal: string;
  readonly records: readonly JournaledRecord[];
}

/**
 * Writes a control entry and resolves when it would survive a power cut. Rejects with `audit.unavailable`. Until the returned function
 * is called, the journal position in the database must stay before the entry, so that a crash in between applies it again.
 */
export type RecordControl = (entry: ControlEntry) => Promise<() => void>;

export interface RecordBookDeps {
  readonly store: RecordStore;
  readonly authenticator: Authenticator;
  /** Opened over the same rows: that they are complete is its to say. */
  readonly trust: Trust;
}

/** Throws `store.tampered` and names the first record that does not verify. */
export function checkRecords(authenticator: Authenticator, rows: readonly RecordRow[]): void {
  for (const row of rows) {
    if (authenticator.verify(fieldsOf(row), row.mac)) continue;
    throw new SallyportError(
      'store.tampered',
      `The ${row.kind} record "${row.id}" was changed outside Sallyport.`,
      {
        fix: 'Restore the data folder from a backup. Sallyport does not start on an edited record.',
      },
    );
  }
}

/** What comes and goes by itself, and so is no configuration. Every other kind is. */
const TRANSIENT: ReadonlySet<RecordKind> = new Set<RecordKind>(['token', 'key_version', 'spend_limit']);

/** Of a MAC, without the number of its term. */
const DIGEST_BYTES = 32;

const keyOf = (kind: RecordKind, id: string): string => `${kind}\n${id}`;

export class RecordBook {
  readonly #deps: RecordBookDeps;
  readonly #rows = new Map<string, RecordRow>();
  readonly #listeners: ((record: StoredRecord) => void)[] = [];
  #journal: RecordControl | undefined;
  /** Set when a journaled change could not be stored: it is in force, but nothing may follow it before a restart has applied it. */
  #stuck = false;
  #tail: Promise<unknown> = Promise.resolve();
  /** The XOR of the MACs of all rows that are configuration. */
  readonly #configuration = new Uint8Array(DIGEST_BYTES);

  /** Throws `store.tampered` for a row that does not verify. */
  constructor(deps: RecordBookDeps, rows: readonly RecordRow[]) {
    checkRecords(deps.authenticator, rows);
    this.#deps = deps;
    for (const row of rows) this.#place(row);
  }

  /** Another text after every change of the configuration, and the same one for the same records. For comparison only. */
  get revision(): string {
    return createHash('sha256').update(this.#configuration).digest('hex').slice(0, 16);
  }

  /** From now on changes are journaled through `journal`; before this call the book is read-only. */
  attachJournal(journal: RecordControl): void {
    this.#journal = journal;
  }

  /** Calls `listener` for every record of the kind that exists now, and after each change. */
  subscribe(kind: RecordKind, listener: (record: StoredRecord) => void): void {
    this.#listeners.push((record) => {
      if (record.kind === kind) listener(record);
    });
    for (const record of this.all(kind)) listener(record);
  }

  all(kind: RecordKind): StoredRecord[] {
    return [...this.#rows.values()].filter((row) => row.kind === kind).map(toRecord);
  }

  get(kind: RecordKind, id: string): StoredRecord | undefined {
    const row = this.#rows.get(keyOf(kind, id));
    return row && toRecord(row);
  }

  /**
   * Changes records as one act. `plan` runs when all earlier changes are done, so it may read current records, throw to refuse, or
   * return nothing when there is nothing to change: then nothing is journaled. Resolves when the change is durable and in force.
   * Rejects with what `plan` throws, `audit.unavailable` or `store.unavailable`; with `conflict` when the request that asks expects another
   * revision of the configuration.
   */
  change(action: string, principal: string, plan: () => readonly RecordPut[]): Promise<StoredRecord[]> {
    const expectation = currentExpectation();
    const run = this.#tail.then(async () => {
      const journal = this.#journal;
      if (!journal)
        throw new SallyportError('store.unavailable', 'Records are read-only until the journal is open.');
      if (this.#stuck) throw notStored();
      if (expectation) checkExpectation(expectation, this.revision);
      const puts = plan();
      if (puts.length === 0) return [];
      const rows = puts.map((put) => this.#rowFor(put));
      // Two rows for one record would replace the same MAC twice, and the next start would find the set of rows broken.
      if (new Set(rows.map((row) => keyOf(row.kind, row.id))).size < rows.length)
        throw new TypeError('A change has the same record twice.');
      const stored = await journal({
        action,
        principal,
        records: rows.map((row, index) => ({
          kind: row.kind,
          id: row.id,
          revision: row.revision,
          body: puts[index]?.body ?? {},
          resealed: puts[index]?.sealed !== undefined,
        })),
      });
      try {
        await this.#commit(rows);
      } catch (error) {
        this.#stuck = true;
        // What a restart can apply again from the journal is in force now; what it cannot was never answered.
        this.#apply(rows.filter((_, index) => puts[index]?.sealed === undefined));
        throw notStored(error);
      }
      stored();
      if (expectation) expectation.revision = this.revision;
      return rows.map(toRecord);
    });
    this.#tail = run.catch(() => undefined);
    return run;
  }

  /**
   * Applies a journaled change that the database lacks (the process died in between, or an older database was put back).
   * Returns the records that could not be restored because their sealed bytes are not in the journal: those changes were never
   * answered, or their data is gone with the database that held it.
   */
  async redo(entry: ControlEntry): Promise<JournaledRecord[]> {
    const lost: JournaledRecord[] = [];
    const rows: RecordRow[] = [];
    for (const record of entry.records) {
      const current = this.#rows.get(keyOf(record.kind, record.id));
      if (current && current.revision >= record.revision) continue;
      if (record.resealed || (!current && record.revision > 1)) {
        lost.push(record);
        continue;
      }
      rows.push(
        this.#seal(
          record.kind,
          record.id,
          record.revision,
          JSON.stringify(record.body),
          current?.sealed ?? null,
        ),
      );
    }
    if (rows.length > 0) await this.#commit(rows);
    return lost;
  }

  #rowFor(put: RecordPut): RecordRow {
    const current = this.#rows.get(keyOf(put.kind, put.id));
    const sealed = put.sealed ?? current?.sealed ?? null;
    return this.#seal(put.kind, put.id, (current?.revision ?? 0) + 1, JSON.stringify(put.body), sealed);
  }

  #seal(kind: RecordKind, id: string, revision: number, body: string, sealed: Uint8Array | null): RecordRow {
    const row = { kind, id, revision, body, sealed };
    return { ...row, mac: this.#deps.authenticator.tag(fieldsOf(row)) };
  }

  async #commit(rows: readonly RecordRow[]): Promise<void> {
    const previous = rows.map((row) => this.#rows.get(keyOf(row.kind, row.id))?.mac);
    await this.#deps.trust.commit(
      () => ({ gone: previous, added: rows.map((row) => row.mac) }),
      (trust) => {
        failpoint('in-record-commit');
        return this.#deps.store.commitRecords(rows, trust);
      },
    );
    this.#apply(rows);
  }

  #apply(rows: readonly RecordRow[]): void {
    for (const row of rows) {
      this.#place(row);
      const record = toRecord(row);
      for (const listener of this.#listeners) listener(record);
    }
  }

  #place(row: RecordRow): void {
    const key = keyOf(row.kind, row.id);
    const before = this.#rows.get(key);
    this.#rows.set(key, row);
    if (TRANSIENT.has(row.kind)) return;
    for (const { mac } of before ? [before, row] : [row]) {
      for (let index = 0; index < DIGEST_BYTES; index += 1) {
        this.#configuration[index] =
          (this.#configuration[index] ?? 0) ^ (mac[mac.length - DIGEST_BYTES + index] ?? 0);
      }
    }
  }
}

function notStored(cause?: unknown): SallyportError {
  return new SallyportError(
    'store.unavailable',
    'The change is in the journal, but the database could not take it.',
    {
      detail: cause === undefined ? 'an earlier change is still not stored' : describe(cause),
      fix: 'Free disk space in the data folder and restart Sallyport: it then finishes what it can and reports the rest. Until then no other change is taken.',
    },
  );
}

function fieldsOf(row: Omit<RecordRow, 'mac'>): (string | Uint8Array)[] {
  return [
    'record.v1',
    row.kind,
    row.id,
    String(row.revision),
    row.body,
    row.sealed ? 'sealed' : 'none',
    row.sealed ?? new Uint8Array(0),
  ];
}

function toRecord(row: RecordRow): StoredRecord {
  return {
    kind: row.kind,
    id: row.id,
    revision: row.revision,
    body: JSON.parse(row.body) as unknown,
    sealed: row.sealed,
  };
}
