import { beforeEach, describe, expect, test } from 'bun:test';
import { type AdminRig, adminRig, adminWith } from './test-rig.ts';

let rig: AdminRig;
beforeEach(async () => (rig = await adminRig()));

const FINGERPRINT = 'rk_0123456789abcdef';
const drill = { rootFingerprint: FINGERPRINT, ok: true, opened: null };

describe('an admin token, whatever its scopes', () => {
  const asked: [string, string, object?][] = [
    ['GET', '/v1/recovery/material'],
    ['POST', '/v1/recovery/kits', { rootFingerprint: FINGERPRINT, recipients: 1 }],
    ['POST', '/v1/recovery/drills', drill],
    ['POST', '/v1/recovery/backups', { out: '/tmp/stolen.tar', withRootKey: true }],
  ];

  test.each(asked)('may not %s %s', async (method, path, body) => {
    const { status } = await rig.ask(method, path, body, adminWith('*'));
    expect(status).toBe(403);
    expect(rig.recorded).toEqual([]);
  });
});

test('the material holds no key in clear', async () => {
  const { body } = await rig.ask('GET', '/v1/recovery/material');
  expect(Object.keys(body).toSorted()).toEqual(['instance', 'sample', 'terms']);
  expect(body['sample']).toBeNull();
});

test('a drill that failed is on record as such', async () => {
  await rig.ask('POST', '/v1/recovery/drills', drill);
  await rig.ask('POST', '/v1/recovery/drills', { ...drill, ok: false });
  expect(rig.recorded.map(({ action }) => action)).toEqual(['recovery.drill', 'recovery.drill_failed']);
});
