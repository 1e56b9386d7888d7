import { afterAll, beforeEach, expect, test } from 'bun:test';
import type { KnobPatch } from '../../src/fake/fake.ts';
import { balance, budget, endOf, lastEnd } from '../support/calls.ts';
import { startCapture } from '../support/capture.ts';
import { openGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { addKey, chatJson, errorOf, issueToken, postChat } from '../support/setup.ts';
import { startRudeUpstream } from '../support/rude-upstream.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

/** Latin-1, so that every byte is one character; ids and the clock differ from call to call. */
function comparable(bytes: ArrayBuffer | Uint8Array): string {
  return Buffer.from(bytes as Uint8Array)
    .toString('latin1')
    .replaceAll(/chatcmpl-[0-9a-f-]{36}/g, 'chatcmpl-ID')
    .replaceAll(/req_[0-9a-z]{26}/g, 'req_ID')
    .replaceAll(/"call_[0-9a-f]{8}"/g, '"call_ID"')
    .replaceAll(/"created":\d+/g, '"created":0');
}

async function fromFake(body: object): Promise<Response> {
  return fetch(`${gate.fake.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gate.key}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
    },
    body: chatJson(body),
  });
}

const TOOLS = [
  {
    type: 'function',
    function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
  },
];

const SHAPES: readonly (readonly [name: string, knobs: KnobPatch, body: object])[] = [
  ['the usage chunk that was asked for', {}, { stream_options: { include_usage: true } }],
  ['no usage chunk when none was asked for', {}, {}],
  ['mirrored usage', { streamVariant: 'mirrored' }, {}],
  ['usage in x_groq only', { streamVariant: 'x_groq_only' }, {}],
  ['an x_groq error', { streamVariant: 'x_groq_error', xGroqErrorAfterChunks: 5 }, {}],
  ['an x_groq error before any token', { streamVariant: 'x_groq_error', xGroqErrorAfterChunks: 0 }, {}],
  ['CRLF line ends', { crlf: true }, {}],
  ['comments', { comments: true }, {}],
  ['one byte a write, through multi-byte characters', { unicode: true, chunkSplit: 1 }, {}],
  [
    'seven bytes a write, CRLF and comments',
    { unicode: true, chunkSplit: 7, crlf: true, comments: true },
    {},
  ],
  ['several events a write', { coalesce: 5 }, {}],
  ['events merged by the socket', { coalesce: 0, completionTokens: 400 }, { max_completion_tokens: 500 }],
  ['no [DONE]', { omitDone: true }, {}],
  ['an error event', { sseErrorAfterChunks: 4 }, {}],
  ['an error event before any token', { sseErrorAfterChunks: 0 }, {}],
  ['one line of 300 KB', { hugeLineBytes: 300_000 }, {}],
  ['one line of 3 MB', { hugeLineBytes: 3_000_000 }, {}],
  ['tool calls', { toolCall: true }, { tools: TOOLS }],
  ['reasoning', { reasoningTokens: 10 }, {}],
  ['cached prompt tokens', { promptTokens: 5000, cachedTokens: 4096 }, {}],
  ['no usage at all', { missingUsage: true }, {}],
];

for (const [name, knobs, body] of SHAPES) {
  test(`a stream passes byte for byte: ${name}`, async () => {
    gate.fake.setKnobs(knobs);
    const direct = comparable(await (await fromFake({ stream: true, ...body })).arrayBuffer());
    const response = await postChat(gate, chatJson({ stream: true, ...body }));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toStartWith('text/event-stream');
    const relayed = comparable(await response.arrayBuffer());
    expect(relayed.length).toBeGreaterThan(100);
    expect(relayed === direct).toBe(true);

    const end = await endOf(gate, response.headers.get('x-request-id'));
    const billed = gate.fake.calls().at(-1)!;
    const failing = name.includes('error');
    expect(end.result).toBe(failing ? 'error' : 'success');
    expect(end.errorCode).toBe(failing ? 'upstream.stream_error' : null);
    if (name.includes('any token') || name === 'an error event' || name === 'no usage at all') {
      // Nothing was stated: our own count, which is never below what the provider bills.
      expect(end.basis).toBe('delivered');
      expect(BigInt(end.costPicoUsd)).toBeGreaterThanOrEqual(BigInt(billed.picoUsd));
    } else {
      expect(end.basis).toBe('usage');
      expect(end.costPicoUsd).toBe(billed.picoUsd);
    }
  });
}

test('a whole answer passes byte for byte', async () => {
  for (const knobs of [{}, { unicode: true, chunkSplit: 3 }, { toolCall: true }, { missingUsage: true }]) {
    gate.fake.setKnobs({ missingUsage: false, toolCall: false, ...knobs });
    const direct = await fromFake({ tools: TOOLS });
    const response = await postChat(gate, { tools: TOOLS });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(comparable(await response.arrayBuffer())).toBe(comparable(await direct.arrayBuffer()));
  }
});

test('a stream without any usage is charged at least what the provider bills, and less than the hold', async () => {
  gate.fake.setKnobs({ missingUsage: true, completionTokens: 40, coalesce: 7 });
  for (const body of [{ stream: true }, { stream: true, max_completion_tokens: 5000 }]) {
    const response = await postChat(gate, body);
    await response.arrayBuffer();
    const end = await endOf(gate, response.headers.get('x-request-id'));
    const billed = BigInt(gate.fake.calls().at(-1)!.picoUsd);
    expect(BigInt(end.costPicoUsd)).toBeGreaterThanOrEqual(billed);
    expect(BigInt(end.costPicoUsd)).toBeLessThan(billed * 3n);
  }
});

test('a whole answer without usage is charged its whole hold', async () => {
  gate.fake.setKnobs({ missingUsage: true });
  const response = await postChat(gate, {});
  expect(response.status).toBe(200);
  expect((await endOf(gate, response.headers.get('x-request-id'))).basis).toBe('hold');
});

test('an answer that is compressed against our wish is decoded, passed on and metered', async () => {
  for (const stream of [false, true]) {
    gate.fake.setKnobs({ gzip: 'off' });
    const direct = comparable(await (await fromFake({ stream })).arrayBuffer());
    gate.fake.setKnobs({ gzip: 'always' });
    const response = await postChat(gate, { stream });
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(comparable(await response.arrayBuffer())).toBe(direct);
    const end = await endOf(gate, response.headers.get('x-request-id'));
    expect(end).toMatchObject({ basis: 'usage', costPicoUsd: gate.fake.calls().at(-1)!.picoUsd });
  }
});

test('an upstream that resets mid-stream leaves the client with a broken body, not with a clean end', async () => {
  gate.fake.setKnobs({ resetAfterChunks: 5, tokensPerSecond: 20 });
  const client = new RawClient(gate.url);
  client.send({ headers: { authorization: `Bearer ${gate.token}` }, body: chatJson({ stream: true }) });
  const reply = await client.end();
  expect(reply.status).toBe(200);
  expect(reply.body.toString()).toContain('"content":" reply"');
  expect(reply.complete).toBe(false);
  const viaFetch = await postChat(gate, { stream: true });
  expect(await viaFetch.text().catch(() => 'broken')).toBe('broken');
  const end = await endOf(gate, viaFetch.headers.get('x-request-id'));
  expect(end).toMatchObject({ result: 'error', errorCode: 'upstream.bad_reply', basis: 'delivered' });
  expect(BigInt(end.costPicoUsd)).toBeGreaterThanOrEqual(BigInt(gate.fake.calls().at(-1)!.picoUsd));
});

test('an upstream that resets before the first byte of a stream, or within a whole answer, is a 502', async () => {
  gate.fake.setKnobs({ resetAfterChunks: 0 });
  for (const stream of [true, false]) {
    const response = await postChat(gate, { stream });
    expect(response.status).toBe(502);
    expect(await errorOf(response)).toMatchObject({ type: 'api_error', code: 'upstream_bad_reply' });
    const end = await endOf(gate, response.headers.get('x-request-id'));
    expect(end).toMatchObject({ result: 'error', errorCode: 'upstream.bad_reply', basis: 'hold' });
  }
});

test('an HTML page with status 200 is a 502 for streams and whole answers alike', async () => {
  gate.fake.setKnobs({ error: '200_html', errorEchoesKey: true });
  for (const stream of [true, false]) {
    const response = await postChat(gate, { stream });
    expect(response.status).toBe(502);
    const text = await response.text();
    expect(text).not.toContain('<');
    expect(text).not.toContain(gate.key);
    expect(JSON.stringify([...response.headers])).not.toContain(gate.key);
    const end = await endOf(gate, response.headers.get('x-request-id'));
    expect(end).toMatchObject({ result: 'error', errorCode: 'upstream.bad_reply', basis: 'hold' });
  }
});

test('a redirect is a 502 and is never followed', async () => {
  gate.fake.setKnobs({ error: 'redirect', errorOn: 'all' });
  for (const stream of [true, false]) {
    const response = await postChat(gate, { stream });
    expect(response.status).toBe(502);
    expect(response.headers.get('location')).toBeNull();
    expect(await endOf(gate, response.headers.get('x-request-id'))).toMatchObject({ costPicoUsd: '0' });
  }
  const headers = { authorization: `Bearer ${gate.token}` };
  const models = await fetch(`${gate.url}/v1/models`, { headers, redirect: 'manual' });
  expect(models.status).toBe(502);
  expect(gate.fake.calls().map(({ path }) => path)).toEqual([
    '/openai/v1/chat/completions',
    '/openai/v1/chat/completions',
    '/openai/v1/models',
  ]);
});

test('an upstream that is down is a 503 and costs nothing', async () => {
  const down = startCapture(() => new Response());
  const { url } = down;
  await down[Symbol.asyncDispose]();
  await addKey(gate, { name: 'groq-down', provider: 'groq', origin: url, environment: 'staging' });
  const { text: token } = await issueToken(gate, { environment: 'staging' });
  const before = budget(gate).spentPicoUsd;
  for (const stream of [true, false]) {
    const response = await postChat(gate, { stream }, { token });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeWithin(1, 6);
    expect(await errorOf(response)).toMatchObject({ code: 'upstream_unavailable' });
    expect(await endOf(gate, response.headers.get('x-request-id'))).toMatchObject({
      result: 'error',
      errorCode: 'upstream.unavailable',
      basis: 'none',
      costPicoUsd: '0',
    });
  }
  expect<bigint>(budget(gate).spentPicoUsd).toBe(before);
});

test('an upstream that takes the request and closes is charged as far as nothing is known, and asked only once', async () => {
  for (const [way, basis] of [
    ['close', 'hold'],
    ['half-head', 'hold'],
    ['half-body', 'hold'],
    ['garbage', 'hold'],
    ['stream-head', 'delivered'],
  ] as const) {
    await using rude = await startRudeUpstream(way);
    const environment = `rude-${way}`;
    await addKey(gate, { name: environment, provider: 'groq', origin: rude.url, environment });
    const { text: token } = await issueToken(gate, { environment });
    const response = await postChat(gate, { stream: way === 'stream-head' }, { token });
    expect(response.status).toBe(502);
    const end = await lastEnd(gate);
    expect(end).toMatchObject({ result: 'error', errorCode: 'upstream.bad_reply', basis });
    expect(BigInt(end.costPicoUsd)).toBeGreaterThan(basis === 'hold' ? 50n * 300_000n : 0n);
    expect(rude.requests()).toBe(1);
  }
});

test('everything above is settled once, and the ledger says what the journal says', async () => {
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ spentPicoUsd, heldPicoUsd, unsettled }).toEqual({
    spentPicoUsd: costPicoUsd,
    heldPicoUsd: 0n,
    unsettled: [],
  });
});
