import { afterAll, beforeEach, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { balance, endOf, eventually } from '../support/calls.ts';
import { type Captured, startCapture } from '../support/capture.ts';
import { openGate } from '../support/harness.ts';
import { addKey, errorOf, issueToken, MESSAGES, postChat } from '../support/setup.ts';

const MODEL = 'gpt-4o-mini';
const USAGE = {
  prompt_tokens: 1200,
  completion_tokens: 345,
  total_tokens: 1545,
  prompt_tokens_details: { cached_tokens: 1024 },
};
/** OpenAI's own price list: $0.15, $0.075 cached and $0.60 a million tokens. */
const COST = 176n * 150_000n + 1024n * 75_000n + 345n * 600_000n;

interface Wire {
  readonly eol: string;
  /** Bytes a write; 0 is all at once. */
  readonly split: number;
  readonly words: number;
  readonly pauseMs: number;
}

let wire: Wire = { eol: '\n', split: 0, words: 5, pauseMs: 0 };

const upstream = startCapture((request) => answer(request));
const gate = await openGate({ budgetUsd: '1000', scopes: ['call:openai/*'] });
const key = await addKey(gate, { name: 'openai', provider: 'openai', origin: upstream.url });
beforeEach(() => {
  wire = { eol: '\n', split: 0, words: 5, pauseMs: 0 };
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function answer({ body, path }: Captured): Response {
  const request = JSON.parse(body.toString()) as Record<string, unknown>;
  const options = request['stream_options'] as { include_usage?: boolean } | null | undefined;
  if (path !== '/v1/chat/completions') return new Response(null, { status: 404 });
  if (request['stream'] !== true) {
    const message = { role: 'assistant', content: 'word word' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return Response.json({ id: 'c', object: 'chat.completion', model: MODEL, choices, usage: USAGE });
  }
  const bytes = Buffer.from(events(options?.include_usage === true).join(''));
  return new Response(pieces(bytes), { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}

/** A stream as OpenAI sends it: with `include_usage` every chunk has `usage`, which is null but in the extra last one. */
function events(withUsage: boolean): string[] {
  const base = { id: 'c', object: 'chat.completion.chunk', created: 1, model: MODEL };
  const usage = withUsage ? { usage: null } : {};
  const chunk = (delta: object, finish: string | null): object => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...usage,
  });
  const data: object[] = [
    chunk({ role: 'assistant', content: '' }, null),
    ...Array.from({ length: wire.words }, (_, n) => chunk({ content: ` wörd${n}` }, null)),
    chunk({}, 'stop'),
    ...(withUsage ? [{ ...base, choices: [], usage: USAGE }] : []),
  ];
  return [...data.map((value) => JSON.stringify(value)), '[DONE]'].map(
    (text) => `data: ${text}${wire.eol}${wire.eol}`,
  );
}

function pieces(bytes: Buffer): ReadableStream<Uint8Array> {
  const { split, pauseMs } = wire;
  const size = split === 0 ? bytes.length : split;
  let at = 0;
  return new ReadableStream({
    pull: async (controller) => {
      await Bun.sleep(pauseMs);
      controller.enqueue(new Uint8Array(bytes.subarray(at, at + size)));
      at += size;
      if (at >= bytes.length) controller.close();
    },
  });
}

function send(change: object): Promise<Response> {
  return postChat(gate, { model: MODEL, ...change }, { path: '/v1/chat/completions' });
}

function lastBody(): string {
  return upstream.requests.at(-1)!.body.toString();
}

test('a stream is asked for its usage, and a caller who did not ask sees no usage chunk', async () => {
  for (const eol of ['\n', '\r\n']) {
    for (const split of [0, 1, 7, 100]) {
      wire = { ...wire, eol, split };
      for (const options of [
        {},
        { stream_options: null },
        { stream_options: {} },
        { stream_options: { include_usage: false } },
        { stream_options: { include_obfuscation: false } },
      ]) {
        const response = await send({ stream: true, ...options });
        expect(response.status).toBe(200);
        const all = events(true);
        expect(await response.text()).toBe(all.toSpliced(-2, 1).join(''));
        const sent = JSON.parse(lastBody()) as Record<string, unknown>;
        const asked = 'stream_options' in options ? options.stream_options : {};
        expect(sent['stream_options']).toEqual({ ...asked, include_usage: true });
        const end = await endOf(gate, response.headers.get('x-request-id'));
        expect(end).toMatchObject({ basis: 'usage', costPicoUsd: COST.toString(), cachedTokens: 1024 });
      }
    }
  }
});

test('a caller who asked for the usage chunk gets it, and the request and the stream pass byte for byte', async () => {
  for (const split of [0, 1, 13]) {
    wire = { ...wire, split };
    const response = await send({ stream: true, stream_options: { include_usage: true } });
    expect(await response.text()).toBe(events(true).join(''));
    expect(lastBody()).toBe(
      JSON.stringify({
        model: MODEL,
        messages: MESSAGES,
        max_completion_tokens: 50,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    const end = await endOf(gate, response.headers.get('x-request-id'));
    expect(end).toMatchObject({ basis: 'usage', costPicoUsd: COST.toString() });
  }
});

test('a whole answer is not asked for anything, and costs what its usage says', async () => {
  const response = await send({});
  expect(lastBody()).not.toContain('stream_options');
  expect(((await response.json()) as { usage: object }).usage).toEqual(USAGE);
  const end = await endOf(gate, response.headers.get('x-request-id'));
  expect(end).toMatchObject({ basis: 'usage', costPicoUsd: COST.toString(), promptTokens: 1200 });
});

test('openai reads its own stream with and without the usage chunk, with our key and none of its headers', async () => {
  const client = new OpenAI({
    apiKey: gate.token,
    baseURL: `${gate.url}/p/openai/v1`,
    organization: 'org-caller',
    project: 'proj-caller',
  });
  for (const asked of [false, true]) {
    let text = '';
    const usages: unknown[] = [];
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
      stream: true,
      ...(asked ? { stream_options: { include_usage: true } } : {}),
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (chunk.usage) usages.push(chunk.usage);
    }
    expect(text).toBe(' wörd0 wörd1 wörd2 wörd3 wörd4');
    expect(usages).toEqual(asked ? [USAGE] : []);
  }
  const { headers, path } = upstream.requests.at(-1)!;
  expect(path).toBe('/v1/chat/completions');
  expect(headers.get('authorization')).toBe(`Bearer ${key}`);
  expect(headers.get('openai-organization')).toBeNull();
  expect(headers.get('openai-project')).toBeNull();
  expect([...headers.keys()].filter((name) => name.startsWith('x-stainless'))).toEqual([]);
});

test('a stream that is aborted before its usage chunk pays for what came and for what can be on its way', async () => {
  wire = { ...wire, words: 40, split: 150, pauseMs: 5 };
  const abort = new AbortController();
  const response = await postChat(
    gate,
    { model: MODEL, stream: true, max_completion_tokens: 5000 },
    { path: '/v1/chat/completions', signal: abort.signal },
  );
  const reader = response.body!.getReader();
  for (let read = 0; read < 5; read += 1) await reader.read();
  abort.abort();
  const end = await endOf(gate, response.headers.get('x-request-id'));
  expect(end).toMatchObject({ errorCode: 'client.aborted', basis: 'delivered' });
  expect(end.completionTokens).toBeGreaterThanOrEqual(102);
});

test('a token for OpenAI calls no Groq model by OpenAI, and nothing at Groq', async () => {
  const { text: token } = await issueToken(gate, { scopes: ['call:openai/gpt-4o*'] });
  const wrong = await postChat(gate, {}, { token, path: '/p/groq/openai/v1/chat/completions' });
  expect(wrong.status).toBe(403);
  const unpriced = await postChat(gate, { model: 'gpt-4o-9' }, { token });
  expect(unpriced.status).toBe(404);
  expect(await errorOf(unpriced)).toMatchObject({ code: 'model_not_found' });
  expect(gate.fake.calls()).toHaveLength(0);
});

test('everything was settled once', async () => {
  await eventually(() => upstream.requests.length > 40);
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ spentPicoUsd, heldPicoUsd, unsettled }).toEqual({
    spentPicoUsd: costPicoUsd,
    heldPicoUsd: 0n,
    unsettled: [],
  });
});
