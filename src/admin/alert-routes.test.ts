import { expect, test } from 'bun:test';
import { adminRig, adminWith } from './test-rig.ts';

const URL_SECRET = ['T000', 'B000', 'abcdefghijklmnopqrstuvwx'].join('/');
const SLACK = { name: 'ops', type: 'slack', url: `https://hooks.slack.com/services/${URL_SECRET}` };
const HOOK = {
  name: 'hook',
  type: 'webhook',
  url: 'https://hooks.example.org/x?token=abc',
  events: ['budget.*'],
};
const MAIL = {
  name: 'mail',
  type: 'email',
  mail: {
    host: 'smtp.example.org',
    from: 'a@example.org',
    to: ['b@example.org'],
    user: 'u',
    password: 'hunter2hunter2',
  },
};

test('reading and changing ask for scopes of their own', async () => {
  const { ask } = await adminRig();
  await ask('POST', '/v1/alerts', SLACK);
  const asked: [string, string, unknown, string][] = [
    ['GET', '/v1/alerts', undefined, 'alerts:read'],
    ['GET', '/v1/alerts/ops', undefined, 'alerts:read'],
    ['GET', '/v1/alert-outbox', undefined, 'alerts:read'],
    ['POST', '/v1/alerts', HOOK, 'alerts:write'],
    ['PATCH', '/v1/alerts/hook', { events: ['key.*'] }, 'alerts:write'],
    ['POST', '/v1/alerts/hook/test', {}, 'alerts:write'],
    ['POST', '/v1/alerts/hook/secret', {}, 'alerts:write'],
    ['POST', '/v1/alert-outbox/retry', {}, 'alerts:write'],
    ['POST', '/v1/alerts/hook/remove', {}, 'alerts:write'],
  ];
  for (const [method, path, body, scope] of asked) {
    const others = ['alerts:read', 'alerts:write', 'keys:write', 'audit:read'].filter((one) => one !== scope);
    expect([path, (await ask(method, path, body, adminWith(...others))).status]).toEqual([path, 403]);
    expect([path, (await ask(method, path, body, adminWith(scope))).status]).toEqual([path, 200]);
  }
});

test('no answer and no journal entry holds a URL, an address or a password; a signing secret is answered once', async () => {
  const { ask, journal } = await adminRig();
  const answers = [];
  for (const body of [SLACK, HOOK, MAIL]) answers.push(await ask('POST', '/v1/alerts', body));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(answers[1]!.body).toMatchObject({
    name: 'hook',
    origin: 'https://hooks.example.org',
    events: ['budget.*'],
  });
  expect(answers.map(({ body }) => typeof body['secret'])).toEqual(['object', 'string', 'object']);
  const secret = answers[1]!.body['secret'] as string;
  answers.length = 0;
  for (const path of [
    '/v1/alerts',
    '/v1/alerts/ops',
    '/v1/alerts/hook',
    '/v1/alerts/mail',
    '/v1/alert-outbox',
    '/v1/status',
  ])
    answers.push(await ask('GET', path));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  const said = JSON.stringify([answers, journal]);
  for (const hidden of [secret, 'services', 'token=abc', 'hunter2']) expect(said).not.toContain(hidden);
  expect(answers[3]!.body['mail']).toEqual({ from: 'a@example.org', to: ['b@example.org'], user: 'u' });
  expect(JSON.stringify(journal)).not.toContain('@example.org');
});

test.each([
  [{ ...SLACK, url: undefined }, 'has a "url"'],
  [{ ...SLACK, mail: MAIL.mail }, 'has a "url"'],
  [{ ...MAIL, mail: undefined }, 'has "mail"'],
  [{ ...MAIL, url: SLACK.url }, 'has "mail"'],
  [{ ...SLACK, type: 'pager' }, 'field type'],
  [{ ...SLACK, secret: 'x' }, 'nobody knows'],
  [{ ...SLACK, team: 'nobody' }, 'no team'],
  [{ ...SLACK, url: 'http://hooks.slack.com/x' }, 'without TLS'],
])('a destination that does not fit is refused: %o', async (body, why) => {
  const { ask, journal } = await adminRig();
  const reply = await ask('POST', '/v1/alerts', body);
  expect(reply.status).toBeGreaterThanOrEqual(400);
  expect(reply.body.error!.message).toContain(why);
  expect(JSON.stringify(reply.body)).not.toContain('services');
  expect(journal).toEqual([]);
});

test('status says how many are told, and entries of applications give way when the disk runs full', async () => {
  const { ask, deps, recorded } = await adminRig();
  await ask('POST', '/v1/alerts', SLACK);
  const { id } = deps.watch.directory.get('ops').destination;
  const watch = deps.watch as { backlogs: () => Promise<unknown>; diskIsLow: boolean };
  watch.backlogs = () => Promise.resolve(new Map([[id, { waiting: 2, undelivered: 1 }]]));
  expect((await ask('GET', '/v1/status')).body['alerts']).toEqual({
    destinations: 1,
    waiting: 2,
    undelivered: 1,
  });
  expect((await ask('GET', '/v1/alerts')).body['destinations']).toMatchObject([
    { name: 'ops', waiting: 2, undelivered: 1 },
  ]);
  watch.backlogs = () => Promise.reject(new Error('no tables'));
  expect((await ask('GET', '/v1/status')).body['alerts']).toBeNull();
  watch.diskIsLow = true;
  const refused = await ask('POST', '/v1/audit', { event: 'login' });
  expect([refused.status, refused.headers.get('retry-after'), recorded.length]).toEqual([503, '60', 0]);
});

test('what a destination is told can change, and nothing else of it', async () => {
  const { ask, journal, deps } = await adminRig();
  await ask('POST', '/v1/teams', { id: 'chat' });
  await ask('POST', '/v1/alerts', HOOK);
  const path = '/v1/alerts/hook';
  const changed = await ask('PATCH', path, { events: ['key.*', 'key.*'], team: 'chat' });
  expect(changed.body).toMatchObject({
    events: ['key.*'],
    team: 'chat',
    origin: 'https://hooks.example.org',
  });
  expect((await ask('PATCH', path, { team: null })).body).toMatchObject({ events: ['key.*'], team: null });
  expect(journal.slice(-2).map(({ action, records }) => [action, records[0]?.resealed])).toEqual([
    ['alert.change', false],
    ['alert.change', false],
  ]);
  // It still opens, and so is still sent to.
  expect(deps.watch.directory.recipients(deps.watch.directory.get('hook'))).toBeNull();
  for (const body of [
    { events: [] },
    { events: ['budgt.*'] },
    { team: 'chta' },
    { url: 'https://x.example' },
  ])
    expect([body, (await ask('PATCH', path, body)).status >= 400]).toEqual([body, true]);
  expect((await ask('PATCH', '/v1/alerts/nobody', {})).status).toBe(404);
  await ask('POST', '/v1/alerts', { ...HOOK, name: 'inside', url: 'http://127.0.0.1:9', allowPrivate: true });
  const without = adminWith('alerts:write');
  expect((await ask('PATCH', '/v1/alerts/inside', { events: ['*'] }, without)).status).toBe(403);
});
