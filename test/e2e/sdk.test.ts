import { afterAll, beforeEach, expect, test } from 'bun:test';
import { createGroq } from '@ai-sdk/groq';
import { generateText, jsonSchema, streamText, type ToolSet } from 'ai';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { journaledCalls, refusals } from '../support/calls.ts';
import { MODEL, openGate, type OpenGate } from '../support/harness.ts';
import { issueToken, MESSAGES } from '../support/setup.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

const LOOKUP = {
  name: 'lookup',
  description: 'Looks a name up.',
  parameters: {
    type: 'object',
    properties: { name: { type: 'string' }, count: { type: 'integer' } },
    required: ['name', 'count'],
    additionalProperties: false,
  },
} as const;
const TOOLS = [{ type: 'function' as const, function: LOOKUP }];
const ARGUMENTS = { name: 'fake value', count: 7 };

interface Options {
  readonly token?: string;
  readonly maxRetries?: number;
  readonly prefix?: string;
}

function groqClient(on: OpenGate = gate, { token, maxRetries = 2, prefix = '' }: Options = {}): Groq {
  return new Groq({ apiKey: token ?? on.token, baseURL: on.url + prefix, maxRetries });
}

function openaiClient(on: OpenGate = gate, options: Options = {}): OpenAI {
  const { token, maxRetries = 2, prefix = '/openai/v1' } = options;
  return new OpenAI({ apiKey: token ?? on.token, baseURL: on.url + prefix, maxRetries });
}

function aiModel(on: OpenGate = gate, token = on.token): ReturnType<ReturnType<typeof createGroq>> {
  return createGroq({ apiKey: token, baseURL: `${on.url}/openai/v1` })(MODEL);
}

/** What the fake says, asked directly. */
async function said(on: OpenGate = gate): Promise<string> {
  const client = new Groq({ apiKey: on.key, baseURL: on.fake.url });
  const answer = await client.chat.completions.create({ model: MODEL, messages: MESSAGES });
  on.fake.reset();
  return answer.choices[0]!.message.content!;
}

async function failure(work: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(work).then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
}

test('a plain answer reaches groq-sdk, openai and the AI SDK with the provider text and usage', async () => {
  const text = await said();
  gate.fake.setKnobs({ promptTokens: 1234, cachedTokens: 1000, reasoningTokens: 9, completionTokens: 33 });
  const groq = await groqClient().chat.completions.create({ model: MODEL, messages: MESSAGES });
  const openai = await openaiClient().chat.completions.create({ model: MODEL, messages: MESSAGES });
  for (const answer of [groq, openai]) {
    expect(answer.choices[0]!.message.content).toBe(text);
    expect(answer.usage).toMatchObject({
      prompt_tokens: 1234,
      completion_tokens: 33,
      total_tokens: 1267,
      prompt_tokens_details: { cached_tokens: 1000 },
      completion_tokens_details: { reasoning_tokens: 9 },
    });
  }
  const ai = await generateText({ model: aiModel(), messages: MESSAGES });
  expect(ai.text).toBe(text);
  expect(ai.usage).toMatchObject({ inputTokens: 1234, outputTokens: 33, totalTokens: 1267 });
  const [, , last] = gate.fake.calls();
  expect(last).toMatchObject({ promptTokens: 1234, completionTokens: 33, aborted: false });
});

test('a stream reaches groq-sdk, openai and the AI SDK with the provider text and usage', async () => {
  const text = await said();
  let viaGroq = '';
  let groqUsage: unknown;
  const stream = await groqClient().chat.completions.create({
    model: MODEL,
    messages: MESSAGES,
    stream: true,
  });
  for await (const chunk of stream) {
    viaGroq += chunk.choices[0]?.delta.content ?? '';
    groqUsage = chunk.x_groq?.usage ?? groqUsage;
  }
  expect(viaGroq).toBe(text);
  let viaOpenai = '';
  let openaiUsage: unknown;
  const body = { model: MODEL, messages: MESSAGES, stream: true as const };
  for await (const chunk of await openaiClient().chat.completions.create({
    ...body,
    stream_options: { include_usage: true },
  })) {
    viaOpenai += chunk.choices[0]?.delta.content ?? '';
    if (chunk.choices.length === 0) openaiUsage = chunk.usage;
  }
  expect(viaOpenai).toBe(text);
  const ai = streamText({ model: aiModel(), messages: MESSAGES });
  let viaAi = '';
  for await (const piece of ai.textStream) viaAi += piece;
  expect(viaAi).toBe(text);

  const { promptTokens, completionTokens } = gate.fake.calls()[0]!;
  const usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens };
  expect(groqUsage).toMatchObject(usage);
  expect(openaiUsage).toMatchObject(usage);
  expect(await ai.usage).toMatchObject({ inputTokens: promptTokens, outputTokens: completionTokens });
});

