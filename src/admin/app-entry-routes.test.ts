import { expect, test } from 'bun:test';
import { MAX_BYTES_PER_DAY } from './app-entry-limits.ts';
import { adminRig, adminWith, fixtureKey } from './test-rig.ts';

const FULL = {
  event: 'login.failed',
  userId: 'ann@example.org',
  team: 'chat',
  project: 'bot',
  environment: 'prod',
  resource: 'login form',
  provider: 'groq',
  model: 'openai/gpt-oss-20b',
  promptTokens: 1,
  completionTokens: 2,
  costPicoUsd: '999999999999999999',
  latencyMs: 12,
  result: 'error',
  errorCode: 'bad_password',
  metadata: { attempts: 3, locked: true, from: 'web' },
};
const WRITER = adminWith('audit:write');

test('an entry is on record with its writer, its user as a commitment, and every field that it may have', async () => {
  const { ask, recorded, deps } = await adminRig();
  const { status, body } = await ask('POST', '/v1/audit', FULL, WRITER);
  expect([status, body]).toEqual([
    200,
    { id: 'n1@000001#1', receipt: `n1@000001/1/${'A'.repeat(43)}`, recordedAt: '2026-11-21T12:00:00.000Z' },
  ]);
  const userId = deps.pseudonyms.commit('user', FULL.userId);
  expect(recorded).toEqual([{ ...FULL, action: 'app.entry', principal: WRITER.id, userId } as never]);
});

test('the path under /admin is the same route, and asks for the same scope', async () => {
  const { ask, recorded } = await adminRig();
  expect((await ask('POST', '/admin/v1/audit', { event: 'deploy' }, WRITER)).status).toBe(200);
  expect(recorded).toMatchObject([
    { event: 'deploy', userId: null, team: null, costPicoUsd: '0', metadata: {} },
  ]);
  for (const path of ['/v1/audit', '/admin/v1/audit']) {
    const { status, body } = await ask(
      'POST',
      path,
      { event: 'deploy' },
      adminWith('audit:read', 'teams:write'),
    );
    expect([status, body.error!.message]).toEqual([403, 'This needs the scope audit:write.']);
  }
  expect((await ask('GET', '/v1/audit', undefined, WRITER)).status).toBe(403);
});

test.each([
  {},
  { event: '' },
  { event: 'Login' },
  { event: 'a..b' },
  { event: 'x'.repeat(65) },
  { event: 'a', action: 'call.end' },
  { event: 'a', principal: 'local' },
  { event: 'a', address: '10.0.0.1' },
  { event: 'a', timestamp: '2020-01-01T00:00:00Z' },
  { event: 'a', team: 'two words' },
  { event: 'a', userId: 'x'.repeat(201) },
  { event: 'a', promptTokens: -1 },
  { event: 'a', latencyMs: 0.5 },
  // Beyond what every store holds exactly.
  { event: 'a', costPicoUsd: '9999999999999999999' },
  { event: 'a', costPicoUsd: 1 },
  { event: 'a', result: 'maybe' },
  { event: 'a', metadata: { nested: {} } },
  { event: 'a', metadata: { list: [] } },
  { event: 'a', metadata: { long: 'x'.repeat(501) } },
  { event: 'a', metadata: { 'no name': 1 } },
  { event: 'a', metadata: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`k${index}`, 1])) },
])('what is not listed, or out of bounds, is refused and not written: %o', async (body) => {
  const { ask, recorded } = await adminRig();
  const reply = await ask('POST', '/v1/audit', body, WRITER);
  expect([reply.status, reply.body.error!.code, recorded.length]).toEqual([400, 'input.invalid', 0]);
});

test('a credential in any field is not put on record', async () => {
  const { ask, recorded, deps } = await adminRig();
  const key = fixtureKey('AppEntry');
  const body = {
    event: 'leak',
    userId: key,
    resource: `before ${key} after`,
    model: key,
    metadata: { note: `Bearer ${key}`, [`x.${key}`.slice(0, 60)]: 1 },
  };
  expect((await ask('POST', '/v1/audit', body, WRITER)).status).toBe(200);
  expect(JSON.stringify(recorded)).not.toContain(key.slice(4, 30));
  expect(recorded).toMatchObject([
    { resource: 'before [redacted] after', metadata: { note: 'Bearer [redacted]' } },
  ]);
  expect((deps.pseudonyms as unknown as { take(): { value: string }[] }).take()).toMatchObject([
    { value: '[redacted]' },
  ]);
});

test('each token has its own rate, which grows back, and one that wrote too much is told when to come back', async () => {
  const { ask, clock } = await adminRig();
  const other = { ...WRITER, id: 'admin:bbbbbbbbbbbb' } as typeof WRITER;
  const write = async (principal = WRITER) =>
    (await ask('POST', '/v1/audit', { event: 'a' }, principal)).status;
  for (let count = 0; count < 60; count += 1) expect(await write()).toBe(200);
  const refused = await ask('POST', '/v1/audit', { event: 'a' }, WRITER);
  expect([refused.status, refused.body.error!.code, refused.headers.get('retry-after')]).toEqual([
    429,
    'limit.rate',
    '1',
  ]);
  expect(await write(other)).toBe(200);
  clock.nowMs += 1000;
  expect([await write(), await write()]).toEqual([200, 429]);
});

test('a token cannot fill the disk: its bytes of a day are bounded', async () => {
  const { deps, clock } = await adminRig();
  const { appEntries } = deps;
  const half = MAX_BYTES_PER_DAY / 2;
  appEntries.admit('admin:a', half);
  appEntries.admit('admin:a', half);
  expect(() => appEntries.admit('admin:a', 1)).toThrow('32 MB');
  appEntries.admit('admin:b', half);
  clock.nowMs += 86_400_000;
  appEntries.admit('admin:a', half);
});
