import { expect, test } from 'bun:test';
import { LAB_AUTHENTICATOR } from '../../test/support/journal-lab.ts';
import { hasValidMac, withMac } from './entry-mac.ts';

const PLACE = { stream: 'n1@000001', previous: Buffer.alloc(32, 7) };
const JSON_TEXT = JSON.stringify({
  seq: 3,
  at: '2026-11-21T12:00:00.000Z',
  action: 'journal.close',
  reason: 'é "quoted"',
});

test('an entry with its tag is still the same JSON, with one member more', () => {
  const { mac, ...rest } = JSON.parse(withMac(LAB_AUTHENTICATOR, PLACE, JSON_TEXT)) as Record<
    string,
    unknown
  >;
  expect(rest).toEqual(JSON.parse(JSON_TEXT));
  expect(String(mac)).toHaveLength(48);
});

test('the tag is valid for these bytes at this place only', () => {
  const tagged = Buffer.from(withMac(LAB_AUTHENTICATOR, PLACE, JSON_TEXT));
  expect(hasValidMac(LAB_AUTHENTICATOR, PLACE, tagged)).toBe(true);
  expect(hasValidMac(LAB_AUTHENTICATOR, { ...PLACE, stream: 'n1@000002' }, tagged)).toBe(false);
  expect(hasValidMac(LAB_AUTHENTICATOR, { ...PLACE, previous: Buffer.alloc(32, 8) }, tagged)).toBe(false);
  for (let at = 0; at < tagged.length; at += 1) {
    const changed = Buffer.from(tagged);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect([at, hasValidMac(LAB_AUTHENTICATOR, PLACE, changed)]).toEqual([
      at,
      at === tagged.length - 1 || at === tagged.length - 2,
    ]);
  }
});

test('an entry without a tag, or shorter than one, has none', () => {
  expect(hasValidMac(LAB_AUTHENTICATOR, PLACE, Buffer.from(JSON_TEXT))).toBe(false);
  expect(hasValidMac(LAB_AUTHENTICATOR, PLACE, Buffer.from('{}'))).toBe(false);
});