test('tool calls pass through, whole and streamed', async () => {
  gate.fake.setKnobs({ toolCall: true });
  const body = { model: MODEL, messages: MESSAGES, tools: TOOLS };
  for (const client of [groqClient(), openaiClient()] as unknown as OpenAI[]) {
    const plain = await client.chat.completions.create(body);
    const [call] = plain.choices[0]!.message.tool_calls ?? [];
    if (call?.type !== 'function') throw new Error('no function call');
    expect(call.function.name).toBe('lookup');
    expect(JSON.parse(call.function.arguments)).toEqual(ARGUMENTS);
    expect(plain.choices[0]!.finish_reason).toBe('tool_calls');

    let name = '';
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
      const piece = chunk.choices[0]?.delta.tool_calls?.[0]?.function;
      name += piece?.name ?? '';
      text += piece?.arguments ?? '';
    }
    expect(name).toBe('lookup');
    expect(JSON.parse(text)).toEqual(ARGUMENTS);
  }
  const tools = {
    lookup: { description: LOOKUP.description, inputSchema: jsonSchema(LOOKUP.parameters) },
  } as unknown as ToolSet;
  const plain = await generateText({ model: aiModel(), messages: MESSAGES, tools });
  expect(plain.toolCalls[0]).toMatchObject({ toolName: 'lookup', input: ARGUMENTS });
  const streamed = streamText({ model: aiModel(), messages: MESSAGES, tools });
  expect((await streamed.toolCalls)[0]).toMatchObject({ toolName: 'lookup', input: ARGUMENTS });
});

test('the model list shows only what the token may call, and a model is found by its encoded id', async () => {
  for (const modelsShape of ['old', 'new'] as const) {
    gate.fake.setKnobs({ modelsShape });
    const all = await groqClient().models.list();
    expect(all.data.length).toBeGreaterThan(4);
    const { text: token } = await issueToken(gate, { scopes: ['call:groq/openai/gpt-oss-*'] });
    const few = await groqClient(gate, { token }).models.list();
    const ids = all.data.map((model) => model.id);
    expect(ids).toContain('qwen/qwen3.8-27b');
    expect(few.data.map((model) => model.id)).toEqual(ids.filter((id) => id.startsWith('openai/gpt-oss-')));
    const viaOpenai: string[] = [];
    for await (const model of openaiClient(gate, { token }).models.list()) viaOpenai.push(model.id);
    expect(viaOpenai).toEqual(few.data.map((model) => model.id));

    expect((await groqClient(gate, { token }).models.retrieve(MODEL)).id).toBe(MODEL);
    expect((await openaiClient(gate, { token }).models.retrieve(MODEL)).id).toBe(MODEL);
    const hidden = groqClient(gate, { token }).models.retrieve('qwen/qwen3.8-27b');
    expect(await failure(hidden)).toBeInstanceOf(Groq.NotFoundError);
    expect(await failure(groqClient().models.retrieve('no/such-model'))).toBeInstanceOf(Groq.NotFoundError);
  }
});

test('every base URL style reaches the same endpoint', async () => {
  const groqPrefixes = ['', '/', '/openai/v1', '/p/groq', '/p/groq/', '/p/groq/openai/v1'];
  const openaiPrefixes = ['/v1', '/openai/v1', '/openai/v1/', '/p/groq/openai/v1', '/p/groq/v1'];
  for (const prefix of groqPrefixes) {
    const client = groqClient(gate, { prefix, maxRetries: 0 });
    const answer = await client.chat.completions.create({ model: MODEL, messages: MESSAGES });
    expect(answer.usage?.completion_tokens).toBe(24);
    expect((await client.models.retrieve(MODEL)).id).toBe(MODEL);
  }
  for (const prefix of openaiPrefixes) {
    const client = openaiClient(gate, { prefix, maxRetries: 0 });
    const answer = await client.chat.completions.create({ model: MODEL, messages: MESSAGES });
    expect(answer.usage?.completion_tokens).toBe(24);
    expect((await client.models.retrieve(MODEL)).id).toBe(MODEL);
  }
  const paths = new Set(gate.fake.calls().map(({ path }) => path));
  expect(paths).toEqual(
    new Set(['/openai/v1/chat/completions', `/openai/v1/models/${encodeURIComponent(MODEL)}`]),
  );
  expect(gate.fake.calls()).toHaveLength(2 * (groqPrefixes.length + openaiPrefixes.length));
});

