import { afterAll, beforeEach, expect, test } from 'bun:test';
import type { AuthRefused } from '../../src/audit/entry.ts';
import { parseUsd } from '../../src/core/money.ts';
import { budget, endOf, entries, eventually, refusals } from '../support/calls.ts';
import { startCapture } from '../support/capture.ts';
import { MODEL, openGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { addKey, chatJson, errorOf, issueToken, mistyped, postChat } from '../support/setup.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

const ANSWER = {
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
};

/** Bodies that a careless re-encoding would change: odd spaces, digits beyond a double, escapes, fields that nobody knows. */
const ODD_BODIES = [
  `{"model":"${MODEL}","messages":[{"role":"user","content":"hi"}]}`,
  ` \n{ "messages" : [ { "role":"user" , "content":"h\\u00e9 \\ud83d\\ude00 \\/ 日本" } ],\t"seed":12345678901234567890123, "x_unknown":1.0e-7,\r\n"model":"${MODEL}" } \n`,
  `{"temperature":1.00,"logit_bias":{"50256":-100},"messages":[{"content":"","role":"user"}],"model":"openai\\/gpt-oss-20b","__proto__":{"a":1}}`,
];

test('a request without a cap gets the team cap, and no other byte of it changes', async () => {
  await using capped = await openGate();
  await using upstream = startCapture(() => Response.json(ANSWER));
  await addKey(capped, { name: 'capture', provider: 'groq', origin: upstream.url, environment: 'capture' });
  const { text: token } = await issueToken(capped, { environment: 'capture' });
  const sent: string[] = [];
  const send = async (body: string): Promise<void> => {
    sent.push(body);
    expect((await postChat(capped, body, { token })).status).toBe(200);
  };
  for (const body of ODD_BODIES) await send(body);
  // Without a policy nothing is touched at all.
  expect(upstream.requests.map(({ body }) => body.toString())).toEqual(sent);

  await capped.app.teams.setLimits('local', 'acme', { maxTokensPerRequest: 40 });
  for (const body of ODD_BODIES) await send(body);
  const fragment = '"max_completion_tokens":40,';
  for (const [index, body] of ODD_BODIES.entries()) {
    const received = upstream.requests[ODD_BODIES.length + index]!.body.toString();
    expect(received.split(fragment)).toHaveLength(2);
    expect(received.replace(fragment, '')).toBe(body);
    expect((JSON.parse(received) as Record<string, unknown>)['max_completion_tokens']).toBe(40);
  }

  const before = upstream.requests.length;
  const base = ODD_BODIES[0]!.slice(0, -1);
  await send(`${base},"max_tokens": 30}`);
  await send(`${base},"max_completion_tokens":40}`);
  await send(`${base},"max_completion_tokens": null}`);
  const [older, own, none] = upstream.requests.slice(before).map(({ body }) => body.toString());
  expect(older).toBe(`${base},"max_tokens": 30}`);
  expect(own).toBe(`${base},"max_completion_tokens":40}`);
  expect(none).toBe(`${base},"max_completion_tokens": 40}`);
});

test('an injected cap holds with the real wire: the provider stops there', async () => {
  await using capped = await openGate();
  await capped.app.teams.setLimits('local', 'acme', { maxTokensPerRequest: 10 });
  capped.fake.setKnobs({ completionTokens: 200 });
  const response = await postChat(capped, { max_completion_tokens: undefined, stream: true });
  const text = await response.text();
  expect(text).toContain('"finish_reason":"length"');
  expect(capped.fake.calls()[0]!.completionTokens).toBe(10);
  const end = await endOf(capped, response.headers.get('x-request-id'));
  expect(end).toMatchObject({ completionTokens: 10, costPicoUsd: capped.fake.bill().picoUsd });
});

test('what the policy or the price table does not allow is refused before anything is sent, and is on record', async () => {
  await using strict = await openGate();
  await strict.app.teams.setLimits('local', 'acme', {
    maxTokensPerRequest: 40,
    allowedModels: ['openai/gpt-oss-20b', 'openai/gpt-oss-9*'],
  });
  const tool = (type: string): object => ({ tools: [{ type }] });
  const content = (type: string): object => ({ messages: [{ role: 'user', content: [{ type }] }] });
  const cases: readonly (readonly [object, number, string, string])[] = [
    [{ max_completion_tokens: 41 }, 403, 'feature_not_allowed', 'access.feature'],
    [{ max_completion_tokens: 40, max_tokens: 41 }, 403, 'feature_not_allowed', 'access.feature'],
    [{ max_completion_tokens: 30, n: 2 }, 403, 'feature_not_allowed', 'access.feature'],
    [{ model: 'openai/gpt-oss-120b' }, 403, 'model_not_allowed', 'access.model'],
    [{ model: 'openai/gpt-oss-9000b' }, 404, 'model_not_found', 'model.unknown'],
    [tool('mcp'), 403, 'feature_not_allowed', 'access.feature'],
    [tool('browser_search'), 403, 'feature_not_allowed', 'access.feature'],
    [tool('code_interpreter'), 403, 'feature_not_allowed', 'access.feature'],
    [content('input_audio'), 403, 'feature_not_allowed', 'access.feature'],
    [content('file'), 403, 'feature_not_allowed', 'access.feature'],
    [{ service_tier: 'performance' }, 403, 'feature_not_allowed', 'access.feature'],
    [{ compound_custom: {} }, 403, 'feature_not_allowed', 'access.feature'],
    [{ search_settings: {} }, 403, 'feature_not_allowed', 'access.feature'],
    [{ web_search_options: {} }, 403, 'feature_not_allowed', 'access.feature'],
    [{ audio: {} }, 403, 'feature_not_allowed', 'access.feature'],
    [{ modalities: ['audio'] }, 403, 'feature_not_allowed', 'access.feature'],
    [{ stream: 'yes' }, 400, 'invalid_request', 'request.invalid'],
    [{ max_completion_tokens: 0 }, 400, 'invalid_request', 'request.invalid'],
    [{ max_completion_tokens: -1 }, 400, 'invalid_request', 'request.invalid'],
    [{ max_completion_tokens: 1.5 }, 400, 'invalid_request', 'request.invalid'],
    [{ n: 1000 }, 400, 'invalid_request', 'request.invalid'],
    [{ messages: 'hi' }, 400, 'invalid_request', 'request.invalid'],
    [{ model: 7 }, 400, 'invalid_request', 'request.invalid'],
  ];
  for (const [change, status, code] of cases) {
    const response = await postChat(strict, { max_completion_tokens: 20, ...change });
    expect([change, response.status]).toEqual([change, status]);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(response.headers.get('x-sallyport-receipt')).toMatch(/^n1@\d+\/\d+\/[\w-]+$/);
    const error = await errorOf(response);
    expect(error.code).toBe(code);
    expect(error.type).toBe(status === 403 ? 'permissions_error' : 'invalid_request_error');
  }
  const duplicate = chatJson({}).replace('{', '{"model":"qwen/qwen3.8-27b",');
  for (const body of [duplicate, 'not json', '[]', '', '{"model":', '"text"', `${chatJson({})} {}`]) {
    const response = await postChat(strict, body);
    expect([body, response.status]).toEqual([body, 400]);
  }
  const zipped = await postChat(strict, {}, { headers: { 'content-encoding': 'gzip' } });
  expect(zipped.status).toBe(400);
  expect(refusals(strict).map(({ errorCode }) => errorCode)).toEqual([
    ...cases.map(([, , , code]) => code),
    ...Array<string>(8).fill('request.invalid'),
  ]);
  expect(strict.fake.calls()).toHaveLength(0);
});

test('a rate limit is stated on every reply, and a 429 says when to come again', async () => {
  const { text: token } = await issueToken(gate, { rateLimitRPM: 3 });
  const remaining: (string | null)[] = [];
  for (let call = 0; call < 3; call += 1) {
    const response = await postChat(gate, { stream: call === 1 }, { token });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-ratelimit-limit-requests')).toBe('3');
    expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(?:1m0s|5\d(?:\.\d+)?s)$/);
    remaining.push(response.headers.get('x-ratelimit-remaining-requests'));
    await response.arrayBuffer();
  }
  expect(remaining).toEqual(['2', '1', '0']);
  const refused = await postChat(gate, {}, { token });
  expect(refused.status).toBe(429);
  const after = Number(refused.headers.get('retry-after'));
  expect(Number.isInteger(after)).toBe(true);
  expect(after).toBeWithin(50, 61);
  expect(refused.headers.get('retry-after-ms')).toBe(String(after * 1000));
  expect(refused.headers.get('x-should-retry')).toBe('true');
  expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect(await errorOf(refused)).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' });
  expect(gate.fake.calls()).toHaveLength(3);
  // Another token of the team is not concerned.
  expect((await postChat(gate, {})).headers.get('x-ratelimit-limit-requests')).toBeNull();
});

