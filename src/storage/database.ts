/** What the stores need of a database. sqlite.ts implements it; the stores do not know which dialect they speak. */
import type { Kysely, Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** What a commit must survive once it is answered. */
export type Durability =
  /** A power cut. */
  | 'power-cut'
  /** A dead process. For what the journal can rebuild. */
  | 'crash';

export interface Database {
  /** Runs queries outside a transaction. Throws `store.unavailable` for any failure of the database. */
  read<T>(query: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /**
   * Runs `work` as one transaction: all of it is committed, or, when it throws, nothing. Transactions run one after the other.
   * Throws `store.unavailable` for any failure of the database, and a SallyportError of `work` as it is.
   */
  write<T>(durability: Durability, work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /** Waits for running transactions. Later calls of `read` and `write` throw `store.unavailable`. */
  close(): Promise<void>;
}
