import { beforeEach, describe, expect, test } from 'bun:test';
import { leakHash, tokenLeakHash } from '../core/leak-hash.ts';
import { LEAK_QUESTIONS_PER_MINUTE } from './leak-limits.ts';
import { type AdminRig, adminRig, adminWith, type Answer, endedCall, fixtureKey } from './test-rig.ts';

const SALT = Buffer.alloc(32, 5);
const MINUTE_MS = 60_000;
const FINDER = adminWith('leaks:read', 'leaks:write');

let rig: AdminRig;
beforeEach(async () => {
  rig = await adminRig();
  await rig.ask('POST', '/v1/teams', { id: 'chat' });
});

interface Asked {
  readonly values?: readonly string[];
  readonly tokens?: readonly string[];
  readonly place?: string;
}

function questionOf({ values = [], tokens = [], place }: Asked): object {
  const at = place === undefined ? {} : { place };
  return {
    salt: SALT.toString('base64url'),
    values: values.map((value) => ({
      hash: leakHash(SALT, Buffer.from(value)).toString('base64url'),
      ...at,
    })),
    tokens: tokens.map((token) => ({
      id: token.slice(8, 20),
      hash: tokenLeakHash(Buffer.from(token)).toString('base64url'),
      ...at,
    })),
  };
}

const lookup = (asked: Asked): Promise<Answer> =>
  rig.ask('POST', '/v1/leak-lookups', questionOf(asked), FINDER);
const respond = (asked: Asked): Promise<Answer> =>
  rig.ask('POST', '/v1/leak-responses', questionOf(asked), FINDER);

type Row = Record<string, unknown>;
const rows = (answer: Answer, name: 'keys' | 'tokens'): Row[] => {
  expect([answer.status, answer.body.error]).toEqual([200, undefined]);
  return answer.body[name] as Row[];
};

async function addKey(name: string, seed: string, change: object = {}): Promise<void> {
  const body = { name, provider: 'groq', value: fixtureKey(seed), verify: false, ...change };
  expect((await rig.ask('POST', '/v1/keys', body)).status).toBe(200);
}

async function issue(): Promise<string> {
  const body = { team: 'chat', environment: 'dev', scopes: ['call:groq/*'] };
  return String((await rig.ask('POST', '/v1/tokens', body)).body['token']);
}

describe('whose a value is', () => {
  test('every version is found by its value, with what became of it; no other key is told of', async () => {
    await addKey('chat-prod', 'one', { team: 'chat', environment: 'prod', purpose: 'bot' });
    rig.clock.nowMs += 1000;
    await addKey('chat-prod', 'two', { replace: true });
    await addKey('other', 'three');
    rig.rows.push(endedCall({ keyId: 'chat-prod@2', tokenId: 'newer', atMs: 2000 }));
    const values = [fixtureKey('one'), fixtureKey('nobody'), fixtureKey('two')];
    const answer = await lookup({ values });
    const [first, second] = rows(answer, 'keys');
    expect(rows(answer, 'keys')).toHaveLength(2);
    expect(first).toMatchObject({
      index: 0,
      name: 'chat-prod',
      team: 'chat',
      environment: 'prod',
      purpose: 'bot',
      version: 1,
      state: 'retired',
      retiredAt: '2026-11-21T12:00:01.000Z',
      lastUse: null,
      exposed: null,
    });
    expect(second).toMatchObject({
      index: 2,
      version: 2,
      state: 'active',
      slotState: 'active',
      retiredAt: null,
      lastUse: { at: '1970-01-01T00:00:02.000Z', token: 'newer', team: 'chat' },
    });
    expect(answer.body['notCompared']).toBe(0);
    expect(JSON.stringify(answer.body)).not.toContain('other');
  });

  test('one value in two keys is both', async () => {
    await addKey('a', 'same');
    await addKey('b', 'same');
    expect(rows(await lookup({ values: [fixtureKey('same')] }), 'keys').map(({ name }) => name)).toEqual([
      'a',
      'b',
    ]);
  });

  test('a hash under another salt is that of another value', async () => {
    await addKey('a', 'one');
    const question = { ...questionOf({ values: [fixtureKey('one')] }), salt: 'A'.repeat(43) };
    expect(rows(await rig.ask('POST', '/v1/leak-lookups', question, FINDER), 'keys')).toEqual([]);
  });

  test('a lookup that matched is on record, one that did not is not', async () => {
    await addKey('a', 'one');
    const token = await issue();
    await lookup({ values: [fixtureKey('nobody')] });
    expect(rig.recorded).toEqual([]);
    await lookup({ values: [fixtureKey('one'), fixtureKey('nobody')], tokens: [token] });
    expect(rig.recorded).toEqual([
      { action: 'leak.lookup', principal: FINDER.id, asked: 3, keys: ['a@1'], tokens: [token.slice(8, 20)] },
    ]);
  });

  test('an access token is told from one that was made up around its id, of which nothing is said', async () => {
    const token = await issue();
    const made = `${token.slice(0, 21)}${'x'.repeat(32)}${token.slice(-6)}`;
    const found = rows(await lookup({ tokens: [token, made] }), 'tokens');
    expect(found[0]).toMatchObject({ index: 0, proof: 'right', details: { team: 'chat', state: 'active' } });
    expect(found[1]).toEqual({ index: 1, id: token.slice(8, 20), proof: 'wrong', details: null });
  });

  test('questions are bounded, in number and in size', async () => {
    const tooMany = { values: Array.from({ length: 257 }, (_, at) => `v${at}`) };
    expect((await lookup(tooMany)).status).toBe(400);
    for (let asked = 0; asked < LEAK_QUESTIONS_PER_MINUTE; asked += 1)
      expect((await lookup({ values: ['x'] })).status).toBe(200);
    const { status, body } = await lookup({ values: ['x'] });
    expect([status, body.error?.code]).toEqual([429, 'limit.rate']);
    // Somebody else is not kept waiting for it.
    expect((await rig.ask('POST', '/v1/leak-lookups', questionOf({ values: ['x'] }))).status).toBe(200);
    rig.clock.nowMs += MINUTE_MS;
    expect((await lookup({ values: ['x'] })).status).toBe(200);
  });

  test('a place that holds a key is refused, and nothing is marked', async () => {
    await addKey('a', 'one');
    const answer = await respond({ values: [fixtureKey('one')], place: `src/${fixtureKey('place')}.ts` });
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([
      400,
      expect.not.stringContaining('place0123') as string,
    ]);
    expect(rig.journal.some(({ action }) => action === 'key.expose')).toBe(false);
  });
});

