import { beforeEach, describe, expect, test } from 'bun:test';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import { Secret } from '../core/secret.ts';
import { Presets } from '../guard/presets.ts';
import { type AdminRig, adminRig, adminWith, fixtureKey } from './test-rig.ts';

let rig: AdminRig;
beforeEach(async () => {
  rig = await adminRig();
  await rig.ask('POST', '/v1/teams', { id: 'chat' });
});

const issue = (body: object) => rig.ask('POST', '/v1/tokens', { team: 'chat', scopes: [], ...body });
const addKey = (name: string, provider: string, environment?: string) =>
  rig.deps.vault.addKey(
    'local',
    {
      name,
      provider,
      origin: `https://api.${provider}.com`,
      ...(environment !== undefined && { environment }),
    },
    Secret.fromText(fixtureKey(name)),
  );

describe('the presets that there are', () => {
  test('have the numbers that their documentation states', async () => {
    const { presets } = (await rig.ask('GET', '/v1/presets')).body as { presets: { name: string }[] };
    expect(presets.map(({ name }) => name)).toEqual([
      'backend-chat',
      'agent',
      'batch',
      'dev',
      'staging',
      'prod',
    ]);
    const { body } = await rig.ask('GET', '/v1/presets/backend-chat');
    expect(body).toMatchObject({
      oneModel: true,
      bounds: {
        messages: { atMost: 10, over: 'trim' },
        text: { atMost: 4000, over: 'trim' },
        roles: { only: ['user', 'assistant'], over: 'refuse' },
        output: { atMost: 1024, over: 'trim' },
        tools: 'refuse',
      },
    });
    expect((await rig.ask('GET', '/v1/presets/backend-chta')).body.error?.fix).toBe(
      'Did you mean "backend-chat"?',
    );
  });

  test('an own one is like its base but for what is named, and a record that a restart reads back', async () => {
    const body = {
      name: 'help',
      base: 'backend-chat',
      bounds: { messages: { atMost: 20, over: 'refuse' } },
      rateLimitRPM: 5,
    };
    const added = await rig.ask('POST', '/v1/presets', body);
    expect(added.body).toMatchObject({
      name: 'help',
      builtIn: false,
      rateLimitRPM: 5,
      bounds: { messages: { atMost: 20, over: 'refuse' }, text: { atMost: 4000, over: 'trim' } },
    });
    expect(rig.journal.at(-1)).toMatchObject({ action: 'preset.set', principal: 'local' });
    expect((await rig.ask('POST', '/v1/presets', body)).status).toBe(409);
    expect(
      (await rig.ask('POST', '/v1/presets', { ...body, replace: true, rateLimitRPM: null })).body,
    ).toMatchObject({ rateLimitRPM: null });
    expect((await rig.ask('POST', '/v1/presets', { ...body, name: 'dev', replace: true })).status).toBe(409);
    const unknown = await rig.ask('POST', '/v1/presets', { ...body, name: 'x', bounds: { mesages: null } });
    expect([unknown.status, unknown.body.error?.fix]).toEqual([400, 'Did you mean "messages"?']);
    expect((await rig.ask('POST', '/v1/presets', { ...body, name: 'x', scopes: ['nonsense'] })).status).toBe(
      400,
    );
  });
});

