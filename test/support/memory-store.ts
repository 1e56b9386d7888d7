/** The record and keyring ports in memory, for unit tests. What it keeps is open to the test, as a database is to whoever writes to it. */
import type { RecordRow, RecordStore, TrustRow } from '../../src/records/store.ts';
import { RecordBook, type ControlEntry } from '../../src/records/records.ts';
import { Trust } from '../../src/records/trust.ts';
import type { Keyring } from '../../src/vault/keyring.ts';
import type { InstanceRow, KeyringStore, TermRow } from '../../src/vault/store.ts';

export class MemoryStore implements RecordStore, KeyringStore {
  instance: InstanceRow | null = null;
  terms: TermRow[] = [];
  records: RecordRow[] = [];
  trust: TrustRow | null = null;
  /** Runs before each commit of records; a test may throw here. */
  beforeCommit: (rows: readonly RecordRow[]) => void = () => undefined;

  loadInstance(): Promise<InstanceRow | null> {
    return Promise.resolve(this.instance);
  }

  loadTerms(): Promise<TermRow[]> {
    return Promise.resolve([...this.terms]);
  }

  createInstance(instance: InstanceRow, term: TermRow): Promise<void> {
    if (this.instance) return Promise.reject(new Error('an instance exists'));
    this.instance = instance;
    this.terms = [term];
    return Promise.resolve();
  }

  loadRecords(): Promise<RecordRow[]> {
    return Promise.resolve([...this.records]);
  }

  loadTrust(): Promise<TrustRow | null> {
    return Promise.resolve(this.trust);
  }

  async commitRecords(rows: readonly RecordRow[], trust: TrustRow): Promise<void> {
    await Promise.resolve();
    this.beforeCommit(rows);
    const replaced = (old: RecordRow): boolean =>
      rows.some((row) => row.kind === old.kind && row.id === old.id);
    this.records = [...this.records.filter((old) => !replaced(old)), ...rows];
    this.trust = trust;
  }
}

/** The record book over what `store` holds now; its journal is the returned list. */
export async function openMemoryBook(
  store: MemoryStore,
  keyring: Keyring,
): Promise<{ readonly book: RecordBook; readonly journal: ControlEntry[] }> {
  const authenticator = keyring.authenticator('row-mac');
  const rows = await store.loadRecords();
  const tags = { records: rows.map((row) => row.mac), statuses: [] };
  const trust = Trust.open(authenticator, await store.loadTrust(), tags);
  const book = new RecordBook({ store, authenticator, trust }, rows);
  const journal: ControlEntry[] = [];
  book.attachJournal(async (entry) => {
    await Promise.resolve();
    journal.push(entry);
    return () => undefined;
  });
  return { book, journal };
}
