/** A data folder whose keyring gets a second term between two starts, with calls that a dead process left open. */
import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { readRootKeyFile } from '../../src/vault/kek/file.ts';
import { RootKey } from '../../src/vault/kek/root-key.ts';
import { inspect, killAt, openLab } from '../support/crash-lab.ts';
import { nextTerm } from '../support/test-keyring.ts';

function addSecondTerm(data: string): void {
  const database = new Database(join(data, 'sallyport.db'), { strict: true });
  const { instance } = database.query('select instance from instance').get() as { instance: string };
  const rootKey = RootKey.take(readRootKeyFile(join(data, 'root.key'), { create: false }), 'test');
  const { term, wrapped, createdAtMs } = nextTerm(rootKey, instance, 2);
  database
    .query('insert into keyring_terms (term, wrapped, created_at_ms) values (?, ?, ?)')
    .run(term, wrapped, createdAtMs);
  database.close();
}

test('what the first term vouched for opens, is recovered, changed and guarded under the second', async () => {
  await using lab = await openLab('1');
  const data = lab.freshData();
  const start = (folder: string) =>
    startApp(readConfig({ data: folder, port: '0', adminPort: '0' }, { SALLYPORT_LOG_LEVEL: 'error' }));
  await killAt(lab, data, 'after-send', 20);
  addSecondTerm(data);
  // Dies once more with the new term, when some of the open calls are charged and others are not.
  await killAt(lab, data, 'in-recovery', 1);
  const app = await start(data);
  const after = inspect(data, lab.fake);
  expect(after).toMatchObject({ chainIntact: true, openCalls: [], unrecorded: [], twice: [] });
  expect(after.recovered).toBeGreaterThan(0);
  expect(app.ledger.view('team-acme-month').spentPicoUsd).toBe(after.spentPicoUsd as never);
  // Token and key are older than the term.
  const status = async (url: string): Promise<number> => {
    const headers = { authorization: `Bearer ${lab.token}` };
    return (await fetch(`${url}/openai/v1/models`, { headers })).status;
  };
  expect(await status(app.gatewayUrl)).toBe(200);
  await app.stop('test');

  const before = `${data}-before`;
  cpSync(data, before, { recursive: true });
  const again = await start(data);
  await again.tokens.revoke('local', lab.tokenId, null);
  await again.stop('test');
  const last = await start(data);
  expect(await status(last.gatewayUrl)).toBe(401);
  await last.stop('test');

  // The row of before the revocation has a good MAC, of the older term.
  const old = new Database(join(before, 'sallyport.db'), { readonly: true, strict: true });
  const row = old.query("select body, revision, mac from records where kind = 'token'").get() as {
    body: string;
    revision: number;
    mac: Uint8Array;
  };
  old.close();
  const database = new Database(join(data, 'sallyport.db'), { strict: true });
  const put = database.query("update records set body = ?, revision = ?, mac = ? where kind = 'token'");
  expect(put.run(row.body, row.revision, row.mac).changes).toBe(1);
  database.close();
  expect(await start(data).catch((error: unknown) => error)).toMatchObject({ code: 'store.tampered' });
  rmSync(before, { recursive: true, force: true });
});