test('a team rate limit counts all its tokens, and a rate of zero invites no retry', async () => {
  await using limited = await openGate();
  await limited.app.teams.setLimits('local', 'acme', { rateLimitRPM: 2 });
  const { text: token } = await issueToken(limited);
  expect((await postChat(limited, {})).status).toBe(200);
  expect((await postChat(limited, {}, { token })).status).toBe(200);
  expect((await postChat(limited, {})).status).toBe(429);
  expect((await postChat(limited, {}, { token })).status).toBe(429);
  await limited.app.teams.setLimits('local', 'acme', { rateLimitRPM: 0 });
  const off = await postChat(limited, {});
  expect(off.status).toBe(429);
  expect(off.headers.get('x-should-retry')).toBe('false');
  expect(off.headers.get('retry-after')).toBeNull();
});

test('a concurrency limit refuses the call too many with a retry after a second, at any number of calls at once', async () => {
  const { text: token } = await issueToken(gate, { concurrency: 4 });
  gate.fake.setKnobs({ ttftMs: 200 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => postChat(gate, {}, { token })));
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
  expect(refused).toHaveLength(16);
  for (const response of refused) expect(response.headers.get('retry-after')).toBe('1');
  expect(gate.fake.calls()).toHaveLength(4);
  expect((await postChat(gate, {}, { token })).status).toBe(200);
});

