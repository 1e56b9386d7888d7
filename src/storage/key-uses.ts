/** The newest call of each provider key version, kept beside the audit index. */
import type { Insertable, Kysely } from 'kysely';
import type { IndexRow, KeyUse } from '../audit/store.ts';
import { BulkWrite } from './bulk-write.ts';
import type { KeyUsesTable, Schema } from './schema.ts';
import { toNumber, whole } from './values.ts';

/** One row a key, however many calls there are. */
export function keyUsesOf(rows: readonly IndexRow[]): Insertable<KeyUsesTable>[] {
  const newest = new Map<string, IndexRow>();
  for (const row of rows) {
    if (row.action !== 'call' || row.keyId === null) continue;
    const known = newest.get(row.keyId);
    if (!known || row.atMs >= known.atMs) newest.set(row.keyId, row);
  }
  return [...newest].map(([keyId, { atMs, tokenId, team }]) => ({
    key_id: keyId,
    at_ms: whole(atMs),
    token_id: tokenId,
    team,
  }));
}

/** A call that is older than the one on record changes nothing: ends of calls come in any order. */
export function upsertKeyUses(): BulkWrite<Insertable<KeyUsesTable>> {
  return new BulkWrite((tx, rows) =>
    tx
      .insertInto('key_uses')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .column('key_id')
          .doUpdateSet((eb) => ({
            at_ms: eb.ref('excluded.at_ms'),
            token_id: eb.ref('excluded.token_id'),
            team: eb.ref('excluded.team'),
          }))
          .whereRef('excluded.at_ms', '>=', 'key_uses.at_ms'),
      )
      .compile(),
  );
}

export async function readKeyUse(db: Kysely<Schema>, keyId: string): Promise<KeyUse | null> {
  const row = await db.selectFrom('key_uses').selectAll().where('key_id', '=', keyId).executeTakeFirst();
  return row ? { atMs: toNumber(row.at_ms), tokenId: row.token_id, team: row.team } : null;
}
