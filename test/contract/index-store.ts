/** What every IndexStore promises about what is written and found again. Sums are in usage-contract.ts. */
import { describe, expect, test } from 'bun:test';
import type { IndexBatch, IndexFilter, IndexRow } from '../../src/audit/store.ts';
import {
  ABOVE_2_53,
  INT64_MAX,
  UNICODE,
  batch,
  bytes,
  call,
  openCall,
  pseudonym,
  rejection,
  status,
  trust,
  withStorage,
  type OpenStorage,
} from './fixtures.ts';
import { usageContract } from './usage-contract.ts';

const NEWEST: IndexFilter = { limit: 1_000 };

/** A row in which every field differs from every other. */
const FULL_ROW: IndexRow = {
  id: 'req_full',
  stream: `stream ${UNICODE}`,
  seq: Number.MAX_SAFE_INTEGER,
  atMs: Number.MAX_SAFE_INTEGER - 1,
  action: 'call',
  principal: `principal ${UNICODE}`,
  userId: `user ${UNICODE}`,
  team: `team ${UNICODE}`,
  project: `project ${UNICODE}`,
  environment: `environment ${UNICODE}`,
  tokenId: 'token',
  resource: 'resource',
  provider: 'provider',
  model: `model ${UNICODE}`,
  keyId: 'key',
  address: 'address',
  promptTokens: Number.MAX_SAFE_INTEGER - 2,
  completionTokens: Number.MAX_SAFE_INTEGER - 3,
  cachedTokens: Number.MAX_SAFE_INTEGER - 4,
  costPicoUsd: INT64_MAX,
  boundPicoUsd: ABOVE_2_53,
  overrunPicoUsd: ABOVE_2_53 + 1n,
  basis: 'delivered',
  latencyMs: 0.125,
  result: 'error',
  errorCode: 'upstream.timeout',
  charges: JSON.stringify([{ budget: UNICODE, period: 'total' }]),
  metadata: JSON.stringify({ note: UNICODE }),
};

const NULL_ROW: IndexRow = {
  ...call('node@boot1#7', { action: 'budget.alert', promptTokens: 0, completionTokens: 0, costPicoUsd: 0n }),
  principal: null,
  userId: null,
  team: null,
  project: null,
  environment: null,
  tokenId: null,
  resource: null,
  provider: null,
  model: null,
  keyId: null,
  address: null,
  basis: null,
  latencyMs: null,
  result: null,
  errorCode: null,
};

export function indexStoreContract(open: OpenStorage): void {
  describe('index store', () => {
    roundTrips(open);
    refusals(open);
    reads(open);
    filters(open);
    usageContract(open);
  });
}