test('a budget refuses what it cannot bear with a 402, holds at any concurrency, and opens again when it is resumed', async () => {
  await using poor = await openGate({ budgetUsd: '0.0001' });
  poor.fake.setKnobs({ ttftMs: 50, completionTokens: 40 });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => postChat(poor, { max_completion_tokens: 50 })),
  );
  const passed = answers.filter(({ status }) => status === 200).length;
  expect(passed).toBeWithin(1, 5);
  for (const response of answers.filter(({ status }) => status !== 200)) {
    expect(response.status).toBe(402);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(response.headers.get('retry-after')).toBeNull();
    const error = await errorOf(response);
    expect(error).toMatchObject({ type: 'insufficient_quota', code: 'budget_exceeded' });
    expect(error.message).toContain('team-acme-month');
  }
  expect(poor.fake.calls()).toHaveLength(passed);
  expect(budget(poor).spentPicoUsd).toBeLessThanOrEqual(budget(poor).limitPicoUsd);
  expect((await postChat(poor, { max_completion_tokens: 5000 })).status).toBe(402);
  expect(budget(poor).state).toBe('paused');
  expect((await postChat(poor, { max_completion_tokens: 1 })).status).toBe(402);
  const subject = { subject: 'team:acme', period: 'month' } as const;
  await poor.app.ledger.setBudget('local', { ...subject, limitPicoUsd: parseUsd('1') });
  poor.app.ledger.resume('team-acme-month', 'local');
  expect((await postChat(poor, {})).status).toBe(200);
});

test('a token that is bound to a network works from there only, whatever a header claims', async () => {
  const away = await issueToken(gate, { cidrs: ['10.0.0.0/8', '2001:db8::/32'] });
  const here = await issueToken(gate, { cidrs: ['127.0.0.0/8'] });
  const headers = { 'x-forwarded-for': '10.1.2.3', forwarded: 'for=10.1.2.3', 'x-real-ip': '10.1.2.3' };
  const refused = await postChat(gate, {}, { token: away.text, headers });
  expect(refused.status).toBe(403);
  expect(await errorOf(refused)).toMatchObject({ code: 'token_not_allowed_here' });
  expect(refusals(gate).at(-1)).toMatchObject({ tokenId: away.id, errorCode: 'token.not_here' });
  expect((await postChat(gate, {}, { token: here.text })).status).toBe(200);
});

