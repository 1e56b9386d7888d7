import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { Kysely, sql } from 'kysely';
import { BunSqliteDialect } from './sqlite-dialect.ts';

interface Tables {
  counter: { id: number; value: number };
}

async function withCounter(use: (db: Kysely<Tables>) => Promise<void>): Promise<void> {
  const database = new Database(':memory:', { strict: true });
  database.run(
    'create table counter (id integer primary key, value integer not null check (value >= 0)) strict',
  );
  database.run('insert into counter values (1, 0)');
  const db = new Kysely<Tables>({ dialect: new BunSqliteDialect(database) });
  await use(db);
  await db.destroy();
  database.close(true);
}

const value = async (db: Kysely<Tables>): Promise<number> =>
  (await db.selectFrom('counter').select('value').where('id', '=', 1).executeTakeFirstOrThrow()).value;

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it succeeded',
    (error: Error) => error.message,
  );

test('a transaction that waits in its middle is not entered by another one', async () => {
  await withCounter(async (db) => {
    const increment = (): Promise<void> =>
      db.transaction().execute(async (tx) => {
        const before = await value(tx);
        await Bun.sleep(1);
        await tx
          .updateTable('counter')
          .set({ value: before + 1 })
          .execute();
      });
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(await value(db)).toBe(20);
  });
});

test('a query outside does not see a transaction that is not committed', async () => {
  await withCounter(async (db) => {
    const { promise: written, resolve: announce } = Promise.withResolvers<void>();
    const failed = messageOf(
      db.transaction().execute(async (tx) => {
        await tx.updateTable('counter').set({ value: 7 }).execute();
        announce();
        await Bun.sleep(5);
        throw new Error('undone');
      }),
    );
    await written;
    const seen = value(db);
    expect(await seen).toBe(0);
    expect(await failed).toBe('undone');
  });
});

test('a failed statement leaves the connection usable and its prepared form intact', async () => {
  await withCounter(async (db) => {
    const set = (to: number) => db.updateTable('counter').set({ value: to }).execute();
    await set(1);
    expect(await messageOf(set(-1))).toContain('CHECK');
    await set(2);
    expect(await value(db)).toBe(2);
  });
});

test('updates report how many rows changed, and returning gives them', async () => {
  await withCounter(async (db) => {
    const [none] = await db.updateTable('counter').set({ value: 1 }).where('id', '=', 9).execute();
    expect(none?.numUpdatedRows).toBe(0n);
    const rows = await db.updateTable('counter').set({ value: 4 }).returning('value').execute();
    expect(rows).toEqual([{ value: 4 }]);
  });
});

test('more different statements than are kept prepared all work, again and again', async () => {
  await withCounter(async (db) => {
    for (let round = 0; round < 3; round += 1) {
      for (let number = 0; number < 200; number += 1) {
        const { rows } = await sql<{ n: number }>`select ${sql.lit(number)} as n`.execute(db);
        expect(rows[0]?.n).toBe(number);
      }
    }
  });
});