test('a token in x-api-key works like one in Authorization, and two different ones are refused', async () => {
  const call = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${gate.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: MODEL, messages: MESSAGES }),
    });
  const bearer = `Bearer ${gate.token}`;
  expect((await call({ 'x-api-key': gate.token })).status).toBe(200);
  expect((await call({ 'x-api-key': gate.token, authorization: bearer })).status).toBe(200);
  const other = await issueToken(gate);
  expect((await call({ 'x-api-key': other.text, authorization: bearer })).status).toBe(401);
  expect((await call({ 'x-api-key': gate.token, authorization: 'Basic eDp5' })).status).toBe(401);
  expect((await call({})).status).toBe(401);
  expect(gate.fake.calls()).toHaveLength(2);
});

test('a bad or revoked token is an AuthenticationError after one attempt', async () => {
  const { id, text } = await issueToken(gate);
  await gate.app.tokens.revoke('local', id, null);
  const before = refusals(gate).length;
  for (const token of [text, `${gate.token}x`, gate.key]) {
    const viaGroq = groqClient(gate, { token }).chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
    });
    expect(await failure(viaGroq)).toBeInstanceOf(Groq.AuthenticationError);
    const viaOpenai = openaiClient(gate, { token }).chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
    });
    const error = await failure(viaOpenai);
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ code: 'invalid_api_key', type: 'invalid_request_error' });
  }
  const viaAi = await failure(generateText({ model: aiModel(gate, text), messages: MESSAGES }));
  expect(viaAi).toMatchObject({ statusCode: 401, isRetryable: false });
  expect(gate.fake.calls()).toHaveLength(0);
  // Strangers and ended tokens are folded, so they leave no refusal entry of their own.
  expect(refusals(gate)).toHaveLength(before);
});

test('a spent budget is a 402 that no client tries again', async () => {
  await using poor = await openGate({ budgetUsd: '0.000001' });
  const body = { model: MODEL, messages: MESSAGES };
  const viaGroq = await failure(groqClient(poor).chat.completions.create(body));
  expect(viaGroq).toBeInstanceOf(Groq.APIError);
  expect(viaGroq).toMatchObject({ status: 402, error: { error: { code: 'budget_exceeded' } } });
  const viaOpenai = await failure(openaiClient(poor).chat.completions.create(body));
  expect(viaOpenai).toBeInstanceOf(OpenAI.APIError);
  expect(viaOpenai).toMatchObject({ status: 402, type: 'insufficient_quota', code: 'budget_exceeded' });
  const viaAi = await failure(generateText({ model: aiModel(poor), messages: MESSAGES }));
  expect(viaAi).toMatchObject({ statusCode: 402, isRetryable: false });
  expect(refusals(poor).map(({ errorCode }) => errorCode)).toEqual(Array(3).fill('budget.exceeded'));
  expect(poor.fake.calls()).toHaveLength(0);
});

test('a model that is not allowed is a PermissionDeniedError, one without a price a NotFoundError, each after one attempt', async () => {
  const { text: token } = await issueToken(gate, { scopes: ['call:groq/openai/gpt-oss-*'] });
  const before = refusals(gate).length;
  const groq = groqClient(gate, { token }).chat.completions;
  const openai = openaiClient(gate, { token }).chat.completions;
  const forbidden = { model: 'qwen/qwen3.8-27b', messages: MESSAGES };
  const unpriced = { model: 'openai/gpt-oss-9000b', messages: MESSAGES };
  expect(await failure(groq.create(forbidden))).toBeInstanceOf(Groq.PermissionDeniedError);
  const denied = await failure(openai.create(forbidden));
  expect(denied).toBeInstanceOf(OpenAI.PermissionDeniedError);
  expect(denied).toMatchObject({ code: 'model_not_allowed', type: 'permissions_error' });
  expect(await failure(groq.create(unpriced))).toBeInstanceOf(Groq.NotFoundError);
  const unknown = await failure(openai.create(unpriced));
  expect(unknown).toBeInstanceOf(OpenAI.NotFoundError);
  expect(unknown).toMatchObject({ code: 'model_not_found' });
  expect(refusals(gate)).toHaveLength(before + 4);
  expect(gate.fake.calls()).toHaveLength(0);
});

