/** The single trust row, written in the transaction of whatever it vouches for. */
import type { Insertable, Kysely } from 'kysely';
import type { TrustRow } from '../records/store.ts';
import { BulkWrite } from './bulk-write.ts';
import type { Schema, TrustTable } from './schema.ts';
import { toNumber, whole } from './values.ts';

export function trustUpsert(): BulkWrite<Insertable<TrustTable>> {
  return new BulkWrite((tx, rows) =>
    tx
      .insertInto('trust')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({
          stream: eb.ref('excluded.stream'),
          seq: eb.ref('excluded.seq'),
          hash: eb.ref('excluded.hash'),
          segment: eb.ref('excluded.segment'),
          byte_offset: eb.ref('excluded.byte_offset'),
          mac: eb.ref('excluded.mac'),
        })),
      )
      .compile(),
  );
}

export function toTrustTable(row: TrustRow): Insertable<TrustTable> {
  return {
    id: 1,
    stream: row.stream,
    seq: whole(row.seq),
    hash: row.hash,
    segment: whole(row.segment),
    byte_offset: whole(row.offset),
    mac: row.mac,
  };
}

export async function readTrust(db: Kysely<Schema>): Promise<TrustRow | null> {
  const row = await db.selectFrom('trust').selectAll().executeTakeFirst();
  if (!row) return null;
  return {
    stream: row.stream,
    seq: toNumber(row.seq),
    hash: row.hash,
    segment: toNumber(row.segment),
    offset: toNumber(row.byte_offset),
    mac: row.mac,
  };
}
