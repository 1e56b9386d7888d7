/**
 * A consistent copy of a database that is in use, made in slices so that calls go on meanwhile. The copy is a file of its own, with the
 * schema of our migrations and nothing else that the original may have been given.
 */
import { Database as SqliteFile } from 'bun:sqlite';
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { migrate } from './migrations.ts';
import { createOwnerOnly } from './sqlite.ts';
import { storeError } from './store-error.ts';

/** A few milliseconds of work. */
const SLICE_ROWS = 500;

/** Replaces `target` by the copy, which is on disk when this resolves. Rejects with `store.unavailable`; then there is no `target`. */
export async function snapshot(source: string, target: string): Promise<void> {
  let copy: SqliteFile | undefined;
  try {
    rmSync(target, { force: true });
    createOwnerOnly(target);
    copy = new SqliteFile(target, { strict: true, safeIntegers: true });
    for (const pragma of ['journal_mode = off', 'synchronous = off', 'trusted_schema = off'])
      copy.run(`pragma ${pragma}`);
    migrate(copy);
    copy.run('attach database ? as live', [source]);
    // INVARIANT: the first read of `live` in this transaction fixes what all later ones see, until the commit.
    copy.run('begin');
    for (const table of tablesOf(copy)) await copyTable(copy, table);
    copy.run('commit');
    copy.close(true);
    sync(target);
  } catch (error) {
    copy?.close();
    rmSync(target, { force: true });
    throw storeError(error);
  }
}

async function copyTable(copy: SqliteFile, table: string): Promise<void> {
  using end = copy.prepare<{ last: bigint | null }, [bigint, number]>(
    `select max(rowid) as last from (select rowid from live.${table} where rowid > ? order by rowid limit ?)`,
  );
  using insert = copy.prepare<unknown, [bigint, bigint]>(
    `insert into main.${table} select * from live.${table} where rowid > ? and rowid <= ? order by rowid`,
  );
  for (let from = -(2n ** 63n); ;) {
    const last = end.get(from, SLICE_ROWS)?.last ?? null;
    if (last === null) return;
    insert.run(from, last);
    from = last;
    await nextTurn();
  }
}

function tablesOf(copy: SqliteFile): string[] {
  using query = copy.prepare<{ name: string }, []>(
    "select name from main.sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
  );
  return query.all().map(({ name }) => name);
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
