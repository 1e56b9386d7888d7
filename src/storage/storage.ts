/** Where the parts' state lives. Nothing outside this folder knows which database it is. */
import type { IndexStore } from '../audit/store.ts';
import type { RecordStore } from '../records/store.ts';
import type { KeyringStore } from '../vault/store.ts';
import type { OutboxStore } from '../watch/store.ts';
import { createIndexStore } from './index-store.ts';
import { createKeyringStore } from './keyring-store.ts';
import { createOutboxStore } from './outbox-store.ts';
import { createRecordStore } from './record-store.ts';
import { snapshot } from './snapshot.ts';
import { openSqlite } from './sqlite.ts';

export interface StorageOptions {
  /** Path of the database, created when missing (its folder is not), or `:memory:` for one that ends with the process. */
  readonly file: string;
}

export interface Storage {
  readonly records: RecordStore;
  readonly index: IndexStore;
  readonly keyring: KeyringStore;
  readonly outbox: OutboxStore;
  /** Replaces the file at `target` by a consistent copy, while the storage goes on. Not for a storage in memory. */
  snapshot(target: string): Promise<void>;
  /** Waits for what is running and closes the database. Nothing works afterwards. */
  close(): Promise<void>;
}

/**
 * Opens the storage and brings its tables up to date. Throws `store.unavailable` with a fix when the file cannot be used: damaged,
 * written by a newer version, or somebody else's. The caller holds the data lock of the folder.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const database = openSqlite(options.file);
  return {
    records: createRecordStore(database),
    index: createIndexStore(database),
    keyring: createKeyringStore(database),
    outbox: createOutboxStore(database),
    snapshot: (target) => snapshot(options.file, target),
    close: () => database.close(),
  };
}