test('a call from a web page is refused, unless the token is meant for one', async () => {
  const safe = await issueToken(gate, { browserSafe: true });
  for (const headers of [{ origin: 'https://app.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const call = async (token: string): Promise<number> => {
      const client = new RawClient(gate.url);
      client.send({ headers: { authorization: `Bearer ${token}`, ...headers }, body: chatJson({}) });
      const reply = await client.whole();
      client.socket.destroy();
      expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
      return reply.status;
    };
    expect(await call(gate.token)).toBe(403);
    expect(await call(safe.text)).toBe(200);
  }
  expect(gate.fake.calls()).toHaveLength(2);
});

test('an expired token is refused like an unknown one, and its holder learns why', async () => {
  const { text: token } = await issueToken(gate, { lifetimeMs: 1 });
  await Bun.sleep(5);
  const expired = await postChat(gate, {}, { token });
  expect(expired.status).toBe(401);
  const error = await errorOf(expired);
  expect(error.code).toBe('invalid_api_key');
  expect(error.message).toContain('expired');
  const unknown = await errorOf(await postChat(gate, {}, { token: mistyped(token) }));
  expect(unknown).toMatchObject({ code: 'invalid_api_key' });
  expect(unknown.message).not.toContain('expired');
  expect(gate.fake.calls()).toHaveLength(0);
});

test('revoking a token cuts its streams and its waiting calls within a second, and no others', async () => {
  const doomed = await issueToken(gate);
  gate.fake.setKnobs({ tokensPerSecond: 50, completionTokens: 400 });
  const open = async (token: string): Promise<RawClient> => {
    const client = new RawClient(gate.url);
    const body = chatJson({ stream: true, max_completion_tokens: 400 });
    client.send({ headers: { authorization: `Bearer ${token}` }, body });
    await client.until('"content":" reply"');
    return client;
  };
  const cut = await Promise.all([open(doomed.text), open(doomed.text)]);
  const spared = await open(gate.token);
  gate.fake.setKnobs({ ttftMs: 10_000 });
  const waiting = postChat(gate, {}, { token: doomed.text });
  await eventually(() => gate.fake.calls().length === 4);

  const startedMs = performance.now();
  await gate.app.tokens.revoke('local', doomed.id, 'leaked');
  for (const client of cut) expect((await client.end(1000)).complete).toBe(false);
  expect((await waiting).status).toBe(401);
  expect(performance.now() - startedMs).toBeLessThan(5000);
  expect(spared.closed).toBe(false);
  for (const client of cut) {
    const end = await endOf(gate, client.reply.headers.get('x-request-id')!);
    expect(end).toMatchObject({ result: 'error', errorCode: 'token.invalid', basis: 'delivered' });
    const find = () => gate.fake.calls().find(({ requestId }) => requestId === end.id);
    await eventually(() => find()?.aborted === true);
    const record = find()!;
    expect(record.aborted).toBe(true);
    expect(BigInt(end.costPicoUsd)).toBeGreaterThanOrEqual(BigInt(record.picoUsd));
  }
  expect((await postChat(gate, {}, { token: doomed.text })).status).toBe(401);
  spared.socket.destroy();
  await eventually(() => budget(gate).heldPicoUsd === 0n);
});

test('without a default provider the path has to name one', async () => {
  const scopes = ['call:groq/*', 'call:openai/*'];
  const { text: token } = await issueToken(gate, { scopes });
  const unclear = await postChat(gate, {}, { token });
  expect(unclear.status).toBe(400);
  const error = await errorOf(unclear);
  expect(error.code).toBe('ambiguous_provider');
  expect(error.message).toContain('/p/groq');
  expect(error.message).toContain('/p/openai');
  expect((await postChat(gate, {}, { token, path: '/p/groq/v1/chat/completions' })).status).toBe(200);
  const { text: settled } = await issueToken(gate, { scopes, defaultProvider: 'groq' });
  expect((await postChat(gate, {}, { token: settled })).status).toBe(200);
});

test('a provider without a key for the caller is a 503 that no SDK tries again', async () => {
  const { text: token } = await issueToken(gate, { scopes: ['call:openai/*'] });
  const response = await postChat(gate, { model: 'gpt-4o-mini' }, { token });
  expect(response.status).toBe(503);
  expect(response.headers.get('x-should-retry')).toBe('false');
  expect(await errorOf(response)).toMatchObject({ code: 'upstream_unavailable' });
});

async function statusOf(method: string, path: string, host = 'gate'): Promise<number> {
  const client = new RawClient(gate.url);
  const headers = { host, authorization: `Bearer ${gate.token}` };
  client.send({ method, path, headers, body: method === 'POST' ? chatJson({}) : '' });
  const reply = await client.whole();
  client.socket.destroy();
  return reply.status;
}

test('endpoints that are off are a 403, unknown ones a 404, and nothing but the table reaches the provider', async () => {
  const off = [
    'responses',
    'completions',
    'embeddings',
    'audio/transcriptions',
    'audio/speech',
    'files',
    'files/x/content',
    'batches',
    'fine_tuning/jobs',
    'images/generations',
    'moderations',
  ];
  for (const endpoint of off) {
    for (const prefix of ['/openai/v1/', '/v1/', '/p/groq/openai/v1/', '/openai/v1/openai/v1/']) {
      expect([endpoint, await statusOf('POST', prefix + endpoint)]).toEqual([endpoint, 403]);
    }
  }
  const unknown: readonly (readonly [string, string])[] = [
    ['POST', '/'],
    ['POST', '/chat/completions'],
    ['POST', '/v1/chat/completions/x'],
    ['POST', '/v1/chat'],
    ['GET', '/v1/chat/completions'],
    ['DELETE', '/v1/models/x'],
    ['POST', '/v1/models'],
    ['POST', '/v2/chat/completions'],
    ['POST', '/v1/v1/v1/chat/completions'],
    ['POST', '/p/nope/v1/chat/completions'],
    ['POST', '/p//v1/chat/completions'],
    ['POST', '//v1/chat/completions'],
    ['POST', '/v1//chat/completions'],
    ['POST', '/v1/chat%2fcompletions'],
    ['POST', '/v1/chat/completions;x'],
    ['POST', '/v1/chat/completions%00'],
    ['GET', '/v1/models/a%2F..%2Ffiles'],
    ['GET', '/v1/models/..%2f..%2fadmin'],
    ['GET', '/__fake/bill'],
    ['GET', '/admin'],
  ];
  for (const [method, path] of unknown) {
    expect([method, path, await statusOf(method, path)]).toEqual([method, path, 404]);
  }
  expect(await statusOf('POST', '/v1/chat/completions?api-version=1')).toBe(400);
  expect(await statusOf('POST', '/v1/chat/completions', '')).toBe(400);
  expect(await statusOf('POST', '/v1/chat/completions', 'a/b')).toBe(400);
  // The runtime resolves dots before the table is asked: what counts is where they lead.
  expect(await statusOf('GET', '/v1/models/%2e%2e/files')).toBe(403);
  expect(await statusOf('POST', '/v1/x/../chat/completions')).toBe(200);
  expect(gate.fake.calls().map(({ path }) => path)).toEqual(['/openai/v1/chat/completions']);
});

test('a refused path is on record with the token that asked for it', async () => {
  const before = refusals(gate).length;
  expect(await statusOf('POST', '/v1/batches')).toBe(403);
  expect(await statusOf('GET', '/v1/nothing')).toBe(404);
  const [off, unknown] = refusals(gate).slice(before);
  expect(off).toMatchObject({ tokenId: gate.tokenId, team: 'acme', errorCode: 'access.feature' });
  expect(unknown).toMatchObject({ tokenId: gate.tokenId, errorCode: 'request.unknown_path' });
});

test('a flood of strangers makes an entry a second, which says how many they were', async () => {
  await using quiet = await openGate();
  const path = '/openai/v1/chat/completions';
  for (let call = 0; call < 300; call += 1) {
    const token = call % 2 === 0 ? `${quiet.token}x` : quiet.key;
    const response = await fetch(quiet.url + (call % 3 === 0 ? '/v1/files' : path), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: '{}',
    });
    expect([401, 403]).toContain(response.status);
    await response.arrayBuffer();
  }
  const folded = (): AuthRefused[] => entries(quiet).filter((entry) => entry.action === 'auth.refused');
  await eventually(() => folded().reduce((sum, { count }) => sum + count, 0) === 300);
  expect(folded().length).toBeLessThan(8);
  expect(new Set(folded().map(({ errorCode }) => errorCode))).toEqual(
    new Set(['token.invalid', 'access.feature']),
  );
});

test('a token that was revoked is named where its refusals are folded: somebody has its secret', async () => {
  await using quiet = await openGate();
  await quiet.app.tokens.revoke('local', quiet.tokenId, 'leaked');
  for (let call = 0; call < 5; call += 1) expect((await quiet.chat()).status).toBe(401);
  const folded = (): AuthRefused[] => entries(quiet).filter((entry) => entry.action === 'auth.refused');
  await eventually(() => folded().reduce((sum, { count }) => sum + count, 0) === 5);
  expect(new Set(folded().map(({ tokenId }) => tokenId))).toEqual(new Set([quiet.tokenId]));
});

test('health needs no token, except where it says something about one', async () => {
  const get = (path: string, token?: string): Promise<Response> =>
    fetch(gate.url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
  expect((await get('/health')).status).toBe(401);
  const health = await get('/health', gate.token);
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({ ok: true, token: gate.tokenId, team: 'acme' });
  expect(await (await get('/health', gate.token)).text()).not.toContain(gate.token);
});
