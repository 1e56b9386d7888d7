import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endedCall } from '../admin/test-rig.ts';
import { openStorage, type Storage } from './storage.ts';

let folder: string;
let storage: Storage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-snapshot-'));
  storage = await openStorage({ file: join(folder, 'live.db') });
});
afterEach(async () => {
  await storage.close();
  rmSync(folder, { recursive: true });
});

const ROWS = 40;

/** One transaction: rows, and the number of all rows so far as the position. */
function commit(batch: number): Promise<void> {
  const rows = Array.from({ length: ROWS }, (_, index) => endedCall({ id: `req_${batch}_${index}` }));
  const seq = (batch + 1) * ROWS;
  const hash = new Uint8Array(32);
  const trust = { stream: 'n1@000001', seq, hash, segment: 1, offset: seq, mac: new Uint8Array(36) };
  return storage.index.commitIndex({ rows, statuses: [], pseudonyms: [], outbox: [], trust });
}

test('a snapshot taken while rows come holds one moment: as many rows as its own position says', async () => {
  for (let batch = 0; batch < 100; batch += 1) await commit(batch);
  let over = false;
  let committed = 100;
  const writer = (async () => {
    for (; !over; committed += 1) {
      await commit(committed);
      await Bun.sleep(0);
    }
  })();
  const target = join(folder, 'copy.db');
  await storage.snapshot(target);
  const atEnd = committed;
  over = true;
  await writer;

  expect(atEnd).toBeGreaterThan(100);
  expect(statSync(target).mode & 0o777).toBe(0o600);
  const copy = new Database(target, { readonly: true });
  const { count } = copy.query('select count(*) as count from audit_index').get() as { count: number };
  expect(copy.query('select seq from trust').get()).toEqual({ seq: count });
  expect(count).toBeGreaterThanOrEqual(100 * ROWS);
  expect(copy.query('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' });
  copy.close();
});

test('a snapshot replaces what a dead process left, takes no triggers along, and leaves nothing when it fails', async () => {
  await commit(0);
  const edited = new Database(join(folder, 'live.db'));
  edited.run('create trigger sly after insert on records begin select 1; end');
  edited.close();
  const target = join(folder, 'copy.db');
  writeFileSync(target, 'half a snapshot');
  await storage.snapshot(target);
  const copy = new Database(target, { readonly: true });
  expect(copy.query("select name from sqlite_schema where type = 'trigger'").all()).toEqual([]);
  copy.close();
  const nowhere = join(folder, 'no', 'folder.db');
  expect(await storage.snapshot(nowhere).catch((error: unknown) => error)).toMatchObject({
    code: 'store.unavailable',
  });
  expect(existsSync(nowhere)).toBe(false);
});
