import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryIndex } from '../../test/support/memory-index.ts';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import type { EntryBody } from '../audit/entry.ts';
import { otherRow } from '../audit/index-rows.ts';
import { silentLog } from '../core/log.ts';
import { Secret } from '../core/secret.ts';
import { Trust } from '../records/trust.ts';
import { openStorage, type Storage } from '../storage/storage.ts';
import { Vault } from '../vault/vault.ts';
import { Directory } from './directory.ts';
import { AlertOutbox } from './outbox.ts';
import { ownersIn } from './owners.ts';
import { Watch } from './watch.ts';

const DAY_MS = 86_400_000;
let storage: Storage;
beforeEach(async () => {
  storage = await openStorage({ file: ':memory:' });
});
afterEach(() => storage.close());

test('what the journal says already is not said again by the next process: old keys and a low disk', async () => {
  const store = new MemoryStore();
  const keyring = await testKeyring(store);
  const { book } = await openMemoryBook(store, keyring);
  const clock = new ManualClock();
  const resolve = () => Promise.resolve(['93.184.215.14']);
  const vault = new Vault({ keyring, book, clock, resolve });
  using key = Secret.fromText(['g', 'sk_', 'x'.repeat(40)].join(''));
  await vault.addKey(
    'local',
    { name: 'groq', provider: 'groq', origin: 'https://api.groq.com', environment: 'prod' },
    key,
  );
  const index = new MemoryIndex();
  const authenticator = keyring.authenticator('row-mac');
  let seq = 0;

  /** A process that starts, looks once, and ends. Returns what it put on record. */
  const process = async (diskFreeBytes: number): Promise<string[]> => {
    const recorded: EntryBody[] = [];
    const directory = new Directory({ book, keyring, clock, resolve });
    const outbox = new AlertOutbox(
      { instance: 'i', authenticator, owners: ownersIn(book), directory },
      [],
      [],
    );
    const query = ({ action, limit }: { action?: string; limit: number }) =>
      Promise.resolve(
        [...index.rows.values()]
          .filter((row) => row.action === action)
          .toReversed()
          .slice(0, limit),
      );
    const watch = await Watch.open({
      instance: 'i',
      directory,
      outbox,
      store: storage.outbox,
      trust: Trust.open(authenticator, null, { records: [], statuses: [] }),
      index: { query },
      vault,
      send: () => Promise.resolve({ delivered: true, error: null, retryAfterMs: null }),
      clock,
      steadyClock: clock,
      log: silentLog,
      record: (entry) => recorded.push(entry),
      settings: {
        data: import.meta.dir,
        authFailures: 0,
        keyAgeDays: new Map([
          ['*', 900],
          ['prod', 90],
        ]),
        diskFreeBytes,
      },
    });
    watch.start();
    await watch.stop();
    for (const entry of recorded) {
      seq += 1;
      const at = new Date(clock.wallMs()).toISOString();
      const position = { stream: 'n1@000001', seq, hash: Buffer.alloc(32), segment: 1, offset: seq };
      const row = otherRow(Object.assign({ seq, at }, entry), position);
      index.rows.set(row.id, row);
    }
    clock.pass(1000);
    return recorded.map((entry) => ('stage' in entry ? `${entry.action} ${entry.stage}` : entry.action));
  };

  const everything = 2 ** 60;
  expect(await process(1)).toEqual([]);
  expect(await process(everything)).toEqual(['disk.low']);
  clock.pass(80 * DAY_MS);
  expect(await process(everything)).toEqual(['key.age soon']);
  expect(await process(everything)).toEqual([]);
  clock.pass(20 * DAY_MS);
  expect(await process(1)).toEqual(['key.age due', 'disk.recovered']);
  expect(await process(1)).toEqual([]);
  expect(await process(everything)).toEqual(['disk.low']);
});