function roundTrips(open: OpenStorage): void {
  test('every field of a call comes back as it was written, amounts to the last digit', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(batch({ rows: [FULL_ROW, NULL_ROW] }));
      expect(await index.findCalls([FULL_ROW.id])).toEqual([FULL_ROW]);
      expect(await index.findCalls([NULL_ROW.id])).toEqual([NULL_ROW]);
      expect(await index.query(NEWEST)).toEqual([FULL_ROW, NULL_ROW]);
    });
  });

  test('budget states, pseudonyms and the trust row come back as they were written', async () => {
    await withStorage(open, async ({ index, records }) => {
      const statuses = [
        status('a', {
          spentPicoUsd: INT64_MAX,
          overrunPicoUsd: ABOVE_2_53,
          alertedPercent: 95,
          exhausted: true,
          mac: bytes(36, 1),
        }),
        status('b', { spentPicoUsd: ABOVE_2_53, paused: true, period: 'total' }),
        status(`c ${UNICODE}`),
      ];
      const pseudonyms = [
        pseudonym('u_1', { value: UNICODE, salt: bytes(32, 5) }),
        pseudonym('a_1', { kind: 'address', value: '2001:db8::1' }),
      ];
      await index.commitIndex(batch({ statuses, pseudonyms, trust: trust(9) }));
      expect(await index.loadStatuses()).toEqual(statuses);
      expect(await index.pseudonyms(['u_1'])).toEqual(pseudonyms.slice(0, 1));
      expect(await index.pseudonyms(['a_1'])).toEqual(pseudonyms.slice(1));
      expect(await records.loadTrust()).toEqual(trust(9));
    });
  });

  test('a call written at its start is replaced whole by its end', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(batch({ rows: [openCall(FULL_ROW.id), openCall('other')] }));
      await index.commitIndex(batch({ rows: [FULL_ROW] }));
      expect(await index.findCalls([FULL_ROW.id])).toEqual([FULL_ROW]);
      expect(await index.findCalls(['other'])).toEqual([openCall('other')]);
      await index.commitIndex(batch({ rows: [{ ...NULL_ROW, id: FULL_ROW.id }] }));
      expect(await index.findCalls([FULL_ROW.id])).toEqual([{ ...NULL_ROW, id: FULL_ROW.id }]);
    });
  });

  test('of two rows for one call in a batch the last one counts', async () => {
    await withStorage(open, async ({ index }) => {
      const filler = Array.from({ length: 70 }, (_, position) => call(`filler-${position}`));
      const rows = [openCall('a'), call('a'), openCall('b'), ...filler, call('b')];
      await index.commitIndex(batch({ rows, statuses: [status('x'), status('x', { paused: true })] }));
      expect(await index.findCalls(['a'])).toEqual([call('a')]);
      expect(await index.findCalls(['b'])).toEqual([call('b')]);
      expect(await index.loadStatuses()).toEqual([status('x', { paused: true })]);
    });
  });

  test('a budget state replaces the one of its budget; a pseudonym never does', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(
        batch({ statuses: [status('a'), status('b')], pseudonyms: [pseudonym('u_1')] }),
      );
      const changed = status('a', { period: '2026-12', spentPicoUsd: 7n, mac: bytes(36, 3) });
      const second = pseudonym('u_1', { value: 'someone else' });
      await index.commitIndex(batch({ statuses: [changed], pseudonyms: [second, pseudonym('u_2')] }));
      expect(await index.loadStatuses()).toEqual([changed, status('b')]);
      expect(await index.pseudonyms(['u_1'])).toEqual([pseudonym('u_1')]);
      expect(await index.pseudonyms(['u_2'])).toEqual([pseudonym('u_2')]);
    });
  });

  test.each([0, 1, 7, 8, 9, 63, 64, 65, 250, 513])('a batch of %d rows is written whole', async (count) => {
    await withStorage(open, async ({ index }) => {
      const rows = Array.from({ length: count }, (_, seq) => call(`req_${seq}`, { seq }));
      const statuses = rows.map((row) => status(row.id.padStart(8)));
      const pseudonyms = rows.map((row) => pseudonym(row.id));
      await index.commitIndex(batch({ rows, statuses, pseudonyms }));
      expect(await index.query(NEWEST)).toEqual(rows.toReversed());
      expect(await index.loadStatuses()).toEqual(statuses);
      expect(await index.pseudonyms(rows.map((row) => row.id))).toHaveLength(count);
    });
  });

  test('commits of the index and of records at once share the one trust row', async () => {
    await withStorage(open, async ({ index, records }) => {
      const commits = Array.from({ length: 40 }, (_, seq) =>
        seq % 2 === 0
          ? index.commitIndex(batch({ rows: [call(`req_${seq}`)], trust: trust(seq) }))
          : records.commitRecords([], trust(seq)),
      );
      await Promise.all(commits);
      expect(await index.query(NEWEST)).toHaveLength(20);
      expect(await records.loadTrust()).toEqual(trust(39));
    });
  });
}

const REFUSED: readonly (readonly [string, Partial<IndexBatch>])[] = [
  ['a cost of 2^63', { rows: [call('new'), call('bad', { costPicoUsd: INT64_MAX + 1n })] }],
  ['a cost below zero', { rows: [call('new'), call('bad', { costPicoUsd: -1n })] }],
  ['a bound of 2^64', { rows: [call('new'), call('bad', { boundPicoUsd: 2n ** 64n })] }],
  ['an overrun of 2^63', { rows: [call('new'), call('bad', { overrunPicoUsd: INT64_MAX + 1n })] }],
  ['an overrun below zero', { statuses: [status('bad', { overrunPicoUsd: -1n })] }],
  ['a spent amount of 2^63', { statuses: [status('new'), status('bad', { spentPicoUsd: INT64_MAX + 1n })] }],
  ['a spent amount below zero', { statuses: [status('bad', { spentPicoUsd: -1n })] }],
  ['a negative count', { rows: [call('new'), call('bad', { promptTokens: -1 })] }],
  ['a fraction of a token', { rows: [call('bad', { completionTokens: 0.5 })] }],
  ['a count beyond 2^53-1', { rows: [call('bad', { cachedTokens: 2 ** 53 })] }],
  ['a time that is no number', { rows: [call('bad', { atMs: Number.NaN })] }],
  ['a latency that is no number', { rows: [call('bad', { latencyMs: Number.NaN })] }],
];