describe('the response', () => {
  test('marks the version, says where, and stops no call; a second one changes nothing', async () => {
    await addKey('a', 'one');
    const asked = { values: [fixtureKey('one')], place: 'src/config.ts:12:15' };
    const [first] = rows(await respond(asked), 'keys');
    const exposed = { at: '2026-11-21T12:00:00.000Z', by: FINDER.id, place: 'src/config.ts:12:15' };
    expect(first).toMatchObject({ changed: true, state: 'active', slotState: 'active', exposed });
    rig.clock.nowMs += 1000;
    const journaled = rig.journal.length;
    const [second] = rows(await respond({ ...asked, place: 'elsewhere:1:1' }), 'keys');
    expect(second).toMatchObject({ changed: false, exposed });
    expect(rig.journal).toHaveLength(journaled);
    const slot = rig.deps.vault.select({ provider: 'groq', team: 'chat', environment: 'dev' });
    expect(slot?.name).toBe('a');
  });

  test('is seen in the list, the details, the hygiene and the status, until the value is replaced', async () => {
    await addKey('a', 'one');
    await respond({ values: [fixtureKey('one')] });
    const seen = async (): Promise<unknown[]> => {
      const list = (await rig.ask('GET', '/v1/keys')).body['keys'] as Row[];
      const age = (await rig.ask('GET', '/v1/key-hygiene')).body['keys'] as Row[];
      const status = (await rig.ask('GET', '/v1/status')).body['keys'] as Row[];
      return [list, age, status].map(([row]) => row?.['exposedAt']);
    };
    expect(await seen()).toEqual(Array.from({ length: 3 }, () => '2026-11-21T12:00:00.000Z'));
    await addKey('a', 'two', { replace: true });
    expect(await seen()).toEqual([null, null, null]);
    const { versions } = (await rig.ask('GET', '/v1/keys/a')).body as { versions: Row[] };
    expect(versions.map(({ state, exposed }) => [state, exposed === null])).toEqual([
      ['retired', false],
      ['active', true],
    ]);
  });

  test('revokes the access token it was shown, once; not one by its id alone', async () => {
    const token = await issue();
    const made = `${token.slice(0, 21)}${'x'.repeat(32)}${token.slice(-6)}`;
    expect(rows(await respond({ tokens: [made] }), 'tokens')).toMatchObject([
      { proof: 'wrong', changed: false },
    ]);
    expect(rig.deps.tokens.get(token.slice(8, 20)).state).toBe('active');
    const asked = { tokens: [token], place: 'ci.yml:3:9' };
    expect(rows(await respond(asked), 'tokens')).toMatchObject([
      {
        changed: true,
        details: { state: 'revoked', revokedReason: 'found by a scan, at ci.yml:3:9' },
      },
    ]);
    rig.clock.nowMs += 1000;
    expect(rows(await respond(asked), 'tokens')).toMatchObject([
      { changed: false, details: { state: 'revoked', revokedAt: '2026-11-21T12:00:00.000Z' } },
    ]);
    expect(rig.journal.filter(({ action }) => action === 'token.expose')).toHaveLength(1);
  });

  test('an operator takes a mark back, and can set one; both are on record with the reason', async () => {
    await addKey('a', 'one');
    const change = (body: object): Promise<Answer> => rig.ask('POST', '/v1/keys/a/exposure', body);
    expect((await change({ exposed: false })).body).toMatchObject({ changed: false, exposed: null });
    expect((await change({ exposed: true, reason: 'seen in a video' })).body).toMatchObject({
      changed: true,
      exposed: { by: 'local', place: null, reason: 'seen in a video' },
    });
    expect((await change({ exposed: false, reason: 'it was a test key' })).body).toMatchObject({
      changed: true,
      exposed: { reason: 'seen in a video', cleared: { by: 'local', reason: 'it was a test key' } },
    });
    const actions = rig.journal.map(({ action }) => action);
    expect(actions.slice(-2)).toEqual(['key.expose', 'key.clear_exposed']);
    expect(rows(await lookup({ values: [fixtureKey('one')] }), 'keys')).toMatchObject([{ exposed: null }]);
    expect(rows(await respond({ values: [fixtureKey('one')] }), 'keys')).toMatchObject([{ changed: true }]);
    expect((await change({ exposed: true, version: 7 })).status).toBe(404);
  });
});
