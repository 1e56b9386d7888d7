import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { refusalOf } from '../../test/support/refusal.ts';
import { keyringAndNext, testKeyring } from '../../test/support/test-keyring.ts';
import type { TrustRow } from './store.ts';
import { Trust } from './trust.ts';

const authenticator = (await testKeyring()).authenticator('row-mac');
const tag = (name: string): Buffer => authenticator.tag(['record.v1', name]);

test('only exactly the rows that were committed open, in whatever order the store gives them', async () => {
  const name = fc.stringMatching(/^[a-d]{1,2}$/);
  await fc.assert(
    fc.asyncProperty(fc.array(name, { maxLength: 12 }), fc.uniqueArray(name), async (changes, other) => {
      const trust = Trust.open(authenticator, null, { records: [], statuses: [] });
      const rows = new Map<string, Buffer>();
      let row: TrustRow | null = null;
      for (const [index, changed] of changes.entries()) {
        const added = tag(`${changed} ${index}`);
        await trust.commit(
          () => ({ gone: [rows.get(changed)], added: [added] }),
          (stored) => {
            row = stored;
            return Promise.resolve();
          },
        );
        rows.set(changed, added);
      }
      const tags = [...rows.values()];
      const half = tags.length >> 1;
      Trust.open(authenticator, row, {
        records: tags.slice(half).toReversed(),
        statuses: tags.slice(0, half),
      });
      const wrong = [...tags.slice(1), ...other.map(tag)];
      if (tags.length === 0 && wrong.length === 0) return;
      expect(refusalOf(() => Trust.open(authenticator, row, { records: wrong, statuses: [] })).code).toBe(
        'store.tampered',
      );
    }),
    { numRuns: 60 },
  );
});

test('commits run one at a time, and one that fails leaves everything as it was', async () => {
  const trust = Trust.open(authenticator, null, { records: [], statuses: [] });
  const log: string[] = [];
  const commit = (name: string, fails: boolean): Promise<unknown> =>
    trust
      .commit(
        () => {
          log.push(`plan ${name}`);
          return {
            added: [tag(name)],
            position: { ...trust.position, stream: 's', seq: trust.position.seq + 1 },
          };
        },
        async () => {
          await Bun.sleep(1);
          log.push(`write ${name}`);
          if (fails) throw new Error('full');
        },
      )
      .catch(() => log.push(`failed ${name}`));
  await Promise.all([commit('a', false), commit('b', true), commit('c', false)]);
  expect(log).toEqual(['plan a', 'write a', 'plan b', 'write b', 'failed b', 'plan c', 'write c']);
  expect(trust.position.seq).toBe(2);
  let row: TrustRow | null = null;
  await trust.commit(
    () => ({}),
    (stored) => {
      row = stored;
      return Promise.resolve();
    },
  );
  Trust.open(authenticator, row, { records: [tag('a'), tag('c')], statuses: [] });
  expect(
    refusalOf(() => Trust.open(authenticator, row, { records: [tag('a'), tag('b'), tag('c')], statuses: [] }))
      .code,
  ).toBe('store.tampered');
});

test('rows without a trust row are refused, and neither is an empty start', () => {
  expect(Trust.open(authenticator, null, { records: [], statuses: [] }).position).toMatchObject({
    stream: '',
    seq: 0,
  });
  expect(refusalOf(() => Trust.open(authenticator, null, { records: [tag('a')], statuses: [] })).code).toBe(
    'store.tampered',
  );
  expect(refusalOf(() => Trust.open(authenticator, null, { records: [], statuses: [tag('a')] })).code).toBe(
    'store.tampered',
  );
});

test('a row whose MAC is of a term that is not there is refused like any other', async () => {
  const trust = Trust.open(authenticator, null, { records: [], statuses: [] });
  let row: TrustRow | null = null;
  await trust.commit(
    () => ({ added: [tag('a')] }),
    (stored) => Promise.resolve(void (row = stored)),
  );
  const strange = Buffer.from(tag('a'));
  strange.writeUInt32BE(7);
  for (const records of [[strange], [tag('a'), strange], [Buffer.alloc(0)]])
    expect(refusalOf(() => Trust.open(authenticator, row, { records, statuses: [] })).code).toBe(
      'store.tampered',
    );
});

test('the row says nothing of the rows it vouches for', async () => {
  const stored: TrustRow[] = [];
  for (const name of ['a', 'b']) {
    const trust = Trust.open(authenticator, null, { records: [], statuses: [] });
    await trust.commit(
      () => ({ added: [tag(name)] }),
      (row) => Promise.resolve(void stored.push(row)),
    );
  }
  const [first, second] = stored.map((row) => ({ ...row, mac: null }));
  expect(first).toEqual(second);
  expect(stored[0]!.mac).not.toEqual(stored[1]!.mac);
});

test('rows outlive a new term of the keyring: what the old one vouched for is replaced, and nothing else passes', async () => {
  const { before, after } = await keyringAndNext();
  const [old, young] = [before.authenticator('row-mac'), after.authenticator('row-mac')];
  expect([old.terms, young.terms]).toEqual([[1], [2, 1]]);
  const name = fc.stringMatching(/^[a-d]$/);
  await fc.assert(
    fc.asyncProperty(
      fc.array(name, { maxLength: 8 }),
      fc.array(name, { maxLength: 8 }),
      async (first, second) => {
        const rows = new Map<string, Buffer>();
        let row: TrustRow | null = null;
        const tags = (): Buffer[] => [...rows.values()];
        for (const [authenticator, changes] of [
          [old, first],
          [young, second],
          [young, first],
        ] as const) {
          const trust = Trust.open(authenticator, row, { records: tags(), statuses: [] });
          for (const [index, changed] of changes.entries()) {
            const added = authenticator.tag(['record.v1', `${changed} ${index}`]);
            await trust.commit(
              () => ({ gone: [rows.get(changed)], added: [added] }),
              (stored) => Promise.resolve(void (row = stored)),
            );
            rows.set(changed, added);
          }
        }
        Trust.open(young, row, { records: tags(), statuses: [] });
        const reTagged = tags().map((one) => young.tag(['record.v1', String(one)], 1));
        for (const wrong of [tags().slice(1), [...tags(), tag('x')], reTagged]) {
          if (tags().length === 0) return;
          expect(refusalOf(() => Trust.open(young, row, { records: wrong, statuses: [] })).code).toBe(
            'store.tampered',
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('with one term the trust row is what it always was, so every data folder there is opens', async () => {
  const tags = ['a', 'b', 'c'].map(tag);
  const trust = Trust.open(authenticator, null, { records: [], statuses: [] });
  let row: TrustRow | null = null;
  await trust.commit(
    () => ({ added: tags }),
    (stored) => Promise.resolve(void (row = stored)),
  );
  const digest = Buffer.alloc(32);
  for (const one of tags) {
    const element = authenticator.tag(['trust.element', one]).subarray(-32);
    for (let index = 0; index < digest.length; index += 1) digest[index]! ^= element[index]!;
  }
  const fields = ['trust.v1', '', '0', new Uint8Array(32), '0', '0', digest];
  expect(row!.mac).toEqual(authenticator.tag(fields));
});
