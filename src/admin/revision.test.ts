import { expect, test } from 'bun:test';
import { type Expectation, expecting } from '../records/expectation.ts';
import { LOCAL } from './principal.ts';
import { EXPECT_HEADER, REVISION_HEADER } from './contract.ts';
import { type AdminRig, adminRig } from './test-rig.ts';

interface Told {
  readonly status: number;
  readonly revision: string | null;
}

async function send(
  { app }: AdminRig,
  method: string,
  path: string,
  body?: object,
  expected?: string,
): Promise<Told> {
  const request = new Request(`http://localhost${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(expected === undefined ? {} : { [EXPECT_HEADER]: expected }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const response = await app.fetch(request, { principal: LOCAL, requestId: 'r' });
  return { status: response.status, revision: response.headers.get(REVISION_HEADER) };
}

const revisionOf = async (rig: AdminRig): Promise<string> =>
  String((await send(rig, 'GET', '/v1/teams')).revision);

test('the revision changes with the configuration, and not with tokens', async () => {
  const rig = await adminRig();
  const empty = await revisionOf(rig);
  expect(empty).toMatch(/^[0-9a-f]{16}$/);
  await send(rig, 'POST', '/v1/teams', { id: 'chat' });
  const one = await revisionOf(rig);
  expect(one).not.toBe(empty);
  await rig.ask('POST', '/v1/tokens', { team: 'chat', environment: 'dev', scopes: ['call:groq/*'] });
  expect(await revisionOf(rig)).toBe(one);
  const policy = '/v1/teams/chat/policy';
  await send(rig, 'PATCH', policy, { rateLimitRPM: 5 });
  await send(rig, 'PATCH', policy, { rateLimitRPM: null });
  // As it was, but changed twice: whoever read it before may have read what was there between.
  expect(await revisionOf(rig)).not.toBe(one);
});

test('a change goes by the revision that it names, and says which one it left behind', async () => {
  const rig = await adminRig();
  const before = await revisionOf(rig);
  const policy = { monthlyBudgetUsd: '5' };
  // Two records, in one request.
  const added = await send(rig, 'POST', '/v1/teams', { id: 'chat', policy }, before);
  expect(added.status).toBe(200);
  expect(added.revision).toBe(await revisionOf(rig));
  const journaled = rig.journal.length;
  expect((await send(rig, 'POST', '/v1/teams', { id: 'late' }, before)).status).toBe(409);
  expect((await send(rig, 'POST', '/v1/teams', { id: 'late' }, 'nonsense')).status).toBe(409);
  expect(rig.journal.length).toBe(journaled);
  expect((await send(rig, 'POST', '/v1/teams', { id: 'late' }, String(added.revision))).status).toBe(200);
});

test('of many changes to one revision a single one is made, however they race', async () => {
  const rig = await adminRig();
  const before = await revisionOf(rig);
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      send(rig, 'POST', '/v1/environments', { id: `e${index}` }, before),
    ),
  );
  expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    200,
    ...Array<number>(19).fill(409),
  ]);
  expect(rig.journal).toHaveLength(1);
});

test('a request of several changes stops at the one before which somebody else came', async () => {
  const { deps, journal } = await adminRig();
  const expectation: Expectation = { revision: deps.book.revision, over: false };
  const run = expecting(expectation, async () => {
    await deps.teams.add('local', 'one');
    await intruder;
    await deps.teams.add('local', 'two');
  });
  // Outside of the request, and so without its expectation.
  const intruder = deps.teams.add('local', 'intruder');
  expect(await run.catch((error: { code: string }) => error.code)).toBe('conflict');
  expect(journal.length).toBeLessThan(3);
  expect(deps.teams.has('two')).toBe(false);
});

test('what a request leaves running behind its answer expects nothing', async () => {
  const { deps } = await adminRig();
  const answered = Promise.withResolvers<void>();
  let later: Promise<unknown> = Promise.resolve();
  await expecting({ revision: deps.book.revision, over: false }, async () => {
    later = answered.promise.then(() => deps.teams.add('local', 'later'));
    await deps.teams.add('local', 'now');
  });
  await deps.teams.add('local', 'between');
  answered.resolve();
  await later;
  expect(deps.teams.has('later')).toBe(true);
});
