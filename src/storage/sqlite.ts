/**
 * Opens the embedded database. One process, one connection: `data-lock.ts` keeps other processes of ours away.
 * Files are readable by their owner only, the schema is brought up to date, and every failure is `store.unavailable`.
 */
import { Database as SqliteFile } from 'bun:sqlite';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kysely, type Transaction } from 'kysely';
import { SallyportError } from '../core/errors.ts';
import type { Database, Durability } from './database.ts';
import { migrate } from './migrations.ts';
import type { Schema } from './schema.ts';
import { BunSqliteDialect } from './sqlite-dialect.ts';
import { codeOf, storeError } from './store-error.ts';

const MEMORY = ':memory:';
const OWNER_ONLY = 0o600;

/** How long another program's write may hold us up. SQLite waits on the thread that serves calls, so not longer. */
const BUSY_TIMEOUT_MS = 250;

const SYNCHRONOUS: Readonly<Record<Durability, string>> = { 'power-cut': 'full', crash: 'normal' };

/** Opens or creates `file`, or a database in memory for `:memory:`. The folder must exist. */
export function openSqlite(file: string): Database {
  let sqlite: SqliteFile | undefined;
  try {
    if (file !== MEMORY) restrictFiles(file);
    sqlite = new SqliteFile(file, { create: true, strict: true, safeIntegers: true });
    configure(sqlite, file);
    migrate(sqlite, undefined, keepCopy.bind(null, sqlite, file));
    return new SqliteDatabase(sqlite);
  } catch (error) {
    sqlite?.close();
    throw storeError(error);
  }
}

class SqliteDatabase implements Database {
  readonly #sqlite: SqliteFile;
  readonly #db: Kysely<Schema>;
  #durability: Durability | undefined;
  #closed: Promise<void> | undefined;

  constructor(sqlite: SqliteFile) {
    this.#sqlite = sqlite;
    this.#db = new Kysely<Schema>({ dialect: new BunSqliteDialect(sqlite) });
  }

  async read<T>(query: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    try {
      return await query(this.#db);
    } catch (error) {
      throw storeError(error);
    }
  }

  async write<T>(durability: Durability, work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
    try {
      return await this.#db.connection().execute(async (connection) => {
        // INVARIANT: the connection is ours here and in no transaction, inside which this pragma is an error.
        this.#require(durability);
        return connection.transaction().execute(work);
      });
    } catch (error) {
      throw storeError(error);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      // The connection is ours here: no transaction is cut off, and whoever waits behind us finds a closed database.
      await this.#db.connection().execute(async () => this.#sqlite.close(true));
      await this.#db.destroy();
    } catch (error) {
      throw storeError(error);
    }
  }

  #require(durability: Durability): void {
    if (durability === this.#durability) return;
    this.#sqlite.run(`pragma synchronous = ${SYNCHRONOUS[durability]}`);
    this.#durability = durability;
  }
}

/** Creates `file` for its owner only and takes others' rights away from what exists. SQLite gives -wal and -shm the mode of `file`. */
function restrictFiles(file: string): void {
  createOwnerOnly(file);
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    try {
      chmodSync(name, OWNER_ONLY);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

/**
 * Keeps what an upgrade is about to change, in the folder `before-upgrade` beside the database. With it the older version of Sallyport can
 * be started again: what the journal has beyond it is applied then. Nothing else runs yet, so the copy may take its time.
 */
function keepCopy(sqlite: SqliteFile, file: string, version: number): void {
  if (file === MEMORY) return;
  const folder = join(dirname(file), 'before-upgrade');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const copy = join(folder, `schema-${version}-${new Date().toISOString().replaceAll(/[:.]/g, '')}.db`);
  createOwnerOnly(copy);
  sqlite.prepare<unknown, [string]>('vacuum into ?').run(copy);
  for (const path of [copy, folder]) {
    const handle = openSync(path, 'r');
    fsyncSync(handle);
    closeSync(handle);
  }
}

/** Creates an empty file with mode 0600 unless it exists. */
export function createOwnerOnly(file: string): void {
  try {
    // INVARIANT: `wx` never opens an existing file. Closing any descriptor of it would drop the locks SQLite holds in this process.
    closeSync(openSync(file, 'wx', OWNER_ONLY));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function configure(sqlite: SqliteFile, file: string): void {
  sqlite.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  sqlite.run('pragma foreign_keys = on');
  // Whoever edits the file may add triggers and views; they must not call functions with side effects.
  sqlite.run('pragma trusted_schema = off');
  // Sorting must not leave rows in files outside the data folder.
  sqlite.run('pragma temp_store = memory');
  const mode = sqlite.prepare<{ journal_mode: string }, []>('pragma journal_mode = wal').get()?.journal_mode;
  if (mode !== 'wal' && file !== MEMORY) {
    throw new SallyportError('store.unavailable', 'The database cannot use a write-ahead log here.', {
      detail: `journal_mode is ${mode ?? 'unknown'}`,
      fix: 'Put the data folder on a local disk: network file systems lack what SQLite needs.',
    });
  }
}