function refusals(open: OpenStorage): void {
  test.each(REFUSED)('%s is refused, and nothing of its batch is written', async (_, bad) => {
    await withStorage(open, async ({ index, records }) => {
      await index.commitIndex(batch({ rows: [call('old')], statuses: [status('old')], trust: trust(1) }));
      const change = batch({ pseudonyms: [pseudonym('u_1')], rows: [call('new')], trust: trust(2), ...bad });
      expect((await rejection(index.commitIndex(change))).code).toBe('input.invalid');
      expect(await index.query(NEWEST)).toEqual([call('old')]);
      expect(await index.loadStatuses()).toEqual([status('old')]);
      expect(await index.pseudonyms(['u_1'])).toEqual([]);
      expect(await records.loadTrust()).toEqual(trust(1));
    });
  });

  test('when the last write of a batch fails, its first is undone', async () => {
    await withStorage(open, async ({ index }) => {
      const change = batch({
        rows: Array.from({ length: 100 }, (_, seq) => call(`req_${seq}`)),
        statuses: [status('a')],
        pseudonyms: [pseudonym('u_1')],
        trust: trust(1, { hash: bytes(31) }),
      });
      expect((await rejection(index.commitIndex(change))).code).toBe('store.unavailable');
      expect(await index.query(NEWEST)).toEqual([]);
      expect(await index.loadStatuses()).toEqual([]);
      expect(await index.pseudonyms(['u_1'])).toEqual([]);
      await index.commitIndex({ ...change, trust: trust(1) });
      expect(await index.query(NEWEST)).toHaveLength(100);
    });
  });

  test.each([-1, 0.5, Number.NaN])('a limit of %d is refused', async (limit) => {
    await withStorage(open, async ({ index }) => {
      expect((await rejection(index.query({ limit }))).code).toBe('input.invalid');
    });
  });
}

function reads(open: OpenStorage): void {
  test('open calls are the calls without an end, oldest first', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(
        batch({
          rows: [
            openCall('late', { atMs: 30, seq: 3 }),
            openCall('early', { atMs: 10, seq: 9 }),
            call('ended', { atMs: 15 }),
            openCall('tie-2', { atMs: 20, seq: 2 }),
            openCall('tie-1', { atMs: 20, seq: 1 }),
            { ...NULL_ROW, atMs: 5 },
            call('refused', { atMs: 6, action: 'call.refused', result: 'error' }),
          ],
        }),
      );
      expect((await index.openCalls()).map((row) => row.id)).toEqual(['early', 'tie-1', 'tie-2', 'late']);
      await index.commitIndex(batch({ rows: [call('early')] }));
      expect((await index.openCalls()).map((row) => row.id)).toEqual(['tie-1', 'tie-2', 'late']);
    });
  });

  test('of the ids asked for, those that exist are found once each', async () => {
    await withStorage(open, async ({ index }) => {
      const rows = Array.from({ length: 1_200 }, (_, seq) => call(`req_${seq}`, { seq }));
      await index.commitIndex(batch({ rows, pseudonyms: rows.map((row) => pseudonym(row.id)) }));
      const ids = [...rows.map((row) => row.id), 'req_0', 'missing'];
      const found = await index.findCalls(ids);
      expect(found.toSorted((a, b) => a.seq - b.seq)).toEqual(rows);
      expect(await index.pseudonyms(ids)).toHaveLength(1_200);
      expect(await index.findCalls([])).toEqual([]);
      expect(await index.pseudonyms([])).toEqual([]);
    });
  });

  test('rows come newest first, at one time the higher sequence number first', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(
        batch({
          rows: [
            call('b', { atMs: 20, seq: 1 }),
            call('d', { atMs: 10, seq: 9 }),
            call('a', { atMs: 20, seq: 2 }),
            call('c', { atMs: 20, seq: 1, stream: 'node@boot0' }),
          ],
        }),
      );
      const ids = async (limit: number) => (await index.query({ limit })).map((row) => row.id);
      expect(await ids(10)).toEqual(['a', 'b', 'c', 'd']);
      expect(await ids(2)).toEqual(['a', 'b']);
      expect(await ids(0)).toEqual([]);
    });
  });
}

const FILTERED: readonly (readonly [string, Partial<IndexFilter>, Partial<IndexRow>])[] = [
  ['team', { team: 'a_' }, { team: 'a_' }],
  ['environment', { environment: 'a_' }, { environment: 'a_' }],
  ['token', { tokenId: 'a_' }, { tokenId: 'a_' }],
  ['model', { model: 'a_' }, { model: 'a_' }],
  ['action', { action: 'a_' }, { action: 'a_' }],
  ['error code', { errorCode: 'a_' }, { errorCode: 'a_' }],
];

