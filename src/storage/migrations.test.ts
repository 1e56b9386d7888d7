import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { SallyportError } from '../core/errors.ts';
import { migrate } from './migrations.ts';

const FIRST = ['create table a (id integer primary key) strict'];
const SECOND = ['alter table a add column name text', 'create index a_name on a (name)'];

let database: Database;
beforeEach(() => {
  database = new Database(':memory:', { strict: true, safeIntegers: true });
});
afterEach(() => database.close());

function refusal(run: () => void): SallyportError {
  try {
    run();
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

const names = (): unknown[] =>
  database
    .query<{ name: string }, []>('select name from sqlite_schema order by name')
    .all()
    .map((row) => row.name);
const version = (): unknown => database.query('select user_version from pragma_user_version').get();

test('a new database gets every migration, an older one what it lacks, a current one nothing', () => {
  migrate(database, [FIRST]);
  expect(names()).toEqual(['a']);
  database.run('insert into a values (1)');
  migrate(database, [FIRST, SECOND]);
  expect(names()).toEqual(['a', 'a_name']);
  expect(version()).toEqual({ user_version: 2n });
  migrate(database, [FIRST, SECOND]);
  expect(database.query('select * from a').all()).toEqual([{ id: 1n, name: null }]);
});

test('a migration that fails leaves the database at its old version', () => {
  migrate(database, [FIRST]);
  expect(() => migrate(database, [FIRST, SECOND, ['create table broken (']])).toThrow();
  expect(names()).toEqual(['a']);
  expect(version()).toEqual({ user_version: 1n });
});

test('a database of a newer version is refused and says which version to start', () => {
  migrate(database, [FIRST, SECOND]);
  const error = refusal(() => migrate(database, [FIRST]));
  expect(error).toMatchObject({ code: 'store.unavailable', retryable: false });
  expect(error.message).toContain('newer version');
  expect(error.fix).toContain('newer version');
  expect(names()).toEqual(['a', 'a_name']);
});

test("another program's database is refused and left as it was", () => {
  database.run('create table notes (text text)');
  const error = refusal(() => migrate(database));
  expect(error.code).toBe('store.unavailable');
  expect(error.message).toContain('another program');
  expect(names()).toEqual(['notes']);
});

test('every table is strict', () => {
  migrate(database);
  const tables = database
    .query<{ name: string; strict: bigint }, []>(
      "select name, strict from pragma_table_list where schema = 'main' and name not like 'sqlite_%'",
    )
    .all();
  expect(tables.length).toBeGreaterThanOrEqual(7);
  expect(tables.filter((table) => table.strict !== 1n)).toEqual([]);
});
