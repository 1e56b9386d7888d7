/** What every IndexStore promises about sums. */
import { expect, test } from 'bun:test';
import type { UsageDimension } from '../../src/audit/store.ts';
import {
  INT64_MAX,
  batch,
  call,
  openCall,
  pseudonym,
  rejection,
  withStorage,
  type OpenStorage,
} from './fixtures.ts';

const ALL_TIME = [0, Number.MAX_SAFE_INTEGER] as const;

export function usageContract(open: OpenStorage): void {
  test.each([
    ['team', 'team'],
    ['token', 'tokenId'],
    ['model', 'model'],
    ['env', 'environment'],
    ['user', 'userId'],
  ] as const)('usage by %s has one row a group, and one for calls that name none', async (by, field) => {
    await withStorage(open, async ({ index }) => {
      const rows = [
        call('a1', { [field]: 'a', costPicoUsd: 5n }),
        call('a2', { [field]: 'a', costPicoUsd: 2n, result: 'error', promptTokens: 1 }),
        call('b1', { [field]: 'b', costPicoUsd: 9n }),
        call('none', { [field]: null, costPicoUsd: 0n, completionTokens: 0 }),
      ];
      await index.commitIndex(batch({ rows }));
      expect(await index.usage(by, ...ALL_TIME)).toEqual([
        { group: 'b', calls: 1, errors: 0, promptTokens: 10n, completionTokens: 20n, costPicoUsd: 9n },
        { group: 'a', calls: 2, errors: 1, promptTokens: 11n, completionTokens: 40n, costPicoUsd: 7n },
        { group: null, calls: 1, errors: 0, promptTokens: 10n, completionTokens: 0n, costPicoUsd: 0n },
      ]);
    });
  });

  test('usage counts an open call but none of its bound, and no other kind of entry', async () => {
    await withStorage(open, async ({ index }) => {
      const rows = [
        call('ended', { costPicoUsd: 5n }),
        openCall('open', { promptTokens: 99, completionTokens: 99, costPicoUsd: 99n }),
        call('refused', { action: 'call.refused', result: 'error', costPicoUsd: 99n }),
        call('other', { action: 'budget.alert', costPicoUsd: 99n }),
      ];
      await index.commitIndex(batch({ rows }));
      expect(await index.usage('team', ...ALL_TIME)).toEqual([
        { group: 'team-a', calls: 2, errors: 0, promptTokens: 10n, completionTokens: 20n, costPicoUsd: 5n },
      ]);
    });
  });

  test('usage includes the start of its range and excludes its end', async () => {
    await withStorage(open, async ({ index }) => {
      await index.commitIndex(batch({ rows: [9, 10, 19, 20].map((atMs) => call(`at-${atMs}`, { atMs })) }));
      const calls = async (since: number, until: number) =>
        (await index.usage('team', since, until)).map((row) => row.calls);
      expect(await calls(10, 20)).toEqual([2]);
      expect(await calls(0, 10)).toEqual([1]);
      expect(await calls(21, 30)).toEqual([]);
    });
  });

  test('usage by user shows the clear value while there is one, and one group for all its commitments', async () => {
    await withStorage(open, async ({ index }) => {
      const user = (id: string, userId: string) => call(id, { userId, costPicoUsd: 1n });
      const rows = [user('1', 'u_ada_1'), user('2', 'u_ada_2'), user('3', 'u_erased'), user('4', 'a_1')];
      const pseudonyms = [
        pseudonym('u_ada_1', { value: 'ada' }),
        pseudonym('u_ada_2', { value: 'ada' }),
        pseudonym('a_1', { kind: 'address', value: '192.0.2.1' }),
      ];
      await index.commitIndex(batch({ rows, pseudonyms }));
      const groups = (await index.usage('user', ...ALL_TIME)).map((row) => [row.group, row.calls]);
      expect(groups).toEqual([
        ['ada', 2],
        ['a_1', 1],
        ['u_erased', 1],
      ]);
    });
  });

  test('sums are exact, also beyond what a float or an int64 holds', async () => {
    await withStorage(open, async ({ index }) => {
      const rows = Array.from({ length: 5 }, (_, seq) =>
        call(`req_${seq}`, { costPicoUsd: INT64_MAX - BigInt(seq), promptTokens: Number.MAX_SAFE_INTEGER }),
      );
      await index.commitIndex(batch({ rows }));
      const [usage] = await index.usage('team', ...ALL_TIME);
      expect(usage?.costPicoUsd).toBe(5n * INT64_MAX - 10n);
      expect(usage?.promptTokens).toBe(5n * BigInt(Number.MAX_SAFE_INTEGER));
      expect(await index.spentSince({ team: 'team-a' }, 0)).toBe(5n * INT64_MAX - 10n);
    });
  });

  test('a range that is no number is refused', async () => {
    await withStorage(open, async ({ index }) => {
      const dimension: UsageDimension = 'team';
      expect((await rejection(index.usage(dimension, Number.NaN, 1))).code).toBe('input.invalid');
      expect((await rejection(index.spentSince({}, -1))).code).toBe('input.invalid');
    });
  });

  test('spent since a time is what the ended calls of that team or token cost', async () => {
    await withStorage(open, async ({ index }) => {
      const rows = [
        call('before', { atMs: 9, costPicoUsd: 1n }),
        call('at', { atMs: 10, costPicoUsd: 10n }),
        call('after', { atMs: 11, costPicoUsd: 100n, tokenId: 'tokenB' }),
        call('failed', { atMs: 11, costPicoUsd: 1_000n, result: 'error' }),
        call('other team', { atMs: 11, costPicoUsd: 10_000n, team: 'team-b' }),
        openCall('open', { atMs: 11, costPicoUsd: 100_000n }),
        call('refused', { atMs: 11, costPicoUsd: 1_000_000n, action: 'call.refused' }),
      ];
      await index.commitIndex(batch({ rows }));
      expect(await index.spentSince({ team: 'team-a' }, 10)).toBe(1_110n);
      expect(await index.spentSince({ tokenId: 'tokenA' }, 10)).toBe(11_010n);
      expect(await index.spentSince({ team: 'team-a', tokenId: 'tokenA' }, 10)).toBe(1_010n);
      expect(await index.spentSince({ team: 'nobody' }, 0)).toBe(0n);
      expect(await index.spentSince({ project: 'bot' }, 0)).toBe(0n);
      expect(await index.spentSince({ team: 'team-a', environment: 'elsewhere' }, 0)).toBe(0n);
      expect(await index.spentSince({}, 0)).toBe(11_111n);
      expect(await index.callsBetween({ team: 'team-a' }, 10, 11)).toBe(1);
      // A call that runs has been started; one that was refused has not.
      expect(await index.callsBetween({ team: 'team-a' }, 10, 12)).toBe(4);
      expect(await index.callsBetween({}, 0, Number.MAX_SAFE_INTEGER)).toBe(6);
      expect(await index.callsBetween({ tokenId: 'nobody' }, 0, 100)).toBe(0);
    });
  });
}
