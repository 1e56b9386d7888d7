/** Reads of single rows of the audit index. Filters compare whole values exactly; there are no patterns. */
import { type Kysely, sql } from 'kysely';
import type { IndexFilter, IndexRow } from '../audit/store.ts';
import { fromIndexTable } from './index-rows.ts';
import type { Schema } from './schema.ts';
import { whole, wholeBigint } from './values.ts';

export async function openCalls(db: Kysely<Schema>): Promise<IndexRow[]> {
  const rows = await db
    .selectFrom('audit_index')
    .selectAll()
    .where('action', '=', 'call')
    .where('result', 'is', null)
    .orderBy('at_ms')
    .orderBy('seq')
    .orderBy('stream')
    .execute();
  return rows.map(fromIndexTable);
}

export async function findRows(db: Kysely<Schema>, ids: readonly string[]): Promise<IndexRow[]> {
  const rows = await db.selectFrom('audit_index').selectAll().where('id', 'in', ids).execute();
  return rows.map(fromIndexTable);
}

/** Rows of `sinceMs <= atMs < untilMs` that match every filter, newest first. */
export async function queryRows(db: Kysely<Schema>, filter: IndexFilter): Promise<IndexRow[]> {
  const equal = [
    ['id', filter.callId],
    ['team', filter.team],
    ['environment', filter.environment],
    ['token_id', filter.tokenId],
    ['model', filter.model],
    ['action', filter.action],
    ['result', filter.result],
    ['error_code', filter.errorCode],
  ] as const;
  let query = db.selectFrom('audit_index').selectAll();
  for (const [column, value] of equal) if (value !== undefined) query = query.where(column, '=', value);
  // The bare constant, so that the partial index is seen to fit.
  if (filter.overrun === true) query = query.where(sql<boolean>`overrun_pico_usd > 0`);
  if (filter.sinceMs !== undefined) query = query.where('at_ms', '>=', wholeBigint(filter.sinceMs));
  if (filter.untilMs !== undefined) query = query.where('at_ms', '<', wholeBigint(filter.untilMs));
  const rows = await query
    .orderBy('at_ms', 'desc')
    .orderBy('seq', 'desc')
    .orderBy('stream', 'desc')
    // A negative limit would mean none to SQLite.
    .limit(whole(filter.limit))
    .execute();
  return rows.map(fromIndexTable);
}
