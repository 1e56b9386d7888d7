import { beforeEach, describe, expect, test } from 'bun:test';
import { type AdminRig, adminRig, fixtureKey } from './test-rig.ts';

const DAY_MS = 86_400_000;
let rig: AdminRig;
beforeEach(async () => {
  rig = await adminRig();
  await rig.ask('POST', '/v1/teams', { id: 'chat' });
});

function addKey(name: string, change: object = {}): Promise<unknown> {
  const body = { name, provider: 'groq', value: fixtureKey(name), verify: false, ...change };
  return rig.ask('POST', '/v1/keys', body);
}

async function hygiene(): Promise<Record<string, unknown>[]> {
  return (await rig.ask('GET', '/v1/key-hygiene')).body['keys'] as Record<string, unknown>[];
}

async function issue(environment: string, change: object = {}): Promise<string> {
  const body = { team: 'chat', environment, scopes: ['call:groq/*'], ...change };
  return String((await rig.ask('POST', '/v1/tokens', body)).body['id']);
}

describe('the hygiene of keys', () => {
  test('is that of the version in use: a new value begins a new age', async () => {
    await addKey('groq', { providerOrganization: 'org_1' });
    rig.clock.nowMs += 80 * DAY_MS;
    expect(await hygiene()).toMatchObject([
      { name: 'groq', keyId: 'groq@1', ageDays: 80, cadenceDays: 90, stage: 'soon', replaceBy: '2027-02-19' },
    ]);
    await addKey('groq', { replace: true, value: fixtureKey('next') });
    expect(await hygiene()).toMatchObject([
      { keyId: 'groq@2', ageDays: 0, stage: null, providerOrganization: 'org_1' },
    ]);
  });

  test('leaves out what pays for nothing: disabled, declared and demo keys', async () => {
    await addKey('off');
    await rig.ask('POST', '/v1/keys/off/state', { state: 'disabled' });
    await addKey('demo', { team: 'chat', purpose: 'demo' });
    await rig.ask('POST', '/v1/key-slots', { name: 'to-come', provider: 'groq' });
    expect(await hygiene()).toEqual([]);
  });

  test('names the environments whose tokens a key pays for now', async () => {
    await addKey('shared');
    await addKey('own', { environment: 'prod' });
    await addKey('openai', { provider: 'openai' });
    await issue('dev');
    await issue('test', { scopes: ['call:openai/gpt-5-mini'] });
    await issue('prod');
    await rig.ask('POST', `/v1/tokens/${await issue('staging')}/revoke`, {});
    await issue('qa', { scopes: ['read:*'] });
    const used = async (): Promise<unknown[]> => (await hygiene()).map(({ name, usedIn }) => [name, usedIn]);
    expect(await used()).toEqual([
      ['openai', ['test']],
      ['own', ['prod']],
      ['shared', ['dev']],
    ]);
    rig.clock.nowMs += 400 * DAY_MS;
    expect(await used()).toEqual([
      ['openai', []],
      ['own', []],
      ['shared', []],
    ]);
  });
});

describe('a spend limit', () => {
  const attest = (body: object, name = 'groq'): ReturnType<AdminRig['ask']> =>
    rig.ask('POST', `/v1/keys/${name}/spend-limit`, body);

  test('is on record with who said so and when it was seen; the last word counts', async () => {
    await addKey('groq');
    await attest({ limitPicoUsd: '5', on: '2026-11-01' });
    const second = await attest({ limitPicoUsd: '7000000000000', on: '2026-11-20' });
    const limit = { limitPicoUsd: '7000000000000', attestedOn: '2026-11-20', attestedBy: 'local' };
    expect([second.status, second.body]).toEqual([200, limit]);
    expect(await hygiene()).toMatchObject([{ spendLimit: limit }]);
    expect(rig.journal.filter(({ action }) => action === 'key.attest')).toHaveLength(2);
  });

  test('stays with its key when that is described or gets a new value', async () => {
    await addKey('groq');
    await attest({ limitPicoUsd: '5', on: '2026-11-01' });
    await rig.ask('POST', '/v1/key-slots', { name: 'groq', provider: 'groq', providerOrganization: 'org_2' });
    await addKey('groq', { replace: true, value: fixtureKey('next') });
    expect(await hygiene()).toMatchObject([
      { providerOrganization: 'org_2', spendLimit: { attestedOn: '2026-11-01' } },
    ]);
  });

  test.each([
    [{ limitPicoUsd: '0', on: '2026-11-01' }, 400],
    [{ limitPicoUsd: '5', on: '2026-02-30' }, 400],
    [{ limitPicoUsd: '5', on: '2026-11-24' }, 400],
    [{ limitPicoUsd: '5', on: 'today' }, 400],
    [{ limitPicoUsd: '5' }, 400],
  ])('%j is refused', async (body, status) => {
    await addKey('groq');
    expect((await attest(body)).status).toBe(status);
    expect(await hygiene()).toMatchObject([{ spendLimit: null }]);
  });

  test('needs a key', async () => {
    expect((await attest({ limitPicoUsd: '5', on: '2026-11-01' }, 'none')).status).toBe(404);
  });

  test('is no configuration: it changes no revision', async () => {
    await addKey('groq');
    const before = rig.deps.book.revision;
    await attest({ limitPicoUsd: '5', on: '2026-11-01' });
    expect(rig.deps.book.revision).toBe(before);
  });
});
