/** The alert outbox in a table. What was sent survives a power cut before the next is tried; how often it was tried survives a dead process. */
import type { TrustRow } from '../records/store.ts';
import type { OutboxKey, OutboxStore } from '../watch/store.ts';
import type { Database } from './database.ts';
import { fromOutboxTable } from './outbox-rows.ts';
import type { AlertOutboxTable } from './schema.ts';
import { toTrustTable, trustUpsert } from './trust-row.ts';
import { toNumber, whole } from './values.ts';

type Change = Partial<{
  [Column in 'state' | 'error']: AlertOutboxTable[Column];
}> & { attempts?: number; next_at_ms?: number; settled_at_ms?: number | null };

export function createOutboxStore(database: Database): OutboxStore {
  const trustRow = trustUpsert();
  const change = (key: OutboxKey, values: Change, trust?: TrustRow): Promise<void> =>
    database.write(trust ? 'power-cut' : 'crash', async (tx) => {
      await tx
        .updateTable('alert_outbox')
        .set(values)
        .where('alert', '=', key.alert)
        .where('destination', '=', key.destination)
        .execute();
      if (trust) await trustRow.run(tx, [toTrustTable(trust)]);
    });
  return {
    ...reads(database),
    postpone: (key, attempts, nextAtMs, error) =>
      change(key, { attempts: whole(attempts), next_at_ms: whole(nextAtMs), error }),
    settle: (key, { state, attempts, error, settledAtMs }, trust) =>
      change(key, { state, attempts: whole(attempts), error, settled_at_ms: whole(settledAtMs) }, trust),
    revive: (key, nextAtMs, trust) =>
      change(key, { state: 'pending', attempts: 0, next_at_ms: whole(nextAtMs), settled_at_ms: null }, trust),
    prune: (beforeMs) =>
      database.write('crash', async (tx) => {
        await tx
          .deleteFrom('alert_outbox')
          .where('state', '!=', 'pending')
          .where('settled_at_ms', '<', BigInt(whole(beforeMs)))
          .execute();
      }),
  };
}

function reads(database: Database): Pick<OutboxStore, 'waiting' | 'known' | 'list' | 'count'> {
  return {
    waiting: () =>
      database.read(async (db) => {
        const rows = db.selectFrom('alert_outbox').selectAll().where('state', '=', 'pending');
        return (await rows.orderBy('at_ms').orderBy('alert').execute()).map(fromOutboxTable);
      }),
    known: () =>
      database.read(async (db) => {
        const rows = await db
          .selectFrom('alert_outbox')
          .select(['alert', 'destination', 'fold', 'at_ms'])
          .execute();
        return rows.map((row) => ({
          alert: row.alert,
          destination: row.destination,
          fold: row.fold,
          atMs: toNumber(row.at_ms),
        }));
      }),
    list: ({ state, destination, limit }) =>
      database.read(async (db) => {
        let rows = db.selectFrom('alert_outbox').selectAll().limit(whole(limit));
        if (state !== undefined) rows = rows.where('state', '=', state);
        if (destination !== undefined) rows = rows.where('destination', '=', destination);
        const found = await rows.orderBy('at_ms', 'desc').orderBy('alert').orderBy('destination').execute();
        return found.map(fromOutboxTable);
      }),
    count: () =>
      database.read(async (db) => {
        const counted = await db
          .selectFrom('alert_outbox')
          .select((eb) => ['destination', 'state', eb.fn.countAll<bigint>().as('rows')])
          .groupBy(['destination', 'state'])
          .execute();
        return counted.map(({ destination, state, rows }) => ({ destination, state, rows: toNumber(rows) }));
      }),
  };
}
