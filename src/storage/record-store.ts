/** Control-plane records in tables. A commit survives a power cut before it is answered. */
import type { Insertable, Selectable } from 'kysely';
import type { RecordRow, RecordStore } from '../records/store.ts';
import { BulkWrite } from './bulk-write.ts';
import type { Database } from './database.ts';
import type { RecordsTable } from './schema.ts';
import { readTrust, toTrustTable, trustUpsert } from './trust-row.ts';
import { toNumber, whole } from './values.ts';

export function createRecordStore(database: Database): RecordStore {
  const upsert = new BulkWrite<Insertable<RecordsTable>>((tx, rows) =>
    tx
      .insertInto('records')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['kind', 'id']).doUpdateSet((eb) => ({
          revision: eb.ref('excluded.revision'),
          body: eb.ref('excluded.body'),
          sealed: eb.ref('excluded.sealed'),
          mac: eb.ref('excluded.mac'),
        })),
      )
      .compile(),
  );
  const trustRow = trustUpsert();
  return {
    loadRecords: () =>
      database.read(async (db) => {
        const rows = await db.selectFrom('records').selectAll().orderBy('kind').orderBy('id').execute();
        return rows.map(fromTable);
      }),
    loadTrust: () => database.read(readTrust),
    commitRecords: (rows, trust) =>
      database.write('power-cut', async (tx) => {
        await upsert.run(tx, rows.map(toTable));
        await trustRow.run(tx, [toTrustTable(trust)]);
      }),
  };
}

function toTable(row: RecordRow): Insertable<RecordsTable> {
  return {
    kind: row.kind,
    id: row.id,
    revision: whole(row.revision),
    body: row.body,
    sealed: row.sealed,
    mac: row.mac,
  };
}

function fromTable(row: Selectable<RecordsTable>): RecordRow {
  return {
    kind: row.kind,
    id: row.id,
    revision: toNumber(row.revision),
    body: row.body,
    sealed: row.sealed,
    mac: row.mac,
  };
}
