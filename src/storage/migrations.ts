/**
 * Brings a database to the newest schema. Each migration is a list of statements that is never edited once released; its number is
 * kept in `user_version`. All missing ones run in one transaction, so a failed upgrade leaves the database as it was.
 */
import type { Database } from 'bun:sqlite';
import { SallyportError } from '../core/errors.ts';
import { initialSchema } from './migration-1.ts';
import { rootKdfColumn } from './migration-2.ts';
import { overrunColumns } from './migration-3.ts';
import { alertOutbox } from './migration-4.ts';
import { keyUses } from './migration-5.ts';

/** Position n brings a database from version n to n + 1. */
const MIGRATIONS: readonly (readonly string[])[] = [
  initialSchema,
  rootKdfColumn,
  overrunColumns,
  alertOutbox,
  keyUses,
];

/** "Saly": marks the file as ours, so that another program's database is not taken over. */
const APPLICATION_ID = 0x53_61_6c_79;

/** What a database has after `migrate`. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** The schema that a database has; 0 for an empty one. Throws `store.unavailable` for another program's. */
export function readVersion(database: Database): number {
  const version = readInteger(database, 'select user_version from pragma_user_version');
  assertOurs(database);
  return version;
}

/**
 * Throws `store.unavailable` for a database of a newer Sallyport or of another program. `beforeUpgrade` is called before a database that is
 * not empty is changed; what it throws stops the upgrade.
 */
export function migrate(
  database: Database,
  migrations: readonly (readonly string[])[] = MIGRATIONS,
  beforeUpgrade: (version: number) => void = () => undefined,
): void {
  const version = readVersion(database);
  if (version > migrations.length) {
    throw new SallyportError('store.unavailable', 'The database belongs to a newer version of Sallyport.', {
      detail: `schema ${version}, this version knows ${migrations.length}`,
      fix: 'Start the newer version again, or restore the data folder from a backup that was made before the upgrade.',
    });
  }
  if (version === migrations.length) return;
  if (version > 0) beforeUpgrade(version);
  database
    .transaction(() => {
      database.run(`pragma application_id = ${APPLICATION_ID}`);
      for (const statement of migrations.slice(version).flat()) database.run(statement);
      database.run(`pragma user_version = ${migrations.length}`);
    })
    .immediate();
}

function assertOurs(database: Database): void {
  const id = readInteger(database, 'select application_id from pragma_application_id');
  if (id === APPLICATION_ID) return;
  if (id === 0 && readInteger(database, 'select count(*) from sqlite_schema') === 0) return;
  throw new SallyportError('store.unavailable', 'The database file belongs to another program.', {
    detail: `application_id is ${id}`,
    fix: 'Choose another data folder, or move that file away. Nothing was changed.',
  });
}

function readInteger(database: Database, sql: string): number {
  using statement = database.prepare<Record<string, bigint>, []>(sql);
  return Number(Object.values(statement.get() ?? {})[0]);
}
