/** What a database file is, without changing it: its schema, and what an upgrade would do to it. */
import { Database as SqliteFile } from 'bun:sqlite';
import { readVersion, SCHEMA_VERSION } from './migrations.ts';
import { storeError } from './store-error.ts';

export interface DatabaseState {
  readonly schema: number;
  /** The newest that this version of Sallyport knows. */
  readonly newest: number;
  /** Milliseconds since 1970; null when no backup is on record. */
  readonly lastBackupAtMs: number | null;
}

/** Works beside a running gateway. Throws `store.unavailable`, also for another program's file. */
export function inspectDatabase(file: string): DatabaseState {
  let database: SqliteFile | undefined;
  try {
    database = new SqliteFile(file, { readonly: true, strict: true, safeIntegers: true });
    const schema = readVersion(database);
    const known = schema >= 1 && schema <= SCHEMA_VERSION;
    return { schema, newest: SCHEMA_VERSION, lastBackupAtMs: known ? lastBackup(database) : null };
  } catch (error) {
    throw storeError(error);
  } finally {
    database?.close();
  }
}

function lastBackup(database: SqliteFile): number | null {
  using query = database.prepare<{ at: bigint | null }, []>(
    "select max(at_ms) as at from audit_index where action = 'recovery.backup'",
  );
  const at = query.get()?.at ?? null;
  return at === null ? null : Number(at);
}
