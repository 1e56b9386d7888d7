import { Database as SqliteFile } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { SallyportError } from '../core/errors.ts';
import type { Database, Durability } from './database.ts';
import { createRecordStore } from './record-store.ts';
import { openSqlite } from './sqlite.ts';
import { openStorage } from './storage.ts';

const TRUST = {
  stream: 's',
  seq: 1,
  hash: new Uint8Array(32),
  segment: 0,
  offset: 0,
  mac: new Uint8Array(36),
};

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-sqlite-'));
  file = join(folder, 'sallyport.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function failure(run: () => unknown): Promise<SallyportError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
  throw new Error('expected a failure');
}

const mode = (name: string): number => statSync(name).mode & 0o777;

const record = (id: string, body = '{}') => ({
  kind: 'team' as const,
  id,
  revision: 1,
  body,
  sealed: null,
  mac: new Uint8Array(36),
});

const insertTeam = (database: Database, id: string, body?: string): Promise<void> =>
  createRecordStore(database).commitRecords([record(id, body)], TRUST);

const pragma = async (database: Database, name: string, durability: Durability): Promise<unknown> =>
  database.write(durability, async (tx) => {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.raw(`pragma_${name}`)}`.execute(
      tx,
    );
    return Object.values(rows[0] ?? {})[0];
  });

describe('files', () => {
  test('the database and its log are readable by their owner only', async () => {
    const database = openSqlite(file);
    await insertTeam(database, 'a');
    expect([file, `${file}-wal`, `${file}-shm`].map(mode)).toEqual([0o600, 0o600, 0o600]);
    await database.close();
  });

  test('rights that others were given meanwhile are taken away', async () => {
    await openSqlite(file).close();
    chmodSync(file, 0o644);
    const database = openSqlite(file);
    expect(mode(file)).toBe(0o600);
    await database.close();
  });

  test('what was committed is there after the file is opened again, and no log is left behind', async () => {
    const first = await openStorage({ file });
    await first.records.commitRecords([record('a')], TRUST);
    await first.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    const second = await openStorage({ file });
    expect(await second.records.loadRecords()).toEqual([record('a')]);
    expect(await second.records.loadTrust()).toEqual(TRUST);
    await second.close();
  });

  test('what was committed is there after kill -9', async () => {
    const script = `
      import { openStorage } from ${JSON.stringify(join(import.meta.dir, 'storage.ts'))};
      const storage = await openStorage({ file: ${JSON.stringify(file)} });
      const trust = { stream: 's', seq: 1, hash: new Uint8Array(32), segment: 0, offset: 0, mac: new Uint8Array(36) };
      const row = { kind: 'team', id: 'a', revision: 1, body: '{}', sealed: null, mac: new Uint8Array(36) };
      await storage.records.commitRecords([row], trust);
      await storage.index.commitIndex({ rows: [], statuses: [], pseudonyms: [], outbox: [], trust: { ...trust, seq: 2 } });
      process.kill(process.pid, 'SIGKILL');
    `;
    const child = Bun.spawn([process.execPath, '-e', script], { stderr: 'inherit' });
    await child.exited;
    expect(child.signalCode).toBe('SIGKILL');
    const storage = await openStorage({ file });
    expect(await storage.records.loadRecords()).toHaveLength(1);
    expect((await storage.records.loadTrust())?.seq).toBe(2);
    await storage.close();
  });
});

describe('durability', () => {
  test('a commit that must survive a power cut is synced, one that need not is not, in any order', async () => {
    const database = openSqlite(file);
    const levels: unknown[] = [];
    for (const durability of ['power-cut', 'crash', 'crash', 'power-cut', 'crash', 'power-cut'] as const) {
      levels.push(await pragma(database, 'synchronous', durability));
    }
    const [full, normal] = [2n, 1n];
    expect(levels).toEqual([full, normal, normal, full, normal, full]);
    await database.close();
  });

  test('the log is written ahead, foreign keys hold, and the schema may not call functions', async () => {
    const database = openSqlite(file);
    expect(await pragma(database, 'journal_mode', 'crash')).toBe('wal');
    expect(await pragma(database, 'foreign_keys', 'crash')).toBe(1n);
    expect(await pragma(database, 'trusted_schema', 'crash')).toBe(0n);
    expect(await pragma(database, 'temp_store', 'crash')).toBe(2n);
    await database.close();
  });
});

describe('failures', () => {
  test('a file that is no database is refused and left as it was', async () => {
    const garbage = 'this is not a database\n'.repeat(200);
    writeFileSync(file, garbage);
    const error = await failure(() => openStorage({ file }));
    expect(error).toMatchObject({ code: 'store.unavailable', retryable: false });
    expect(error.fix).toContain('backup');
    expect(error.detail).toContain('SQLITE_NOTADB');
    expect(readFileSync(file, 'utf8')).toBe(garbage);
  });

  test('a damaged database is refused with a fix, at the latest when the damage is read', async () => {
    const database = openSqlite(file);
    for (let id = 0; id < 200; id += 1) await insertTeam(database, String(id), 'x'.repeat(500));
    await database.close();
    const size = statSync(file).size;
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.alloc(size - 8_192, 0xff), 0, size - 8_192, 8_192);
    closeSync(descriptor);
    const error = await failure(async () => {
      const storage = await openStorage({ file });
      try {
        await storage.records.loadRecords();
      } finally {
        await storage.close();
      }
    });
    expect(error).toMatchObject({ code: 'store.unavailable', retryable: false });
    expect(error.detail).toContain('SQLITE_CORRUPT');
    expect(error.fix).toContain('backup');
  });

  test.each([
    ['a folder that does not exist', () => join(folder, 'missing', 'sallyport.db')],
    ['a path that is a folder', () => folder],
  ])('%s is refused', async (_, path) => {
    const error = await failure(() => openStorage({ file: path() }));
    expect(error).toMatchObject({ code: 'store.unavailable', retryable: false });
    expect(error.fix).toContain('data folder');
    expect(error.message).not.toContain(folder);
  });

  test('on a full disk nothing changes, and writing goes on when there is room', async () => {
    const database = openSqlite(file);
    const store = createRecordStore(database);
    await store.commitRecords([record('a')], TRUST);
    await database.read((db) => sql`pragma max_page_count = 20`.execute(db));
    const large = store.commitRecords([record('a', '{"new":1}'), record('b', 'x'.repeat(200_000))], {
      ...TRUST,
      seq: 2,
    });
    const error = await failure(() => large);
    expect(error).toMatchObject({ code: 'store.unavailable', retryable: true });
    expect(error.detail).toContain('SQLITE_FULL');
    expect(await store.loadRecords()).toEqual([record('a')]);
    expect(await store.loadTrust()).toEqual(TRUST);
    await store.commitRecords([record('c')], { ...TRUST, seq: 3 });
    expect((await store.loadTrust())?.seq).toBe(3);
    await database.close();
  });

  test('while another program writes, a commit fails soon and may be repeated', async () => {
    const database = openSqlite(file);
    const other = new SqliteFile(file);
    other.run('begin immediate');
    const started = performance.now();
    const error = await failure(() => insertTeam(database, 'a'));
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(error).toMatchObject({ code: 'store.unavailable', retryable: true });
    expect(error.detail).toContain('SQLITE_BUSY');
    other.run('rollback');
    other.close();
    await insertTeam(database, 'a');
    await database.close();
  });

  test('a transaction that has only read so far already keeps other writers out', async () => {
    const database = openSqlite(file);
    const other = new SqliteFile(file);
    await database.write('crash', async (tx) => {
      await tx.selectFrom('trust').selectAll().execute();
      expect(() => other.run('begin immediate')).toThrow('locked');
      await tx.deleteFrom('trust').execute();
    });
    other.close();
    await database.close();
  });

  test('a sum that leaves int64 is an error of the database, never a rounded amount', async () => {
    const database = openSqlite(file);
    const spend = (amount: bigint) =>
      database.write('crash', async (tx) => {
        await tx
          .insertInto('budget_status')
          .values({
            budget: 'a',
            period: 'total',
            spent_pico_usd: amount,
            overrun_pico_usd: 0n,
            alerted_percent: 0,
            exhausted: 0,
            paused: 0,
            mac: new Uint8Array(1),
          })
          .onConflict((conflict) =>
            conflict.column('budget').doUpdateSet((eb) => ({
              spent_pico_usd: eb('budget_status.spent_pico_usd', '+', eb.ref('excluded.spent_pico_usd')),
            })),
          )
          .execute();
      });
    await spend(2n ** 63n - 1n);
    const error = await failure(() => spend(1n));
    expect(error).toMatchObject({ code: 'store.unavailable', retryable: false });
    const rows = await database.read((db) => db.selectFrom('budget_status').selectAll().execute());
    expect(rows[0]?.spent_pico_usd).toBe(2n ** 63n - 1n);
    await database.close();
  });
});

describe('closing', () => {
  test('a closed storage refuses to be used, and may be closed again', async () => {
    const storage = await openStorage({ file });
    await storage.close();
    await storage.close();
    expect((await failure(() => storage.records.loadRecords())).code).toBe('store.unavailable');
    expect((await failure(() => storage.records.commitRecords([], TRUST))).code).toBe('store.unavailable');
  });

  test('closing waits for the commits before it and fails those after it', async () => {
    const storage = await openStorage({ file });
    const before = storage.records.commitRecords([record('before')], TRUST);
    const closing = storage.close();
    const after = failure(() => storage.records.commitRecords([record('after')], TRUST));
    await Promise.all([before, closing]);
    expect((await after).code).toBe('store.unavailable');
    const again = await openStorage({ file });
    expect(await again.records.loadRecords()).toEqual([record('before')]);
    await again.close();
  });
});
