/**
 * SQLite databases: the text of every row of every table, with its table and column; a value that the file's pages cut in two is whole there. Opened in
 * memory, as a copy, to read only; views and triggers are never run.
 */
import { Database } from 'bun:sqlite';
import { findDeep } from '../../detect/deep.ts';
import type { Parts } from './format.ts';

const MOST_BYTES = 128 * 1024 * 1024;
const LEAST_TEXT = 20;
/** Cells are searched together; only where something is found each is looked at by itself. */
const BATCH_BYTES = 256 * 1024;
const NEWLINE = Buffer.from('\n');

export function openSqlite(parts: Parts): void {
  if (parts.bytes.length > MOST_BYTES) throw new Error('it is too large');
  using database = Database.deserialize(withoutLog(parts.bytes), { readonly: true, safeIntegers: true });
  database.run('PRAGMA trusted_schema = OFF');
  const batch = new Batch(parts);
  for (const table of tablesOf(database)) {
    let number = 0;
    const columns = columnsOf(database, table).map(quoted);
    if (columns.length === 0) continue;
    for (const row of database.query(`SELECT ${columns.join(', ')} FROM ${quoted(table)}`).iterate()) {
      number += 1;
      for (const [column, value] of Object.entries(row as object))
        batch.add(value, () => `table ${table}, row ${number}, ${column}`);
    }
    batch.search();
  }
}

function tablesOf(database: Database): string[] {
  const rows = database
    .query("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    .values();
  return rows.flatMap(([name]) => (typeof name === 'string' ? [name] : []));
}

/** Not those that are computed: with them a file says what is to be done. */
function columnsOf(database: Database, table: string): string[] {
  const rows = database.query('SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0').values(table);
  return rows.flatMap(([name]) => (typeof name === 'string' ? [name] : []));
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

class Batch {
  readonly #parts: Parts;
  #cells: { readonly bytes: Buffer; readonly where: string }[] = [];
  #size = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  add(value: unknown, where: () => string): void {
    const bytes = bytesOf(value);
    if (!bytes || bytes.length < LEAST_TEXT) return;
    this.#cells.push({ bytes, where: where() });
    this.#size += bytes.length;
    if (this.#size >= BATCH_BYTES) this.search();
  }

  search(): void {
    const all = Buffer.concat(this.#cells.flatMap(({ bytes }) => [bytes, NEWLINE]));
    if (findDeep(all).length > 0) for (const cell of this.#cells) this.#parts.text(cell);
    this.#cells = [];
    this.#size = 0;
  }
}

function bytesOf(value: unknown): Buffer | null {
  if (typeof value === 'string') return Buffer.from(value);
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : null;
}

const VERSIONS_AT = 18;

/** A database with a write-ahead log says so in its head, and does not open without that; it is not here. */
function withoutLog(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if (copy[VERSIONS_AT] === 2) copy.fill(1, VERSIONS_AT, VERSIONS_AT + 2);
  return copy;
}
