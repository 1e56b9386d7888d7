/** Presets as callers meet them: what is sent, what is refused and in which words, and what a reader may read. */
import { afterAll, beforeEach, expect, test } from 'bun:test';
import Groq from 'groq-sdk';
import { NO_BOUNDS } from '../../src/access/bounds.ts';
import { eventually } from '../support/calls.ts';
import { startCapture } from '../support/capture.ts';
import { MODEL, openGate } from '../support/harness.ts';
import { addKey, errorOf, issueToken, postChat } from '../support/setup.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

const { bounds: CHAT } = gate.app.presets.get('backend-chat');
const chatToken = (change: object = {}) =>
  issueToken(gate, { preset: 'backend-chat', bounds: CHAT, ...change });
const turns = (count: number): { role: 'user' | 'assistant'; content: string }[] =>
  Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `turn ${index}`,
  }));

const ANSWER = {
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
};

test('what is over a bound is trimmed in the bytes that are sent, held for those bytes, and named', async () => {
  await using upstream = startCapture(() => Response.json(ANSWER));
  await addKey(gate, { name: 'capture', provider: 'groq', origin: upstream.url, environment: 'capture' });
  const { text: token } = await chatToken({ environment: 'capture' });
  const long = { role: 'user', content: `${'ä'.repeat(3999)}😀tail` };
  const head = `{"x_unknown" : 1.0e-7,"model":"${MODEL}","max_tokens": 9000, "messages":[`;
  const kept = [...turns(9).map((turn) => JSON.stringify(turn)), JSON.stringify(long)];
  const body = `${head}${JSON.stringify(turns(1)[0])}, ${kept.join(' ,')} ]}`;
  const reply = await postChat(gate, body, { token });
  expect([reply.status, reply.headers.get('x-sallyport-trimmed')]).toEqual([200, 'messages, text, output']);
  const received = upstream.requests[0]!.body.toString();
  const cut = JSON.stringify({ ...long, content: `${'ä'.repeat(3999)}😀` });
  expect(received).toBe(`${head.replace('9000', '1024')}${kept.slice(0, 9).join(' ,')} ,${cut} ]}`);

  const id = reply.headers.get('x-request-id');
  const start = gate.events('call.start').find((entry) => entry['id'] === id);
  expect(start?.['metadata']).toMatchObject({ preset: 'backend-chat', trimmed: 'messages,text,output' });
  // The other way round, the same bytes without a preset: the same hold.
  const { text: plain } = await issueToken(gate, { environment: 'capture' });
  const same = await postChat(gate, received, { token: plain });
  const held = gate.events('call.start').find((entry) => entry['id'] === same.headers.get('x-request-id'));
  expect(start?.['holdPicoUsd']).toBe(held?.['holdPicoUsd']);
});

test('a request without a cap gets the cap of the preset, and the lower one of preset and policy holds', async () => {
  await using own = await openGate();
  own.fake.setKnobs({ completionTokens: 5000 });
  const { text: token } = await issueToken(own, {
    bounds: { ...NO_BOUNDS, output: { atMost: 30, over: 'refuse' } },
  });
  const completion = async (): Promise<number> => {
    const reply = await postChat(own, { max_completion_tokens: undefined }, { token });
    return ((await reply.json()) as { usage: { completion_tokens: number } }).usage.completion_tokens;
  };
  expect(await completion()).toBe(30);
  await own.app.teams.setLimits('local', 'acme', { maxTokensPerRequest: 20 });
  expect(await completion()).toBe(20);
  const refused = await postChat(own, { max_completion_tokens: 25 }, { token });
  expect((await errorOf(refused)).message).toContain("The team's policy allows 20");
});

test('a refusal has the shape that the SDK knows, is not retried, is on record, and nothing is sent', async () => {
  const { id, text: apiKey } = await chatToken();
  const groq = new Groq({ baseURL: gate.url, apiKey });
  const ask = (messages: object[]): Promise<unknown> =>
    groq.chat.completions.create({ model: MODEL, messages: messages as never }).then(
      () => null,
      (error: InstanceType<typeof Groq.APIError>) => [
        error.status,
        (error.error as { error: { code: string } }).error.code,
      ],
    );
  expect(await ask([])).toEqual([400, 'invalid_request']);
  expect(await ask([{ role: 'system', content: 'x' }, ...turns(1)])).toEqual([400, 'request_out_of_bounds']);
  expect(await ask(turns(1))).toBeNull();
  const refused = gate.events('call.refused').filter((entry) => entry['tokenId'] === id);
  expect(refused.map((entry) => entry['errorCode'])).toEqual(['request.invalid', 'request.bounds']);
  expect(gate.fake.bill().calls).toBe(1);
});