function filters(open: OpenStorage): void {
  test.each(FILTERED)('%s is compared whole and to the letter', async (_, filter, fields) => {
    await withStorage(open, async ({ index }) => {
      const near = ['ab', 'A_', 'a_ ', 'a', '%', ''].map((value, seq) =>
        call(`near-${seq}`, Object.fromEntries(Object.keys(fields).map((name) => [name, value]))),
      );
      await index.commitIndex(batch({ rows: [...near, call('hit', fields), call('none')] }));
      expect((await index.query({ ...filter, limit: 100 })).map((row) => row.id)).toEqual(['hit']);
    });
  });

  test('a call is found by its id, and by nothing like it', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(batch({ rows: [call('req_1'), call('req_12'), call('REQ_1')] }));
      expect(await index.query({ callId: 'req_1', limit: 10 })).toEqual([call('req_1')]);
      expect(await index.query({ callId: 'req_', limit: 10 })).toEqual([]);
    });
  });

  test('a result excludes the other one and open calls', async () => {
    await withStorage(open, async ({ index }) => {
      const failed = call('failed', { result: 'error', errorCode: 'upstream.timeout' });
      await index.commitIndex(batch({ rows: [call('fine'), failed, openCall('open')] }));
      expect(await index.query({ result: 'success', limit: 10 })).toEqual([call('fine')]);
      expect(await index.query({ result: 'error', limit: 10 })).toEqual([failed]);
    });
  });

  test('overruns are the calls that cost more than was held, with any other filter', async () => {
    await withStorage(open, async ({ index }) => {
      const rows = [
        call('fine'),
        call('over', { overrunPicoUsd: 1n }),
        call('far over', { overrunPicoUsd: ABOVE_2_53, team: 'other' }),
      ];
      await index.commitIndex(batch({ rows }));
      const ids = async (filter: Partial<IndexFilter>) =>
        (await index.query({ ...filter, overrun: true, limit: 10 })).map((row) => row.id).toSorted();
      expect(await ids({})).toEqual(['far over', 'over']);
      expect(await ids({ team: 'other' })).toEqual(['far over']);
    });
  });

  test('the newest call of a key is found, whatever comes later in time or in the store', () =>
    withStorage(open, async ({ index }) => {
      const of = (id: string, atMs: number, change: Partial<IndexRow> = {}): IndexRow =>
        call(id, { keyId: 'groq@1', atMs, tokenId: id, team: 'one', ...change });
      const rows = [
        of('first', 1000),
        of('last', 4000),
        of('middle', 3000),
        of('other', 9000, { keyId: 'groq@10' }),
        of('no-call', 9000, { action: 'key.rejected' }),
      ];
      await index.commitIndex(batch({ rows }));
      expect(await index.keyUse('groq@1')).toEqual({ atMs: 4000, tokenId: 'last', team: 'one' });
      await index.commitIndex(batch({ rows: [of('late end', 2000)], trust: trust(2) }));
      expect(await index.keyUse('groq@1')).toEqual({ atMs: 4000, tokenId: 'last', team: 'one' });
      await index.commitIndex(batch({ rows: [of('newest', 5000, { team: null })], trust: trust(3) }));
      expect(await index.keyUse('groq@1')).toEqual({ atMs: 5000, tokenId: 'newest', team: null });
      expect(await index.keyUse('groq@2')).toBeNull();
    }));

  test('a time range includes its start and excludes its end', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(batch({ rows: [9, 10, 19, 20].map((atMs) => call(`at-${atMs}`, { atMs })) }));
      const ids = async (filter: Partial<IndexFilter>) =>
        (await index.query({ ...filter, limit: 10 })).map((row) => row.id);
      expect(await ids({ sinceMs: 10, untilMs: 20 })).toEqual(['at-19', 'at-10']);
      expect(await ids({ sinceMs: 19 })).toEqual(['at-20', 'at-19']);
      expect(await ids({ untilMs: 10 })).toEqual(['at-9']);
    });
  });

  test('several filters must all match, and the limit counts matches only', async () => {
    await withStorage(open, async ({ index }) => {
      const rows = Array.from({ length: 60 }, (_, seq) =>
        call(`req_${seq}`, {
          seq,
          atMs: 1_000 + seq,
          team: `team-${seq % 2}`,
          model: `model-${seq % 3}`,
          environment: `env-${seq % 5}`,
        }),
      );
      await index.commitIndex(batch({ rows }));
      const filter = {
        team: 'team-1',
        model: 'model-2',
        environment: 'env-0',
        sinceMs: 1_001,
        untilMs: 1_060,
      };
      const ids = async (limit: number) => (await index.query({ ...filter, limit })).map((row) => row.seq);
      expect(await ids(10)).toEqual([35, 5]);
      expect(await ids(1)).toEqual([35]);
    });
  });
}