describe('a token with a preset', () => {
  test('of one model gets the scope of exactly that model, and the bounds in its record', async () => {
    const { body } = await issue({
      preset: 'backend-chat',
      environment: 'prod',
      models: ['openai/gpt-oss-120b'],
    });
    expect(body).toMatchObject({
      scopes: ['call:groq/openai/gpt-oss-120b'],
      defaultProvider: 'groq',
      preset: 'backend-chat',
      bounds: {
        models: { only: ['openai/gpt-oss-120b'], over: 'refuse' },
        messages: { atMost: 10, over: 'trim' },
      },
      notes: [],
    });
    const { body: shown } = await rig.ask('GET', `/v1/tokens/${String(body['id'])}`);
    expect(shown).toMatchObject({ preset: 'backend-chat', bounds: body['bounds'] as object });
  });

  test('without a named model gets the usual one, and is told so', async () => {
    const { body } = await issue({ preset: 'backend-chat', environment: 'prod', scopes: ['call:groq/*'] });
    expect(body).toMatchObject({
      scopes: ['call:groq/*'],
      bounds: { models: { only: ['openai/gpt-oss-20b'] } },
    });
    expect(body['notes']).toEqual([expect.stringContaining('openai/gpt-oss-20b')]);
    const exact = await issue({
      preset: 'backend-chat',
      environment: 'prod',
      scopes: ['call:openai/gpt-4o-mini'],
    });
    expect(exact.body).toMatchObject({ bounds: { models: { only: ['gpt-4o-mini'] } }, notes: [] });
  });

  test('of a provider without a usual model wants it named', async () => {
    await addKey('oai', 'openai');
    const refused = await issue({ preset: 'backend-chat', environment: 'prod' });
    expect([refused.status, refused.body.error?.fix]).toEqual([400, 'Add --model.']);
    expect((await issue({ preset: 'backend-chat', environment: 'prod', models: ['a', 'b'] })).status).toBe(
      400,
    );
  });

  test('what is said wins over the preset, bound by bound', async () => {
    const { body } = await issue({
      preset: 'agent',
      environment: 'prod',
      scopes: ['call:groq/*'],
      bounds: { messages: null },
      lifetimeMs: 60_000,
      budget: { limitPicoUsd: '7', period: 'day' },
    });
    expect(body).toMatchObject({
      type: 'agent',
      bounds: { messages: null, text: { atMost: 200_000 } },
      budget: { limitPicoUsd: '7', period: 'day' },
    });
    const { body: shown } = await rig.ask('GET', `/v1/tokens/${String(body['id'])}`);
    expect(shown).toMatchObject({ rateLimitRPM: 60, concurrency: 4 });
  });

  test.each([
    ['dev', 1024, '1000000000000'],
    ['staging', 2048, '5000000000000'],
  ])('of the environment %s reads, and calls under caps', async (preset, output, limitPicoUsd) => {
    await addKey('groq', 'groq');
    const { body } = await issue({ preset });
    expect(body).toMatchObject({
      environment: preset,
      scopes: ['read:*', 'write:limited'],
      defaultProvider: 'groq',
      bounds: { output: { atMost: output } },
      budget: { limitPicoUsd, period: 'day', onCap: 'refuse' },
    });
    expect(body['notes']).toEqual([expect.stringContaining(`--env ${preset}`)]);
    expect((await issue({ preset, environment: 'prod' })).body.error?.message).toContain(
      `the environment ${preset}`,
    );
  });

  test('a key of its own environment needs no note', async () => {
    await addKey('groq', 'groq');
    await addKey('groq-dev', 'groq', 'dev');
    expect((await issue({ preset: 'dev' })).body['notes']).toEqual([]);
  });

  test('of prod has nothing until it is listed', async () => {
    const refused = await issue({ preset: 'prod' });
    expect([refused.status, refused.body.error?.message]).toEqual([
      400,
      expect.stringContaining('list what the token may do'),
    ]);
    expect((await issue({ preset: 'prod', scopes: ['call:groq/openai/gpt-oss-20b'] })).body).toMatchObject({
      environment: 'prod',
      bounds: null,
      budget: null,
    });
  });

  test('grants nothing that its issuer does not hold', async () => {
    const own = adminWith('tokens:write', 'call:groq/openai/gpt-oss-20b');
    await rig.ask('POST', '/v1/budgets', {
      subject: 'team:chat',
      period: 'month',
      limitPicoUsd: '1000000000000',
    });
    const before = rig.journal.length;
    for (const body of [
      { preset: 'dev' },
      { preset: 'backend-chat', environment: 'prod', models: ['openai/gpt-oss-120b'] },
    ]) {
      const { status } = await rig.ask('POST', '/v1/tokens', { team: 'chat', scopes: [], ...body }, own);
      expect(status).toBe(403);
    }
    expect(rig.journal).toHaveLength(before);
    const body = { team: 'chat', scopes: [], preset: 'backend-chat', environment: 'prod' };
    expect((await rig.ask('POST', '/v1/tokens', body, own)).status).toBe(200);
  });

  test('write:limited without a cap is refused, and so is a preset of an admin token', async () => {
    const capless = await issue({ environment: 'dev', scopes: ['write:limited'] });
    expect([capless.status, capless.body.error?.message]).toEqual([
      400,
      expect.stringContaining('under a cap'),
    ]);
    expect((await issue({ environment: 'dev', scopes: ['write:all'] })).status).toBe(400);
    const admin = { type: 'admin', scopes: ['audit:read'], preset: 'batch' };
    expect((await rig.ask('POST', '/v1/tokens', admin)).status).toBe(400);
  });
});