test('a body above the limit is a 413 that no client tries again', async () => {
  await using small = await openGate({ variables: { SALLYPORT_MAX_BODY_BYTES: '2048' } });
  const body = { model: MODEL, messages: [{ role: 'user' as const, content: 'x'.repeat(4000) }] };
  const viaGroq = await failure(groqClient(small).chat.completions.create(body));
  expect(viaGroq).toMatchObject({ status: 413, error: { error: { code: 'request_too_large' } } });
  const viaOpenai = await failure(openaiClient(small).chat.completions.create(body));
  expect(viaOpenai).toMatchObject({ status: 413, code: 'request_too_large' });
  expect(refusals(small).map(({ errorCode }) => errorCode)).toEqual(Array(2).fill('request.too_large'));
  expect(small.fake.calls()).toHaveLength(0);
});

test('a provider 429 is a RateLimitError, and is retried when its retry-after says so', async () => {
  const body = { model: MODEL, messages: MESSAGES };
  const attempts = async (run: (on: OpenGate) => PromiseLike<unknown>): Promise<number> => {
    await using on = await openGate();
    on.fake.setKnobs({ error: '429_minute', errorCount: 1 });
    const startedMs = performance.now();
    await run(on);
    expect(performance.now() - startedMs).toBeGreaterThan(1900);
    expect([...journaledCalls(on).values()].map(({ ends }) => ends[0]?.errorCode)).toEqual([
      'upstream.429',
      null,
    ]);
    return on.fake.calls().length;
  };
  const retried = Promise.all([
    attempts((on) => groqClient(on).chat.completions.create(body)),
    attempts((on) => openaiClient(on).chat.completions.create(body)),
    attempts((on) => generateText({ model: aiModel(on), messages: MESSAGES })),
  ]);
  gate.fake.setKnobs({ error: '429_minute' });
  const viaGroq = await failure(groqClient(gate, { maxRetries: 0 }).chat.completions.create(body));
  expect(viaGroq).toBeInstanceOf(Groq.RateLimitError);
  const viaOpenai = await failure(openaiClient(gate, { maxRetries: 0 }).chat.completions.create(body));
  expect(viaOpenai).toBeInstanceOf(OpenAI.RateLimitError);
  expect(viaOpenai).toMatchObject({ code: 'rate_limit_exceeded' });
  expect(await retried).toEqual([2, 2, 2]);
});

test('a refused provider key is a 503 that groq-sdk and openai do not try again', async () => {
  const body = { model: MODEL, messages: MESSAGES };
  gate.fake.setKnobs({ error: '401' });
  const viaGroq = await failure(groqClient().chat.completions.create(body));
  expect(viaGroq).toBeInstanceOf(Groq.InternalServerError);
  expect(viaGroq).toMatchObject({ status: 503, error: { error: { code: 'upstream_unavailable' } } });
  const viaOpenai = await failure(openaiClient().chat.completions.create(body));
  expect(viaOpenai).toMatchObject({ status: 503, code: 'upstream_unavailable' });
  expect(gate.fake.calls()).toHaveLength(2);
  // What may heal is tried again.
  gate.fake.setKnobs({ error: '503', errorCount: 1 });
  await groqClient().chat.completions.create(body);
  expect(gate.fake.calls()).toHaveLength(4);
});

test('an error event in a stream is thrown by groq-sdk, openai and the AI SDK', async () => {
  gate.fake.setKnobs({ sseErrorAfterChunks: 3 });
  const drain = async (client: OpenAI): Promise<string> => {
    let text = '';
    try {
      const body = { model: MODEL, messages: MESSAGES, stream: true as const };
      for await (const chunk of await client.chat.completions.create(body))
        text += chunk.choices[0]?.delta.content ?? '';
    } catch (error) {
      expect(error).toMatchObject({ status: undefined });
      return `${text} then an error`;
    }
    return text;
  };
  expect(await drain(groqClient() as unknown as OpenAI)).toBe('This reply was then an error');
  expect(await drain(openaiClient())).toBe('This reply was then an error');
  const errors: unknown[] = [];
  const ai = streamText({
    model: aiModel(),
    messages: MESSAGES,
    onError: ({ error }) => void errors.push(error),
  });
  for await (const _ of ai.textStream) continue;
  expect(errors).toHaveLength(1);
});
