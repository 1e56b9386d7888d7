/** What every OutboxStore promises: a row comes with the entries it is about, and changes state only together with the trust row. */
import { describe, expect, test } from 'bun:test';
import type { OutboxRow } from '../../src/audit/store.ts';
import type { OutboxItem } from '../../src/watch/store.ts';
import { batch, bytes, call, rejection, trust, UNICODE, withStorage, type OpenStorage } from './fixtures.ts';

function row(alert: string, change: Partial<OutboxRow> = {}): OutboxRow {
  return {
    alert,
    destination: 'dst_a',
    type: 'budget.paused',
    atMs: 1_763_700_000_000,
    fold: null,
    payload: JSON.stringify({ summary: UNICODE }),
    mac: bytes(36, 3),
    ...change,
  };
}

const FRESH = { state: 'pending', attempts: 0, error: null, settledAtMs: null } as const;
const item = (one: OutboxRow, change: Partial<OutboxItem> = {}): OutboxItem => ({
  ...one,
  ...FRESH,
  nextAtMs: one.atMs,
  ...change,
});
const settled = (state: 'delivered' | 'dead', settledAtMs = 77) => ({
  state,
  attempts: 3,
  error: `why ${UNICODE}`,
  settledAtMs,
});

export function outboxStoreContract(open: OpenStorage): void {
  describe('outbox store', () => {
    test('rows come back as they were written, waiting from the time of their event on', async () => {
      await withStorage(open, async ({ index, outbox }) => {
        const rows = [
          row('b', { fold: `fold ${UNICODE}`, atMs: 20 }),
          row('a', { atMs: 20, destination: 'dst_b' }),
          row('c', { atMs: 10 }),
        ];
        await index.commitIndex(batch({ outbox: rows, trust: trust(4) }));
        expect(await outbox.waiting()).toEqual([rows[2]!, rows[1]!, rows[0]!].map((one) => item(one)));
        const known = rows.map(({ alert, destination, fold, atMs }) => ({ alert, destination, fold, atMs }));
        expect((await outbox.known()).toSorted((a, b) => a.alert.localeCompare(b.alert))).toEqual([
          known[1]!,
          known[0]!,
          known[2]!,
        ]);
      });
    });

    test('a row that is there already fails the whole commit: the same alert is never made twice', async () => {
      await withStorage(open, async ({ index, outbox, records }) => {
        await index.commitIndex(batch({ outbox: [row('a')], trust: trust(1) }));
        const again = batch({ rows: [call('req_1')], outbox: [row('b'), row('a')], trust: trust(2) });
        expect((await rejection(index.commitIndex(again))).code).toBe('store.unavailable');
        expect((await outbox.known()).map(({ alert }) => alert)).toEqual(['a']);
        expect([await index.findCalls(['req_1']), await records.loadTrust()]).toEqual([[], trust(1)]);
        // To another destination it is another row.
        await index.commitIndex(batch({ outbox: [row('a', { destination: 'dst_b' })] }));
        expect(await outbox.waiting()).toHaveLength(2);
      });
    });

    test('a failed try is kept; what is settled waits no more, and its trust row is written with it', async () => {
      await withStorage(open, async ({ index, outbox, records }) => {
        await index.commitIndex(batch({ outbox: [row('a'), row('b'), row('c')], trust: trust(1) }));
        await outbox.postpone(row('a'), 2, 99, 'status 503');
        expect(await records.loadTrust()).toEqual(trust(1));
        await outbox.settle(row('b'), settled('delivered'), trust(2));
        await outbox.settle(row('c'), settled('dead'), trust(3));
        expect(await records.loadTrust()).toEqual(trust(3));
        expect(await outbox.waiting()).toEqual([
          item(row('a'), { attempts: 2, nextAtMs: 99, error: 'status 503' }),
        ]);
        expect(await outbox.list({ state: 'dead', limit: 9 })).toEqual([item(row('c'), settled('dead'))]);
        await outbox.revive(row('c'), 500, trust(4));
        const { error } = settled('dead');
        expect((await outbox.waiting())[1]).toEqual(item(row('c'), { nextAtMs: 500, error }));
        expect(await records.loadTrust()).toEqual(trust(4));
      });
    });

    test('a settlement whose trust row is refused is undone', async () => {
      await withStorage(open, async ({ index, outbox, records }) => {
        await index.commitIndex(batch({ outbox: [row('a')], trust: trust(1) }));
        const bad = trust(2, { hash: bytes(31) });
        expect((await rejection(outbox.settle(row('a'), settled('delivered'), bad))).code).toBe(
          'store.unavailable',
        );
        expect(await outbox.waiting()).toHaveLength(1);
        expect(await records.loadTrust()).toEqual(trust(1));
      });
    });

    test('a list is newest first, of a state and a destination, and as long as asked for; counts are by both', async () => {
      await withStorage(open, async ({ index, outbox }) => {
        const rows = [1, 2, 3, 4].map((atMs) =>
          row(`alert-${atMs}`, { atMs, destination: `dst_${atMs % 2}` }),
        );
        await index.commitIndex(batch({ outbox: rows }));
        await outbox.settle(rows[0]!, settled('delivered'), trust(2));
        const ids = async (filter: object) =>
          (await outbox.list({ limit: 9, ...filter })).map(({ atMs }) => atMs);
        expect(await ids({})).toEqual([4, 3, 2, 1]);
        expect(await ids({ limit: 2 })).toEqual([4, 3]);
        expect(await ids({ state: 'pending', destination: 'dst_1' })).toEqual([3]);
        const counts = (await outbox.count()).map(
          ({ destination, state, rows: count }) => `${destination} ${state} ${count}`,
        );
        expect(counts.toSorted()).toEqual(['dst_0 pending 2', 'dst_1 delivered 1', 'dst_1 pending 1']);
      });
    });

    test('old rows are deleted once they are settled, and those that wait never', async () => {
      await withStorage(open, async ({ index, outbox }) => {
        await index.commitIndex(batch({ outbox: ['a', 'b', 'c'].map((alert) => row(alert, { atMs: 1 })) }));
        await outbox.settle(row('a'), settled('delivered', 10), trust(2));
        await outbox.settle(row('b'), settled('dead', 20), trust(3));
        await outbox.prune(20);
        expect((await outbox.known()).map(({ alert }) => alert).toSorted()).toEqual(['b', 'c']);
      });
    });
  });
}
