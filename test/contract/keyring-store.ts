/** What every KeyringStore promises. */
import { describe, expect, test } from 'bun:test';
import type { InstanceRow, TermRow } from '../../src/vault/store.ts';
import { UNICODE, bytes, rejection, withStorage, type OpenStorage } from './fixtures.ts';

const INSTANCE: InstanceRow = {
  instance: UNICODE,
  rootFingerprint: 'rk_0123456789abcdef',
  rootCheck: bytes(8),
  rootKdf: 'scrypt:17:8:1:AAAAAAAAAAAAAAAAAAAAAA',
  createdAtMs: 1_763_700_000_123,
};
const TERM: TermRow = { term: 1, wrapped: bytes(60, 7), createdAtMs: 1_763_700_000_456 };

export function keyringStoreContract(open: OpenStorage): void {
  describe('keyring store', () => {
    test('an empty store has no instance and no terms', async () => {
      await withStorage(open, async ({ keyring }) => {
        expect(await keyring.loadInstance()).toBeNull();
        expect(await keyring.loadTerms()).toEqual([]);
      });
    });

    test('the instance and its first term come back as they were written', async () => {
      await withStorage(open, async ({ keyring }) => {
        await keyring.createInstance(INSTANCE, TERM);
        expect(await keyring.loadInstance()).toEqual(INSTANCE);
        expect(await keyring.loadTerms()).toEqual([TERM]);
      });
    });

    test('an instance without a passphrase has no parameters for one', async () => {
      await withStorage(open, async ({ keyring }) => {
        await keyring.createInstance({ ...INSTANCE, rootKdf: null }, TERM);
        expect((await keyring.loadInstance())?.rootKdf).toBeNull();
      });
    });

    test('a second instance is a conflict and changes nothing', async () => {
      await withStorage(open, async ({ keyring }) => {
        await keyring.createInstance(INSTANCE, TERM);
        const other = keyring.createInstance({ ...INSTANCE, instance: 'other' }, { ...TERM, term: 2 });
        expect((await rejection(other)).code).toBe('conflict');
        expect(await keyring.loadInstance()).toEqual(INSTANCE);
        expect(await keyring.loadTerms()).toEqual([TERM]);
      });
    });

    test('of two instances created at once exactly one wins, with its own term', async () => {
      await withStorage(open, async ({ keyring }) => {
        const attempts = ['first', 'second'].map((instance, index) =>
          keyring.createInstance({ ...INSTANCE, instance }, { ...TERM, wrapped: bytes(60, index) }),
        );
        const results = await Promise.allSettled(attempts);
        expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
        expect((await keyring.loadInstance())?.instance).toBe('first');
        expect(await keyring.loadTerms()).toEqual([{ ...TERM, wrapped: bytes(60, 0) }]);
      });
    });

    test('when the term is refused, there is no instance either', async () => {
      await withStorage(open, async ({ keyring }) => {
        await rejection(keyring.createInstance(INSTANCE, { ...TERM, term: 0 }));
        expect(await keyring.loadInstance()).toBeNull();
        await keyring.createInstance(INSTANCE, TERM);
        expect(await keyring.loadInstance()).toEqual(INSTANCE);
      });
    });
  });
}
