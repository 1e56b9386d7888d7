/** What every RecordStore promises. */
import { describe, expect, test } from 'bun:test';
import { RECORD_KINDS } from '../../src/records/store.ts';
import { UNICODE, bytes, record, rejection, trust, withStorage, type OpenStorage } from './fixtures.ts';

export function recordStoreContract(open: OpenStorage): void {
  describe('record store', () => {
    test('an empty store has neither records nor a trust row', async () => {
      await withStorage(open, async ({ records }) => {
        expect(await records.loadRecords()).toEqual([]);
        expect(await records.loadTrust()).toBeNull();
      });
    });

    test('every field comes back as it was written', async () => {
      await withStorage(open, async ({ records }) => {
        const rows = RECORD_KINDS.map((kind, index) =>
          record(`${String(index).padStart(3, '0')} ${UNICODE}`, {
            kind,
            revision: Number.MAX_SAFE_INTEGER - index,
            body: JSON.stringify({ text: UNICODE, big: '9223372036854775807' }),
            sealed: index === 0 ? null : bytes(256 * index, index),
            mac: bytes(36, index),
          }),
        );
        const row = trust(Number.MAX_SAFE_INTEGER, {
          stream: UNICODE,
          segment: Number.MAX_SAFE_INTEGER,
          offset: Number.MAX_SAFE_INTEGER,
        });
        await records.commitRecords(rows, row);
        const byKind = (await records.loadRecords()).toSorted((a, b) => a.id.localeCompare(b.id));
        expect(byKind).toEqual(rows);
        expect(await records.loadTrust()).toEqual(row);
      });
    });

    test('no sealed bytes and zero sealed bytes stay different', async () => {
      await withStorage(open, async ({ records }) => {
        const rows = [record('a', { sealed: null }), record('b', { sealed: new Uint8Array(0) })];
        await records.commitRecords(rows, trust(1));
        expect(await records.loadRecords()).toEqual(rows);
      });
    });

    test('a row replaces the one of its kind and id, and no other', async () => {
      await withStorage(open, async ({ records }) => {
        const team = record('same-id', { kind: 'team' });
        await records.commitRecords([team, record('same-id'), record('other')], trust(1));
        const changed = record('same-id', {
          revision: 2,
          body: '{"state":"revoked"}',
          sealed: bytes(8),
          mac: bytes(36, 2),
        });
        await records.commitRecords([changed], trust(2));
        expect(await records.loadRecords()).toEqual([team, record('other'), changed]);
        await records.commitRecords([record('same-id', { revision: 3, sealed: null })], trust(3));
        expect((await records.loadRecords()).at(-1)).toEqual(record('same-id', { revision: 3 }));
      });
    });

    test('of two rows for one record in a commit the last one counts', async () => {
      await withStorage(open, async ({ records }) => {
        await records.commitRecords([record('a'), record('a', { revision: 2 })], trust(1));
        expect(await records.loadRecords()).toEqual([record('a', { revision: 2 })]);
      });
    });

    test('records come sorted by kind and id, however they were written', async () => {
      await withStorage(open, async ({ records }) => {
        const ids = Array.from({ length: 150 }, (_, index) => String(index).padStart(3, '0'));
        await records.commitRecords(
          ids.toReversed().map((id) => record(id)),
          trust(1),
        );
        expect((await records.loadRecords()).map((row) => row.id)).toEqual(ids);
      });
    });

    test('a commit without rows still moves the one trust row', async () => {
      await withStorage(open, async ({ records }) => {
        await records.commitRecords([], trust(1));
        await records.commitRecords([], trust(2));
        expect(await records.loadTrust()).toEqual(trust(2));
      });
    });

    test.each([
      ['a row', [record('new'), record('bad', { revision: 0 })], trust(2)],
      ['a fraction', [record('new'), record('bad', { revision: 1.5 })], trust(2)],
      ['the trust row', [record('new')], trust(2, { hash: bytes(31) })],
      ['a negative offset', [record('new')], trust(2, { offset: -1 })],
    ])('when %s is refused, neither rows nor the trust row change', async (_, rows, row) => {
      await withStorage(open, async ({ records }) => {
        await records.commitRecords([record('old')], trust(1));
        await rejection(records.commitRecords(rows, row));
        expect(await records.loadRecords()).toEqual([record('old')]);
        expect(await records.loadTrust()).toEqual(trust(1));
        await records.commitRecords([record('later')], trust(3));
        expect(await records.loadTrust()).toEqual(trust(3));
      });
    });

    test('concurrent commits run one after the other, in the order of asking', async () => {
      await withStorage(open, async ({ records }) => {
        const commits = Array.from({ length: 50 }, (_, index) =>
          records.commitRecords(
            [record('shared', { revision: index + 1 }), record(`own-${index}`)],
            trust(index),
          ),
        );
        await Promise.all(commits);
        const rows = await records.loadRecords();
        expect(rows).toHaveLength(51);
        expect(rows.find((row) => row.id === 'shared')?.revision).toBe(50);
        expect(await records.loadTrust()).toEqual(trust(49));
      });
    });

    test('a failing commit between two others takes neither of them with it', async () => {
      await withStorage(open, async ({ records }) => {
        const first = records.commitRecords([record('a')], trust(1));
        const failing = rejection(records.commitRecords([record('b', { revision: 0 })], trust(2)));
        const last = records.commitRecords([record('c')], trust(3));
        await Promise.all([first, failing, last]);
        expect((await records.loadRecords()).map((row) => row.id)).toEqual(['a', 'c']);
      });
    });

    test('what was loaded is not changed by later commits', async () => {
      await withStorage(open, async ({ records }) => {
        await records.commitRecords([record('a', { sealed: bytes(8) })], trust(1));
        const [before] = await records.loadRecords();
        await records.commitRecords([record('a', { sealed: bytes(8, 9) })], trust(2));
        expect(before?.sealed).toEqual(bytes(8));
      });
    });
  });
}