test('one allowed model is the only one that is listed and called', async () => {
  const { text: token } = await chatToken({ bounds: { ...CHAT, models: { only: [MODEL], over: 'refuse' } } });
  const other = await postChat(gate, { model: 'openai/gpt-oss-120b' }, { token });
  expect([other.status, (await errorOf(other)).code]).toEqual([403, 'model_not_allowed']);
  expect((await postChat(gate, {}, { token })).status).toBe(200);
  const list = await fetch(`${gate.url}/openai/v1/models`, { headers: { authorization: `Bearer ${token}` } });
  const { data } = (await list.json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual([MODEL]);
});

test('write:limited calls under the caps, and nothing without one', async () => {
  const scopes = ['read:*', 'write:limited'];
  const bounds = { ...NO_BOUNDS, output: { atMost: 40, over: 'trim' } } as const;
  const { text: token } = await issueToken(gate, { scopes, bounds, defaultProvider: 'groq' });
  const reply = await postChat(gate, { max_completion_tokens: 4000 }, { token });
  expect([reply.status, reply.headers.get('x-sallyport-trimmed')]).toEqual([200, 'output']);
  await gate.app.teams.setLimits('local', 'acme', { allowedModels: ['qwen/*'] });
  expect((await postChat(gate, {}, { token })).status).toBe(403);
  await gate.app.teams.setLimits('local', 'acme', { allowedModels: ['*'] });
});

test('a reader calls nothing, lists models, and reads what its writer did without addresses and users', async () => {
  const writer = await issueToken(gate);
  const reader = await issueToken(gate, { scopes: ['read:*'], readsFor: writer.id, defaultProvider: 'groq' });
  const call = await postChat(gate, { user: 'grace' }, { token: writer.text });
  await call.text();
  const get = async (
    path: string,
    token: string,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    let reply = await fetch(gate.url + path, { headers: { authorization: `Bearer ${token}` } });
    // Readers take turns; that is not what is tested here.
    await eventually(async () => {
      if (reply.status !== 429) return true;
      await reply.text();
      reply = await fetch(gate.url + path, { headers: { authorization: `Bearer ${token}` } });
      return false;
    });
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
  };
  const refused = await postChat(gate, {}, { token: reader.text });
  expect([refused.status, (await errorOf(refused)).code]).toEqual([403, 'model_not_allowed']);
  const models = await get('/openai/v1/models', reader.text);
  expect((models.body['data'] as { id: string }[]).map(({ id }) => id)).toContain(MODEL);

  const usage = await get('/usage', reader.text);
  expect(usage.body).toMatchObject({ token: writer.id, models: [{ model: MODEL, calls: 1, errors: 0 }] });
  const audit = await get('/audit', reader.text);
  const entries = audit.body['entries'] as Record<string, unknown>[];
  expect(entries.map(({ id, action }) => [id, action])).toEqual([[call.headers.get('x-request-id'), 'call']]);
  expect(JSON.stringify(entries)).not.toMatch(/grace|127\.0\.0\.1|user_|address/);

  const none = await get('/usage', writer.text);
  expect([none.status, none.body]).toMatchObject([403, { error: { code: 'feature_not_allowed' } }]);
  expect((await fetch(`${gate.url}/usage`)).status).toBe(401);
  expect((await fetch(`${gate.url}/audit`, { method: 'POST' })).status).toBe(404);
  expect((await fetch(`${gate.url}/audit?limit=5`)).status).toBe(400);
});

test('bounds survive a restart', async () => {
  await using own = await openGate();
  const { text: token } = await issueToken(own, { preset: 'backend-chat', bounds: CHAT });
  await own.restart();
  expect((await postChat(own, { messages: [{ role: 'system', content: 'x' }] }, { token })).status).toBe(400);
});
