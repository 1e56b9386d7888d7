/** What callers with bad tokens leave on the disk, in the journal and in the database: little, however many they are. */
import { expect, test } from 'bun:test';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Indexer } from '../../src/audit/indexer.ts';
import { Pseudonyms } from '../../src/audit/pseudonyms.ts';
import { silentLog } from '../../src/core/log.ts';
import { StrangerRefusals } from '../../src/gateway/stranger-refusals.ts';
import { Trust } from '../../src/records/trust.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { eventually } from '../support/calls.ts';
import { openGate, tempFolder } from '../support/harness.ts';
import { JournalLab, readAll } from '../support/journal-lab.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { noAlerts } from '../support/memory-index.ts';
import { testKeyring } from '../support/test-keyring.ts';

const MEGABYTE = 1_000_000;
const CALLS = 1_000_000;

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** A journal and a database as the gateway has them, without what listens. */
async function openDisk(lab: JournalLab, data: string) {
  const authenticator = (await testKeyring()).authenticator('row-mac');
  const storage = await openStorage({ file: join(data, 'sallyport.db') });
  const pseudonyms = new Pseudonyms();
  const indexer = await Indexer.open({
    store: storage.index,
    trust: Trust.open(authenticator, null, { records: [], statuses: [] }),
    statuses: {
      apply: () => undefined,
      pending: () => ({ rows: [], gone: [], added: [] }),
      committed: () => undefined,
    },
    alerts: noAlerts,
    pseudonyms,
    authenticator,
    log: silentLog,
  });
  lab.onEntry = (placed) => indexer.add(placed);
  const journal = lab.open();
  await indexer.flush();
  return { journal, indexer, pseudonyms, storage };
}

test.each([
  ['one address', 1, 5000],
  ['a thousand addresses', 1000, 5000],
  ['an address of its own for each', CALLS, 5000],
  ['a thousand addresses, five minutes long', 1000, 3400],
])(
  '1,000,000 calls with bad tokens grow the disk by less than a megabyte: %s',
  async (_, addresses, perSecond) => {
    using lab = new JournalLab();
    const data = tempFolder();
    const { journal, indexer, pseudonyms, storage } = await openDisk(lab, data);
    const clock = new ManualClock();
    const strangers = new StrangerRefusals(clock, (address) => pseudonyms.commit('address', address));
    const before = bytesIn(lab.folder) + bytesIn(data);
    // As the housekeeping does, once a second.
    for (let call = 0; call < CALLS; call += 1) {
      strangers.add(`address ${call % addresses}`, call % 3 === 0 ? 'request.unknown_path' : 'token.invalid');
      if (call % perSecond !== perSecond - 1) continue;
      clock.pass(1000);
      for (const entry of strangers.take()) journal.append(entry);
      if (call % (10 * perSecond) === perSecond - 1) await indexer.flush();
    }
    for (const entry of strangers.take()) journal.append(entry);
    await indexer.flush();
    await storage.close();
    const grown = bytesIn(lab.folder) + bytesIn(data) - before;
    expect(grown).toBeGreaterThan(1000);
    expect(grown).toBeLessThan(MEGABYTE);
    const counted = readAll(lab.folder).entries.reduce(
      (sum, { entry }) => sum + (entry.action === 'auth.refused' ? entry.count : 0),
      0,
    );
    expect(counted).toBe(CALLS);
    rmSync(data, { recursive: true });
  },
);

test('a running gateway folds the calls of strangers, counts all of them, and grows by little', async () => {
  await using gate = await openGate();
  const refused = (): number =>
    gate.events('auth.refused').reduce((sum, entry) => sum + Number(entry['count']), 0);
  const before = bytesIn(gate.data);
  const call = async (n: number): Promise<number> => {
    const headers = { authorization: `Bearer ${n % 2 === 0 ? gate.token.slice(0, -1) : 'nonsense'}` };
    return (await fetch(`${gate.url}/v1/chat/completions`, { method: 'POST', headers, body: '{}' })).status;
  };
  const statuses: number[] = [];
  for (let n = 0; n < 3000; n += 100)
    statuses.push(...(await Promise.all(Array.from({ length: 100 }, (_, m) => call(n + m)))));
  expect(new Set(statuses)).toEqual(new Set([401]));
  await eventually(() => refused() === 3000, 10_000);
  expect(gate.events('auth.refused').length).toBeLessThan(100);
  await gate.app.stop('test');
  expect(bytesIn(gate.data) - before).toBeLessThan(100_000);
});
