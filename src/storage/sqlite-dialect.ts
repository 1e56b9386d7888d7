/**
 * Kysely on `bun:sqlite`: the driver only; adapter, compiler and introspector are Kysely's. One connection, lent to one user at a
 * time in the order of asking, so that two transactions never interleave.
 */
import type { Database, SQLQueryBindings, Statement } from 'bun:sqlite';
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';

/** Statements kept prepared. Filters make some hundred different texts; the ones that matter are used all the time. */
const MAX_STATEMENTS = 64;

export class BunSqliteDialect implements Dialect {
  readonly #database: Database;

  /** `database` stays the caller's to close. */
  constructor(database: Database) {
    this.#database = database;
  }

  createDriver(): Driver {
    return new BunSqliteDriver(this.#database);
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): SqliteAdapter {
    return new SqliteAdapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

class BunSqliteDriver implements Driver {
  readonly #database: Database;
  readonly #connection: BunSqliteConnection;
  #free: Promise<void> = Promise.resolve();
  #release = (): void => {};

  constructor(database: Database) {
    this.#database = database;
    this.#connection = new BunSqliteConnection(database);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const turn = this.#free;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#free = promise;
    await turn;
    this.#release = resolve;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // `immediate`: a transaction that reads first could otherwise fail with SQLITE_BUSY at its first write.
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk makes SQLite roll back by itself; a second rollback would hide the first error.
    if (this.#database.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  async destroy(): Promise<void> {}
}

interface Prepared {
  readonly statement: Statement<unknown, SQLQueryBindings[]>;
  /** It gives rows. Asking the statement itself makes the list of their names anew each time. */
  readonly reads: boolean;
}

class BunSqliteConnection implements DatabaseConnection {
  readonly #database: Database;
  readonly #statements = new Map<string, Prepared>();

  constructor(database: Database) {
    this.#database = database;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { statement, reads } = this.#prepared(query.sql);
    const parameters = query.parameters as SQLQueryBindings[];
    if (reads) return { rows: statement.all(...parameters) as R[] };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  // oxlint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streaming is not supported: the one connection would be held by a slow reader.');
  }

  // NOTE: not for pragmas. Many take effect while they are prepared, so a prepared one does nothing the second time.
  #prepared(sql: string): Prepared {
    const known = this.#statements.get(sql);
    const prepared = known ?? this.#prepare(sql);
    if (known) this.#statements.delete(sql);
    else if (this.#statements.size >= MAX_STATEMENTS) this.#evictOldest();
    this.#statements.set(sql, prepared);
    return prepared;
  }

  #prepare(sql: string): Prepared {
    const statement = this.#database.prepare<unknown, SQLQueryBindings[]>(sql);
    return { statement, reads: statement.columnNames.length > 0 };
  }

  #evictOldest(): void {
    for (const [sql, { statement }] of this.#statements) {
      this.#statements.delete(sql);
      statement.finalize();
      return;
    }
  }
}
