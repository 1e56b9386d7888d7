import { expect, test } from 'bun:test';
import { Database } from 'bun:sqlite';
import { groqKey, scanContent } from './test-content.ts';

test('a value in a row is found with its table and column, wherever the pages of the file cut it', async () => {
  const keys = Array.from({ length: 40 }, (_, index) => groqKey(index + 1));
  using database = new Database(':memory:');
  database.run('PRAGMA page_size = 512');
  database.run('CREATE TABLE "my notes" (id INTEGER PRIMARY KEY, body TEXT)');
  for (const [at, key] of keys.entries())
    database
      .query('INSERT INTO "my notes" (body) VALUES (?)')
      .run(`${'word '.repeat(80 + at * 3)}${key} end`);
  const { places, problems } = await scanContent('app.db', database.serialize());
  expect(problems).toEqual([]);
  expect(places.map((place) => /\(.*\)$/.exec(place)?.[0])).toEqual(
    keys.map((_, at) => `(table my notes, row ${at + 1}, body)`),
  );
});

test('UTF-16 and blobs are read; what is damaged is said, and its bytes are searched', async () => {
  const [first, second] = [groqKey(1), groqKey(2)];
  using database = new Database(':memory:');
  database.run("PRAGMA encoding = 'UTF-16le'");
  database.run('CREATE TABLE t (a TEXT, b BLOB, c TEXT AS (a || a))');
  database.run('CREATE VIEW v AS SELECT * FROM t');
  database.query('INSERT INTO t (a, b) VALUES (?, ?)').run(`note ${first}`, Buffer.from(`blob ${second}`));
  const bytes = Buffer.from(database.serialize());
  expect((await scanContent('a.sqlite', bytes)).places).toEqual([
    'a.sqlite:1:6 (table t, row 1, a)',
    'a.sqlite:1:6 (table t, row 1, b)',
  ]);
  const damaged = Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(3000, 0x61), Buffer.from(` ${first}`)]);
  const { problems, places } = await scanContent('a.sqlite', damaged);
  expect(problems).toEqual([expect.stringContaining('the database a.sqlite was not opened')]);
  expect(places).toHaveLength(1);
});
