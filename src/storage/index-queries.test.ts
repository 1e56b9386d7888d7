/** That queries find their index: a scan of the whole table would hold up every call while it runs. */
import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Kysely, type CompiledQuery } from 'kysely';
import { openCalls, queryRows } from './index-queries.ts';
import { spentSince, usageBy } from './index-usage.ts';
import { migrate } from './migrations.ts';
import type { Schema } from './schema.ts';
import { BunSqliteDialect } from './sqlite-dialect.ts';

const database = new Database(':memory:', { strict: true, safeIntegers: true });
let last: CompiledQuery | undefined;
const db = new Kysely<Schema>({
  dialect: new BunSqliteDialect(database),
  log: (event) => {
    last = event.query;
  },
});

beforeAll(() => migrate(database));
afterAll(async () => {
  await db.destroy();
  database.close(true);
});

async function planOf(run: () => Promise<unknown>): Promise<string> {
  await run();
  const parameters = (last?.parameters ?? []) as (string | bigint)[];
  const rows = database.query<{ detail: string }, (string | bigint)[]>(`explain query plan ${last?.sql}`);
  return rows
    .all(...parameters)
    .map((row) => row.detail)
    .join('; ');
}

test.each([
  ['no filter', {}],
  ['a team', { team: 'a' }],
  ['a token in a range', { tokenId: 'a', sinceMs: 1, untilMs: 2 }],
  ['errors', { result: 'error', errorCode: 'a' }],
] as const)('a query by %s walks the filter index, newest first', async (_, filter) => {
  const plan = await planOf(() => queryRows(db, { ...filter, limit: 10 }));
  expect(plan).toContain('audit_index_filters');
  // Only rows of the same time and number are put in order afterwards.
  expect(plan.replace('USE TEMP B-TREE FOR LAST TERM OF ORDER BY', '')).not.toContain('TEMP B-TREE');
});

test('a query by call id goes straight to its row', async () => {
  expect(await planOf(() => queryRows(db, { callId: 'a', limit: 1 }))).toContain('(id=?)');
});

test('open calls are read from their own small index', async () => {
  expect(await planOf(() => openCalls(db))).toContain('audit_index_open');
});

test('overruns are read from their own small index', async () => {
  expect(await planOf(() => queryRows(db, { overrun: true, limit: 10 }))).toContain('audit_index_overrun');
});

test('sums read only the rows of their time range', async () => {
  expect(await planOf(() => usageBy(db, 'user', 1, 2))).toContain(
    'audit_index_filters (at_ms>? AND at_ms<?)',
  );
  expect(await planOf(() => spentSince(db, { team: 'a' }, 1))).toContain('audit_index_filters (at_ms>?)');
});
