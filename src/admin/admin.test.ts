import { describe, expect, test } from 'bun:test';
import { adminRig, adminWith, endedCall, fixtureKey } from './test-rig.ts';
import { ROUTES, type RouteName } from './contract.ts';
import type { Principal } from './principal.ts';

const TEAM = { id: 'chat' };
const CALLS = { team: 'chat', environment: 'dev', scopes: ['call:groq/*'] };

describe('scopes', () => {
  test('every route refuses a principal without its scope, before anything else is looked at', async () => {
    const { ask } = await adminRig();
    for (const name of Object.keys(ROUTES) as RouteName[]) {
      const { method, path, scope } = ROUTES[name];
      const others = Object.values(ROUTES)
        .map((route) => route.scope)
        .filter((one) => one !== scope);
      const body = method === 'GET' ? undefined : { nonsense: 1 };
      const { status, body: answer } = await ask(method, path, body, adminWith(...others));
      expect([name, status, answer.error?.code]).toEqual([name, 403, 'admin.forbidden']);
      expect(answer.error?.message).toContain(scope);
    }
  });

  test('nobody grants a scope that they do not hold', async () => {
    const { ask, deps, journal } = await adminRig();
    await ask('POST', '/v1/teams', { ...TEAM, policy: { monthlyBudgetUsd: '5' } });
    const principal = adminWith('tokens:write', 'call:groq/*');
    const before = journal.length;
    for (const scopes of [['call:openai/*'], ['call:*'], ['*'], ['call:groq/*', 'call:openai/gpt-5']]) {
      const { status, body } = await ask('POST', '/v1/tokens', { ...CALLS, scopes }, principal);
      expect([scopes, status, body.error?.code]).toEqual([scopes, 403, 'admin.forbidden']);
    }
    const admin = { type: 'admin', scopes: ['keys:write'] };
    expect((await ask('POST', '/v1/tokens', admin, principal)).status).toBe(403);
    expect(deps.tokens.list()).toEqual([]);
    expect(journal).toHaveLength(before);
    expect((await ask('POST', '/v1/tokens', CALLS, principal)).status).toBe(200);
    const issued = deps.tokens.list();
    expect(issued.map(({ scopes, issuedBy }) => ({ scopes, issuedBy }))).toEqual([
      { scopes: ['call:groq/*'], issuedBy: principal.id },
    ]);
  });

  test('a refused issue adds no environment', async () => {
    const { ask, deps } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const body = { ...CALLS, environment: 'preview' };
    await ask('POST', '/v1/tokens', body, adminWith('tokens:write'));
    expect(deps.teams.environments()).not.toContain('preview');
    const { body: issued } = await ask('POST', '/v1/tokens', body);
    expect(issued['environmentAdded']).toBe(true);
    expect(deps.teams.environments()).toContain('preview');
  });

  test("a policy is no way around the budgets' own scope", async () => {
    const { ask, deps } = await adminRig();
    await ask('POST', '/v1/teams', { ...TEAM, policy: { monthlyBudgetUsd: '1.00' } });
    const raise = { monthlyBudgetUsd: '1000' };
    const refused = await ask('PATCH', '/v1/teams/chat/policy', raise, adminWith('teams:write'));
    expect(refused.body.error?.message).toContain('budgets:write');
    expect(deps.ledger.view('team-chat-month').limitPicoUsd as bigint).toBe(10n ** 12n);
    const same = { monthlyBudgetUsd: '1', rateLimitRPM: 5 };
    expect((await ask('PATCH', '/v1/teams/chat/policy', same, adminWith('teams:write'))).status).toBe(200);
    const both = adminWith('teams:write', 'budgets:write');
    expect((await ask('PATCH', '/v1/teams/chat/policy', raise, both)).status).toBe(200);
    expect(deps.ledger.view('team-chat-month').limitPicoUsd as bigint).toBe(1000n * 10n ** 12n);
  });
});

