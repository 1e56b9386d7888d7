/**
 * The audit index and the budget states in tables: a cache of the journal. A commit survives a dead process; after a power cut the
 * newest ones may be missing, and the journal is applied again from the trust row's position.
 */
import type { Insertable } from 'kysely';
import type { IndexBatch, IndexRow, IndexStore } from '../audit/store.ts';
import { BulkWrite } from './bulk-write.ts';
import type { Database } from './database.ts';
import { findRows, openCalls, queryRows } from './index-queries.ts';
import {
  bindIndexRow,
  fromStatusTable,
  toIndexTable,
  toPseudonymTable,
  toStatusTable,
} from './index-rows.ts';
import { keyUsesOf, readKeyUse, upsertKeyUses } from './key-uses.ts';
import { callsBetween, spentSince, usageBy } from './index-usage.ts';
import type { AuditIndexTable, BudgetStatusTable, PseudonymsTable } from './schema.ts';
import { insertOutbox, toOutboxTable } from './outbox-rows.ts';
import { toTrustTable, trustUpsert } from './trust-row.ts';

/** Parameters of one `in` list; SQLite takes 32,766. */
const LIST_MAX = 500;

export function createIndexStore(database: Database): IndexStore {
  const commit = createCommit(database);
  return {
    commitIndex: commit,
    openCalls: () => database.read(openCalls),
    findCalls: (ids) =>
      database.read(async (db) => {
        const found = [];
        for (const part of parts(ids)) found.push(...(await findRows(db, part)));
        return found;
      }),
    loadStatuses: () =>
      database.read(async (db) => {
        const rows = await db.selectFrom('budget_status').selectAll().orderBy('budget').execute();
        return rows.map(fromStatusTable);
      }),
    query: (filter) => database.read((db) => queryRows(db, filter)),
    keyUse: (keyId) => database.read((db) => readKeyUse(db, keyId)),
    usage: (by, sinceMs, untilMs, calls) => database.read((db) => usageBy(db, by, sinceMs, untilMs, calls)),
    spentSince: (calls, sinceMs) => database.read((db) => spentSince(db, calls, sinceMs)),
    callsBetween: (calls, sinceMs, untilMs) =>
      database.read((db) => callsBetween(db, calls, sinceMs, untilMs)),
    pseudonyms: (commitments) =>
      database.read(async (db) => {
        const found = [];
        for (const part of parts(commitments)) {
          const rows = db.selectFrom('pseudonyms').selectAll().where('commitment', 'in', part);
          found.push(...(await rows.execute()));
        }
        return found;
      }),
  };
}

function createCommit(database: Database): (batch: IndexBatch) => Promise<void> {
  const calls = upsertCalls();
  const statuses = upsertStatuses();
  const pseudonyms = insertPseudonyms();
  const outbox = insertOutbox();
  const keyUses = upsertKeyUses();
  const trust = trustUpsert();
  return (batch) =>
    database.write('crash', async (tx) => {
      await calls.run(tx, batch.rows);
      await statuses.run(tx, batch.statuses.map(toStatusTable));
      await pseudonyms.run(tx, batch.pseudonyms.map(toPseudonymTable));
      await keyUses.run(tx, keyUsesOf(batch.rows));
      await outbox.run(tx, batch.outbox.map(toOutboxTable));
      await trust.run(tx, [toTrustTable(batch.trust)]);
    });
}

function upsertCalls(): BulkWrite<IndexRow> {
  return new BulkWrite((tx, indexRows) => {
    const rows = indexRows.map(toIndexTable);
    const columns = Object.keys(rows[0] ?? {}) as (keyof AuditIndexTable)[];
    return tx
      .insertInto('audit_index')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet((eb) =>
            Object.fromEntries(columns.slice(1).map((column) => [column, eb.ref(`excluded.${column}`)])),
          ),
      )
      .compile();
  }, bindIndexRow);
}

function upsertStatuses(): BulkWrite<Insertable<BudgetStatusTable>> {
  return new BulkWrite((tx, rows) =>
    tx
      .insertInto('budget_status')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('budget').doUpdateSet((eb) => ({
          period: eb.ref('excluded.period'),
          spent_pico_usd: eb.ref('excluded.spent_pico_usd'),
          overrun_pico_usd: eb.ref('excluded.overrun_pico_usd'),
          alerted_percent: eb.ref('excluded.alerted_percent'),
          exhausted: eb.ref('excluded.exhausted'),
          paused: eb.ref('excluded.paused'),
          mac: eb.ref('excluded.mac'),
        })),
      )
      .compile(),
  );
}

function insertPseudonyms(): BulkWrite<Insertable<PseudonymsTable>> {
  return new BulkWrite((tx, rows) =>
    tx
      .insertInto('pseudonyms')
      .values(rows)
      .onConflict((conflict) => conflict.column('commitment').doNothing())
      .compile(),
  );
}

function parts(values: readonly string[]): string[][] {
  const unique = [...new Set(values)];
  const result: string[][] = [];
  for (let from = 0; from < unique.length; from += LIST_MAX) result.push(unique.slice(from, from + LIST_MAX));
  return result;
}
