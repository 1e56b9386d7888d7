/**
 * Writes many rows by SQL that is compiled once for a few fixed numbers of rows: building a query costs more than running it, and a
 * handful of texts stay prepared in the driver.
 */
import type { CompiledQuery, Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** Largest first; 1 must be among them. 64 rows of the widest table are 1,728 parameters of SQLite's 32,766. */
const CHUNK_ROWS = [64, 8, 1] as const;

/** Builds the query that writes `rows`. The order of its parameters must be that of the rows' properties. */
export type CompileWrite<Row> = (tx: Transaction<Schema>, rows: Row[]) => CompiledQuery;

/** Appends a row's parameters to `into`, in the order of the columns. */
export type BindRow<Row> = (row: Row, into: unknown[]) => void;

export class BulkWrite<Row extends object> {
  readonly #compile: CompileWrite<Row>;
  readonly #bind: BindRow<Row>;
  readonly #compiled = new Map<number, CompiledQuery>();

  /** Without `bind` a row's parameters are its properties. INVARIANT: then all rows come from one object literal, in one order. */
  constructor(compile: CompileWrite<Row>, bind: BindRow<Row> = bindProperties) {
    this.#compile = compile;
    this.#bind = bind;
  }

  /** Writes `rows` in their order. */
  async run(tx: Transaction<Schema>, rows: readonly Row[]): Promise<void> {
    let from = 0;
    for (const size of CHUNK_ROWS) {
      for (; from + size <= rows.length; from += size) {
        await this.#write(tx, rows.slice(from, from + size));
      }
    }
  }

  async #write(tx: Transaction<Schema>, chunk: Row[]): Promise<void> {
    let query = this.#compiled.get(chunk.length);
    if (!query) {
      query = this.#compile(tx, chunk);
      this.#compiled.set(chunk.length, query);
    }
    const parameters: unknown[] = [];
    for (const row of chunk) this.#bind(row, parameters);
    await tx.executeQuery({ ...query, parameters });
  }
}

function bindProperties(row: object, into: unknown[]): void {
  into.push(...(Object.values(row) as unknown[]));
}