test('a limit of a provider key, which all teams feel, needs the scope of keys', async () => {
  await addKey('groq', 'groq');
  const body = { subject: 'key:groq', rateLimitRPM: 30 };
  const refused = await rig.ask(
    'POST',
    '/v1/limits',
    body,
    adminWith('limits:write', 'teams:write', 'tokens:write'),
  );
  expect(refused.body.error?.message).toContain('keys:write');
  expect((await rig.ask('POST', '/v1/limits', body, adminWith('limits:write', 'keys:write'))).status).toBe(
    200,
  );
  expect((await rig.ask('POST', '/v1/limits', { subject: 'key:groq' })).status).toBe(400);
  const { body: limits } = await rig.ask('GET', '/v1/limits');
  expect(limits).toMatchObject({ limits: [{ subject: 'key:groq', rateLimitRPM: 30, queue: null }] });
});

describe('a pair', () => {
  const pair = (body: object) =>
    rig.ask('POST', '/v1/token-pairs', { team: 'chat', environment: 'dev', ...body });

  test('is a writer, and a reader of what the writer does', async () => {
    const { body } = await pair({ scopes: ['call:groq/*'], name: 'app', preset: 'batch' });
    const { reader, writer } = body as { reader: Record<string, unknown>; writer: Record<string, unknown> };
    expect(writer).toMatchObject({ scopes: ['call:groq/*'], preset: 'batch' });
    expect(reader).toMatchObject({ scopes: ['read:*'], preset: null, bounds: null, defaultProvider: 'groq' });
    expect(Date.parse(String(reader['expiresAt']))).toBeLessThanOrEqual(
      Date.parse(String(writer['expiresAt'])),
    );
    const { body: shown } = await rig.ask('GET', `/v1/tokens/${String(reader['id'])}`);
    expect(shown).toMatchObject({ readsFor: writer['id'] as string, name: 'app (reader)' });
  });

  test('is both or neither', async () => {
    const own = adminWith('tokens:write', 'call:groq/*');
    const body = { team: 'chat', environment: 'dev', scopes: ['call:groq/*'] };
    expect((await rig.ask('POST', '/v1/token-pairs', body, own)).status).toBe(403);
    expect(rig.deps.tokens.list()).toEqual([]);
    const { tokens } = rig.deps;
    const issueOne = tokens.issue.bind(tokens);
    tokens.issue = (issuer, request) =>
      request.readsFor === undefined
        ? issueOne(issuer, request)
        : Promise.reject(new Error('the disk is full'));
    expect((await rig.ask('POST', '/v1/token-pairs', body)).status).toBe(500);
    expect(tokens.list().map(({ state }) => state)).toEqual(['revoked']);
  });

  test('is for one provider', async () => {
    for (const scopes of [['call:*'], ['call:groq/*', 'call:openai/*']]) {
      const { status, body } = await pair({ scopes });
      expect([status, body.error?.fix]).toEqual([400, 'Add --default-provider, such as groq.']);
    }
    expect((await pair({ scopes: ['call:*'], defaultProvider: 'openai' })).status).toBe(200);
    expect((await pair({ type: 'admin', scopes: ['audit:read'] })).status).toBe(400);
    expect(rig.deps.tokens.list()).toHaveLength(2);
  });
});

test('a preset record that this version does not understand stops the start', async () => {
  const store = new MemoryStore();
  const { book } = await openMemoryBook(store, await testKeyring(store));
  await book.change('preset.set', 'local', () => [
    { kind: 'preset', id: 'odd', body: { name: 'odd', later: true } },
  ]);
  const clock = { monotonicMs: () => 0, wallMs: () => 0 };
  expect(() => new Presets({ book, clock })).toThrow('not one that this version understands');
});