describe('requests', () => {
  test('an unknown field is refused with the nearest name, at every depth', async () => {
    const { ask } = await adminRig();
    const flat = await ask('POST', '/v1/teams', { id: 'chat', polcy: {} });
    expect([flat.status, flat.body.error?.fix]).toEqual([400, 'Did you mean "policy"?']);
    const deep = await ask('POST', '/v1/teams', { id: 'chat', policy: { rateLimitRPN: 5 } });
    expect([deep.status, deep.body.error?.fix]).toEqual([400, 'Did you mean "rateLimitRPM"?']);
    const query = await ask('GET', '/v1/audit?limt=3');
    expect([query.status, query.body.error?.fix]).toEqual([400, 'Did you mean "limit"?']);
  });

  test('no message repeats a value, whatever field it was pasted into', async () => {
    const { ask } = await adminRig();
    const key = fixtureKey('pasted');
    const bodies = [
      { [key]: 1 },
      { name: 'groq', provider: key, value: 'x'.repeat(20) },
      { name: key, provider: 'groq', value: 'x'.repeat(20) },
      { name: 'groq', provider: 'groq', origin: key, value: 'x'.repeat(20) },
      { name: 'groq', provider: 'groq', value: `${key} with a space` },
      { name: 'groq', provider: 'groq', value: [key] },
    ];
    for (const body of bodies) {
      const answer = await ask('POST', '/v1/keys', body);
      expect([JSON.stringify(body), answer.status]).not.toEqual([JSON.stringify(body), 200]);
      expect(JSON.stringify(answer.body)).not.toContain(key.slice(0, 16));
    }
  });

  test('a body with a duplicate key, another type or bad bytes is refused', async () => {
    const { app } = await adminRig();
    const send = async (body: string | Uint8Array, type = 'application/json'): Promise<string> => {
      const request = new Request('http://localhost/v1/teams', {
        method: 'POST',
        body: typeof body === 'string' ? body : Buffer.from(body),
        headers: { 'content-type': type },
      });
      const response = await app.fetch(request, { principal: adminWith('teams:write'), requestId: 'r' });
      return ((await response.json()) as { error: { code: string } }).error.code;
    };
    expect(await send('{"id":"a","id":"b"}')).toBe('request.invalid');
    expect(await send('{"id":"a"}', 'text/plain')).toBe('request.invalid');
    expect(await send('[]')).toBe('request.invalid');
    expect(await send(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).toBe('request.invalid');
  });

  test('a query parameter given twice is refused', async () => {
    const { ask } = await adminRig();
    expect((await ask('GET', '/v1/audit?team=a&team=b')).status).toBe(400);
  });

  test('an unknown route is a 404 of the same shape, with the request id', async () => {
    const { ask } = await adminRig();
    for (const [method, path] of [
      ['GET', '/v1/nothing'],
      ['DELETE', '/v1/teams'],
      ['GET', '/'],
    ] as const) {
      const { status, body, headers } = await ask(method, path);
      expect([status, body.error?.code]).toEqual([404, 'request.unknown_path']);
      expect(headers.get('x-request-id')).toBe('adm_test');
    }
  });

  test('an internal error says nothing about its cause', async () => {
    const { ask, deps } = await adminRig();
    const secret = fixtureKey('inside');
    deps.teams.list = () => {
      throw new Error(`the database said ${secret}`);
    };
    const { status, body } = await ask('GET', '/v1/teams');
    expect([status, body.error?.code]).toEqual([500, 'gateway.internal']);
    expect(JSON.stringify(body)).not.toContain('database');
  });
});

describe('teams', () => {
  test('a policy has exactly its five fields, and a change leaves the others as they are', async () => {
    const { ask } = await adminRig();
    const policy = { allowedModels: ['openai/*'], monthlyBudgetUsd: '250' };
    await ask('POST', '/v1/teams', { id: 'chat', policy });
    await ask('PATCH', '/v1/teams/chat/policy', { concurrency: 3 });
    const { body } = await ask('GET', '/v1/teams/chat');
    expect(body['policy']).toEqual({
      allowedModels: ['openai/*'],
      maxTokensPerRequest: null,
      monthlyBudgetUsd: '250.00',
      rateLimitRPM: null,
      concurrency: 3,
    });
  });

  test('a team whose budget cannot be set is not added', async () => {
    const { ask, deps } = await adminRig();
    for (const monthlyBudgetUsd of ['0', '1000000.01', '1e3', 'many']) {
      const { status } = await ask('POST', '/v1/teams', { id: 'chat', policy: { monthlyBudgetUsd } });
      expect([monthlyBudgetUsd, status]).toEqual([monthlyBudgetUsd, 400]);
    }
    expect(deps.teams.has('chat')).toBe(false);
  });

  test('a budget is not taken away by a policy', async () => {
    const { ask } = await adminRig();
    await ask('POST', '/v1/teams', { id: 'chat', policy: { monthlyBudgetUsd: '5' } });
    expect((await ask('PATCH', '/v1/teams/chat/policy', { monthlyBudgetUsd: null })).status).toBe(400);
  });
});

describe('tokens', () => {
  test('only the answer to issue holds the secret', async () => {
    const { ask, deps } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const { body } = await ask('POST', '/v1/tokens', CALLS);
    const text = String(body['token']);
    expect(deps.tokens.authenticate(text).id).toBe(String(body['id']));
    const secret = text.slice(-38);
    for (const path of ['/v1/tokens', `/v1/tokens/${String(body['id'])}`]) {
      expect(JSON.stringify((await ask('GET', path)).body)).not.toContain(secret);
    }
  });

  test('each type has its own default lifetime', async () => {
    const { ask, clock } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const minutes: Record<string, number> = { service: 129_600, personal: 43_200, ci: 15, agent: 60 };
    for (const [type, expected] of Object.entries(minutes)) {
      const { body } = await ask('POST', '/v1/tokens', { ...CALLS, type });
      expect((Date.parse(String(body['expiresAt'])) - clock.nowMs) / 60_000).toBe(expected);
    }
  });

  test('a token that was asked for with a budget does not live without it', async () => {
    const { ask, deps } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const budget = { limitPicoUsd: '2000000000000', period: 'total' };
    const { body } = await ask('POST', '/v1/tokens', { ...CALLS, budget });
    expect(deps.ledger.list(`token:${String(body['id'])}`)).toHaveLength(1);
    const tooMuch = { ...CALLS, budget: { limitPicoUsd: '0', period: 'total' } };
    expect((await ask('POST', '/v1/tokens', tooMuch)).status).toBe(400);
    expect(deps.tokens.list()).toHaveLength(1);
    deps.ledger.setBudget = () => Promise.reject(new Error('the disk is full'));
    expect((await ask('POST', '/v1/tokens', { ...CALLS, budget })).status).toBe(500);
    expect(deps.tokens.list().map(({ state }) => state)).toEqual(['active', 'revoked']);
  });

  test('a token is shown as expired by the clock', async () => {
    const { ask, clock } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const { body } = await ask('POST', '/v1/tokens', { ...CALLS, lifetimeMs: 1000 });
    clock.nowMs += 1000;
    expect((await ask('GET', `/v1/tokens/${String(body['id'])}`)).body['state']).toBe('expired');
  });
});

describe('keys', () => {
  const add = { name: 'groq', provider: 'groq' };

  test('no answer holds the value, and the origin is the provider’s own', async () => {
    const { ask } = await adminRig();
    const value = fixtureKey('sealed');
    const added = await ask('POST', '/v1/keys', { ...add, value });
    expect(added.body).toMatchObject({ name: 'groq', provider: 'groq', version: 1, state: 'active' });
    for (const path of ['/v1/keys', '/v1/keys/groq', '/v1/status']) {
      const { status, body } = await ask('GET', path);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(value.slice(0, 16));
    }
    const { body } = await ask('GET', '/v1/keys/groq');
    expect(body['origin']).toBe('https://api.groq.com');
  });

  test('a key that the provider does not know is kept, but disabled', async () => {
    const { ask, deps, provider } = await adminRig();
    Object.assign(provider, { status: 401, code: 'invalid_api_key' });
    const { body } = await ask('POST', '/v1/keys', { ...add, value: fixtureKey('dead') });
    expect(body).toMatchObject({ state: 'disabled', verification: { verdict: 'dead', status: 401 } });
    expect(deps.vault.select({ provider: 'groq', team: 'chat', environment: 'dev' })).toBeUndefined();
  });

  test('a key that cannot be verified stays in use', async () => {
    const { ask, provider } = await adminRig();
    Object.assign(provider, { status: 503, code: 'overloaded' });
    const { body } = await ask('POST', '/v1/keys', { ...add, value: fixtureKey('maybe') });
    expect(body).toMatchObject({ state: 'active', verification: { verdict: 'unknown' } });
  });

  test('replace keeps provider and origin, and needs neither', async () => {
    const { ask } = await adminRig();
    const value = fixtureKey('one');
    await ask('POST', '/v1/keys', { ...add, origin: 'https://gateway.example.com', value });
    const again = await ask('POST', '/v1/keys', { name: 'groq', replace: true, value: fixtureKey('two') });
    expect(again.body).toMatchObject({ provider: 'groq', version: 2 });
    const { body } = await ask('GET', '/v1/keys/groq');
    expect(body).toMatchObject({ origin: 'https://gateway.example.com', activeVersion: 2 });
  });
});

describe('limits', () => {
  test('requests per minute and concurrency are those of the policy and of the token; the rest is a record of its own', async () => {
    const { ask, journal } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const subject = 'team:chat';
    const set = await ask('POST', '/v1/limits', {
      subject,
      rateLimitRPM: 7,
      rateLimitTPM: 9000,
      rateLimitRPD: 50,
    });
    const limits = { rateLimitRPM: 7, rateLimitTPM: 9000, rateLimitRPD: 50, concurrency: null };
    expect(set.body).toMatchObject({ subject, ...limits, zone: 'UTC', requestsToday: 0 });
    expect(journal.slice(-2).map(({ action }) => action)).toEqual(['limit.set', 'policy.set']);
    const { policy } = (await ask('GET', '/v1/teams/chat')).body as { policy: Record<string, unknown> };
    expect(Object.keys(policy).toSorted()).toEqual(
      ['allowedModels', 'maxTokensPerRequest', 'monthlyBudgetUsd', 'rateLimitRPM', 'concurrency'].toSorted(),
    );
    expect(policy['rateLimitRPM']).toBe(7);
    const { id } = (await ask('POST', '/v1/tokens', { ...CALLS, concurrency: 3 })).body as { id: string };
    await ask('POST', '/v1/limits', { subject: `token:${id}`, rateLimitRPM: 2, zone: 'Europe/Berlin' });
    expect((await ask('GET', `/v1/tokens/${id}`)).body).toMatchObject({ rateLimitRPM: 2, concurrency: 3 });
    await ask('POST', '/v1/limits', { subject, rateLimitTPM: null });
    const { limits: all } = (await ask('GET', '/v1/limits')).body as { limits: object[] };
    expect(all).toMatchObject([
      { subject, ...limits, rateLimitTPM: null },
      { subject: `token:${id}`, rateLimitRPM: 2, concurrency: 3, zone: 'Europe/Berlin', dayEndsAt: null },
    ]);
  });

  test('a limit is for a team or token that there is, names something, and asks for the scope of what it changes', async () => {
    const { ask } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const set = (body: object, who?: Principal) => ask('POST', '/v1/limits', body, who);
    expect((await set({ subject: 'team:chaat', rateLimitTPM: 1 })).body.error?.fix).toBe(
      'Did you mean "chat"?',
    );
    expect((await set({ subject: 'token:nobody', rateLimitTPM: 1 })).status).toBe(404);
    expect((await set({ subject: 'org', rateLimitTPM: 1 })).status).toBe(400);
    expect((await set({ subject: 'team:chat' })).status).toBe(400);
    expect((await set({ subject: 'team:chat', rateLimitTPM: -1 })).status).toBe(400);
    expect((await set({ subject: 'team:chat', zone: 'Nowhere' })).status).toBe(400);
    const change = { subject: 'team:chat', rateLimitTPM: 1 };
    expect((await set(change, adminWith('limits:write'))).status).toBe(403);
    expect((await set(change, adminWith('limits:write', 'tokens:write'))).status).toBe(403);
    expect((await set(change, adminWith('limits:write', 'teams:write'))).status).toBe(200);
  });
});

describe('budgets', () => {
  test('a budget is for a token, team, project or environment that there is, or for everything', async () => {
    const { ask } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    await ask('POST', '/v1/projects', { id: 'bot', team: 'chat' });
    const set = (subject: string) =>
      ask('POST', '/v1/budgets', { subject, period: 'month', limitPicoUsd: '1000000000000' });
    expect((await set('team:chat')).status).toBe(200);
    expect((await set('team:chaat')).body.error?.fix).toBe('Did you mean "chat"?');
    expect((await set('token:nobody')).status).toBe(404);
    expect((await set('project:bot')).body['id']).toBe('project-bot-month');
    expect((await set('project:bott')).body.error?.fix).toBe('Did you mean "bot"?');
    expect((await set('env:chat/prod')).body['id']).toBe('env-chat/prod-month');
    expect((await set('env:chat/prodd')).body.error?.fix).toBe('Did you mean "prod"?');
    expect((await set('env:prod')).status).toBe(400);
    expect((await set('org')).body['id']).toBe('org-month');
    expect((await set('org:all')).status).toBe(400);
    const resume = await ask('POST', `/v1/budgets/${encodeURIComponent('env-chat/prod-month')}/resume`, {});
    expect(resume.body['resumed']).toBe(false);
  });

  test('a budget has a time zone; one that nobody knows is refused, and one that is not named stays', async () => {
    const { ask } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const set = (change: object) =>
      ask('POST', '/v1/budgets', { subject: 'team:chat', period: 'day', limitPicoUsd: '7', ...change });
    expect((await set({ zone: 'Europe/Berlim' })).status).toBe(400);
    const { body } = await set({ zone: 'Europe/Berlin' });
    expect(body).toMatchObject({ zone: 'Europe/Berlin', resetsAt: '2026-11-21T23:00:00.000Z' });
    expect((await set({ limitPicoUsd: '8' })).body).toMatchObject({
      zone: 'Europe/Berlin',
      limitPicoUsd: '8',
    });
  });

  test('a wall clock that was set stops periods, shows, and goes on when an operator confirms it', async () => {
    const { ask, clock, clockEvents } = await adminRig();
    const confirm = () => ask('POST', '/v1/budget-clock/confirm', {});
    expect((await confirm()).body).toEqual({ resumed: false, clock: { stoppedAt: null, jumpMs: 0 } });
    clock.nowMs += 3_600_000;
    clock.setBackMs += 3_600_000;
    const stopped = { stoppedAt: '2026-11-21T12:00:00.000Z', jumpMs: 3_600_000 };
    expect((await ask('GET', '/v1/status')).body['budgetClock']).toEqual(stopped);
    const reader = adminWith('status:*', 'budgets:read');
    expect((await ask('POST', '/v1/budget-clock/confirm', {}, reader)).status).toBe(403);
    expect((await confirm()).body).toEqual({ resumed: true, clock: { stoppedAt: null, jumpMs: 0 } });
    expect(clockEvents.map(({ action, principal }) => [action, principal])).toEqual([
      ['clock.jumped', 'system'],
      ['clock.resumed', 'local'],
    ]);
  });

  test('a correction needs a reason and is recorded with the principal', async () => {
    const { ask, budgetEvents } = await adminRig();
    await ask('POST', '/v1/teams', { ...TEAM, policy: { monthlyBudgetUsd: '5' } });
    const path = '/v1/budgets/team-chat-month/adjust';
    expect((await ask('POST', path, { deltaPicoUsd: '7', reason: ' ' })).status).toBe(400);
    expect((await ask('POST', path, { deltaPicoUsd: '0', reason: 'why' })).status).toBe(400);
    const { body } = await ask('POST', path, { deltaPicoUsd: '7', reason: 'invoice' });
    expect(body['spentPicoUsd']).toBe('7');
    expect(budgetEvents.at(-1)).toMatchObject({
      action: 'budget.adjusted',
      principal: 'local',
      reason: 'invoice',
    });
  });
});

describe('explain', () => {
  const model = 'openai/gpt-oss-20b';

  test('names the cap, the worst case, the key and the budgets of an allowed call', async () => {
    const { ask } = await adminRig();
    const policy = { maxTokensPerRequest: 100, monthlyBudgetUsd: '5' };
    await ask('POST', '/v1/teams', { ...TEAM, policy });
    await ask('POST', '/v1/keys', { name: 'groq', provider: 'groq', value: fixtureKey('pays') });
    const { body: token } = await ask('POST', '/v1/tokens', CALLS);
    const { body } = await ask('POST', '/v1/explain', { token: token['id'], model, promptBytes: 10 });
    expect(body).toMatchObject({
      allowed: true,
      refusal: null,
      provider: 'groq',
      obligations: { injectCap: 100 },
      keySlot: { name: 'groq', version: 1 },
      budgets: [{ fits: true, budget: { id: 'team-chat-month' } }],
    });
    expect(BigInt(String(body['worstCasePicoUsd']))).toBeGreaterThan(0n);
  });

  test('says what the gateway would say first', async () => {
    const { ask, deps } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const { body: token } = await ask('POST', '/v1/tokens', CALLS);
    const id = String(token['id']);
    const codeOf = async (request: object): Promise<unknown> => {
      const { body } = await ask('POST', '/v1/explain', { token: id, model, ...request });
      expect(body['allowed']).toBe(false);
      return (body['refusal'] as { code: string } | null)?.code;
    };
    expect(await codeOf({ provider: 'openai' })).toBe('access.model');
    expect(await codeOf({ model: 'no/such-model' })).toBe('model.unknown');
    expect(await codeOf({ features: ['tool:browser_search'] })).toBe('access.feature');
    expect(await codeOf({})).toBe('upstream.unavailable');
    await ask('POST', '/v1/keys', { name: 'groq', provider: 'groq', value: fixtureKey('pays') });
    const budget = { subject: 'team:chat', period: 'total', limitPicoUsd: '1' };
    await ask('POST', '/v1/budgets', budget);
    expect(await codeOf({})).toBe('budget.exceeded');
    await deps.tokens.revoke('local', id, null);
    expect(await codeOf({})).toBe('token.invalid');
  });

  test('agrees with the gateway about a token without a default provider', async () => {
    const { ask } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    const { body: token } = await ask('POST', '/v1/tokens', { ...CALLS, scopes: ['call:*'] });
    const { body } = await ask('POST', '/v1/explain', { token: token['id'], model });
    expect(body['refusal']).toMatchObject({ code: 'request.ambiguous_provider' });
  });
});

describe('audit and status', () => {
  test('addresses and end users appear in clear while there is a clear value', async () => {
    const { ask, rows, people } = await adminRig();
    rows.push(endedCall({ userId: 'u_known', address: 'a_gone', costPicoUsd: 9_007_199_254_740_993n }));
    people.push({ commitment: 'u_known', kind: 'user', value: 'ada', salt: new Uint8Array(16) });
    const { body } = await ask('GET', '/v1/audit');
    expect(body['entries']).toMatchObject([
      { userId: 'ada', address: 'a_gone', costPicoUsd: '9007199254740993' },
    ]);
  });

  test('teams that nothing stops are named', async () => {
    const { ask } = await adminRig();
    await ask('POST', '/v1/teams', TEAM);
    await ask('POST', '/v1/teams', { id: 'capped', policy: { monthlyBudgetUsd: '5' } });
    expect((await ask('GET', '/v1/status')).body['teamsWithoutBudget']).toEqual(['chat']);
  });
});
