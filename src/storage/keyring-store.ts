/** The instance row and the wrapped terms in tables. A commit survives a power cut before it is answered. */
import { SallyportError } from '../core/errors.ts';
import type { KeyringStore } from '../vault/store.ts';
import type { Database } from './database.ts';
import { toNumber, whole } from './values.ts';

export function createKeyringStore(database: Database): KeyringStore {
  return {
    loadInstance: () =>
      database.read(async (db) => {
        const row = await db.selectFrom('instance').selectAll().executeTakeFirst();
        if (!row) return null;
        return {
          instance: row.instance,
          rootFingerprint: row.root_fingerprint,
          rootCheck: row.root_check,
          rootKdf: row.root_kdf,
          createdAtMs: toNumber(row.created_at_ms),
        };
      }),
    loadTerms: () =>
      database.read(async (db) => {
        const rows = await db.selectFrom('keyring_terms').selectAll().orderBy('term').execute();
        return rows.map((row) => ({
          term: toNumber(row.term),
          wrapped: row.wrapped,
          createdAtMs: toNumber(row.created_at_ms),
        }));
      }),
    createInstance: (instance, term) =>
      database.write('power-cut', async (tx) => {
        const existing = await tx.selectFrom('instance').select('instance').executeTakeFirst();
        if (existing) {
          throw new SallyportError('conflict', 'This database already belongs to an installation.', {
            detail: `instance ${existing.instance}`,
            fix: 'Start with the root key of that installation, or choose another data folder.',
          });
        }
        await tx
          .insertInto('instance')
          .values({
            id: 1,
            instance: instance.instance,
            root_fingerprint: instance.rootFingerprint,
            root_check: instance.rootCheck,
            root_kdf: instance.rootKdf,
            created_at_ms: whole(instance.createdAtMs),
          })
          .execute();
        await tx
          .insertInto('keyring_terms')
          .values({
            term: whole(term.term),
            wrapped: term.wrapped,
            created_at_ms: whole(term.createdAtMs),
          })
          .execute();
      }),
  };
}
