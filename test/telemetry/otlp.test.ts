/** A running gate and a real OTLP receiver: what arrives there, that it is valid, and that calls never wait for it. */
import { expect, test } from 'bun:test';
import { run } from '../../src/cli/test-io.ts';
import { endOf, eventually, journaledCalls } from '../support/calls.ts';
import { startCapture } from '../support/capture.ts';
import { MODEL, type OpenGate, openGate } from '../support/harness.ts';
import { readExposition, valueOf } from '../support/prometheus.ts';
import { type Receiver, startReceiver } from '../support/otlp-receiver.ts';
import { addKey, issueToken, postChat } from '../support/setup.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

async function watched(
  receiver: Receiver,
  variables: Readonly<Record<string, string>> = {},
): Promise<OpenGate> {
  return openGate({ variables: { SALLYPORT_OTLP_ENDPOINT: receiver.url, ...variables } });
}

/** Ends the gateway, which hands over what is left. */
async function finish(gate: OpenGate): Promise<void> {
  await gate.app.stop('test');
}

const idOf = (reply: Response): string | null => reply.headers.get('x-request-id');

test('a call is a span with the attributes of the GenAI conventions, and its metrics are those of the journal', async () => {
  await using receiver = startReceiver();
  await using gate = await watched(receiver);
  const beganMs = Date.now();
  const plain = await postChat(gate, {});
  await plain.text();
  const streamed = await postChat(gate, { stream: true });
  await streamed.text();
  gate.fake.setKnobs({ error: '429_minute' } as never);
  const failed = await postChat(gate, {});
  await failed.text();
  gate.fake.reset();
  await (await postChat(gate, { model: 'made-up-by-the-caller' })).text();
  await endOf(gate, idOf(failed));
  await finish(gate);
  expect(receiver.faults).toEqual([]);
  expect(receiver.spans.map(({ name, error }) => [name, error])).toEqual([
    [`chat ${MODEL}`, false],
    [`chat ${MODEL}`, false],
    [`chat ${MODEL}`, true],
    ['chat', true],
  ]);
  expect(receiver.spans.every(({ kind, parentSpanId }) => kind === 3 && parentSpanId === null)).toBe(true);
  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(4);
  for (const [index, reply] of [plain, streamed].entries()) {
    const [end] = journaledCalls(gate).get(idOf(reply)!)!.ends;
    const { attributes, startMs, endMs } = receiver.spans[index]!;
    expect(attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'groq',
      'gen_ai.request.model': MODEL,
      'gen_ai.response.model': MODEL,
      'gen_ai.usage.input_tokens': end!.promptTokens,
      'gen_ai.usage.cache_read.input_tokens': end!.cachedTokens,
      'gen_ai.usage.output_tokens': end!.completionTokens,
      'sallyport.call.id': idOf(reply)!,
      'sallyport.cost.basis': 'usage',
      'sallyport.cost.usd': Number(end!.costPicoUsd) / 1e12,
      'sallyport.environment': 'dev',
      'sallyport.first_byte.seconds': expect.any(Number),
      'sallyport.team': 'acme',
      'sallyport.token.id': gate.tokenId,
    });
    expect(endMs - startMs).toBeGreaterThanOrEqual(end!.latencyMs - 1);
    expect(startMs).toBeGreaterThan(beganMs - 1000);
    expect(endMs).toBeLessThan(Date.now() + 1000);
  }
  expect(receiver.spans[2]!.attributes).toMatchObject({ 'error.type': 'upstream.429' });
  expect(receiver.spans[2]!.attributes).not.toHaveProperty('gen_ai.usage.input_tokens');
  expect(receiver.spans[3]!.attributes).toMatchObject({ 'error.type': 'model.unknown' });
  expect(receiver.spans[3]!.attributes).not.toHaveProperty('gen_ai.request.model');
  expect(receiver.bodies.join('')).not.toContain('made-up');

  const of = (metric: string, attributes: object): number[] =>
    receiver.points
      .filter((point) => point.metric === metric && Bun.deepMatch(attributes, point.attributes))
      .map(({ count }) => count);
  const common = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'groq',
    'gen_ai.request.model': MODEL,
  };
  expect(of('gen_ai.client.operation.duration', common).toSorted((a, b) => a - b)).toEqual([1, 2]);
  expect(of('gen_ai.client.operation.duration', { 'error.type': 'upstream.429' })).toEqual([1]);
  const ends = [...journaledCalls(gate).values()].map(({ ends: [end] }) => end!);
  for (const [type, tokens] of [
    ['input', ends.reduce((sum, end) => sum + end.promptTokens, 0)],
    ['output', ends.reduce((sum, end) => sum + end.completionTokens, 0)],
  ] as const) {
    const attributes = { ...common, 'gen_ai.token.type': type };
    const points = receiver.points.filter(
      (point) => point.metric === 'gen_ai.client.token.usage' && Bun.deepEquals(point.attributes, attributes),
    );
    expect(points.map(({ count, sum, unit }) => [count, sum, unit])).toEqual([[2, tokens, '{token}']]);
  }
  expect(receiver.resource).toMatchObject({ 'service.name': 'sallyport' });
});

test('a trace of the caller goes on here, and neither of its headers goes on to the provider', async () => {
  await using receiver = startReceiver();
  await using provider = startCapture(() =>
    Response.json({
      object: 'chat.completion',
      model: 'gpt-4o-mini-2024-07-18',
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    }),
  );
  await using gate = await watched(receiver);
  await addKey(gate, { name: 'openai', provider: 'openai', origin: provider.url });
  const token = (await issueToken(gate, { scopes: ['call:openai/*'] })).text;
  const call = async (traceparent: string): Promise<void> => {
    const headers = { traceparent, tracestate: 'vendor=secret' };
    const reply = await postChat(gate, { model: 'gpt-4o-mini' }, { token, headers });
    expect([reply.status, await reply.text()]).toEqual([200, expect.any(String)]);
  };
  await call(`00-${TRACE}-${PARENT}-01`);
  await call(`00-${TRACE}-${PARENT}-00`);
  await call(`00-${TRACE.toUpperCase()}-${PARENT}-01`);
  await call(`00-${'0'.repeat(32)}-${PARENT}-01`);
  await call(`01-${TRACE}-${PARENT}-01-more`);
  await finish(gate);
  expect(receiver.faults).toEqual([]);
  // The second one is not sampled by its caller; the third and fourth are no trace, and begin one.
  expect(receiver.spans.map(({ traceId, parentSpanId }) => [traceId === TRACE, parentSpanId])).toEqual([
    [true, PARENT],
    [false, null],
    [false, null],
    [true, PARENT],
  ]);
  expect(receiver.spans[0]!.attributes).toMatchObject({
    'gen_ai.request.model': 'gpt-4o-mini',
    'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
  });
  expect(receiver.bodies.join('')).not.toContain('vendor=secret');
  expect(provider.requests).toHaveLength(5);
  for (const { headers } of provider.requests) {
    expect([headers.get('traceparent'), headers.get('tracestate')]).toEqual([null, null]);
  }
  // All of them are counted, whether or not there is a span.
  expect(receiver.points.find(({ metric }) => metric.endsWith('duration'))?.count).toBe(5);
});

test('a model that a provider makes up does not get into a span', async () => {
  await using receiver = startReceiver();
  await using provider = startCapture(({ headers }) =>
    Response.json({
      object: 'chat.completion',
      model: headers.get('authorization'),
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    }),
  );
  await using gate = await watched(receiver);
  const key = await addKey(gate, { name: 'openai', provider: 'openai', origin: provider.url });
  const token = (await issueToken(gate, { scopes: ['call:openai/*'] })).text;
  await (await postChat(gate, { model: 'gpt-4o-mini' }, { token })).text();
  await finish(gate);
  expect(receiver.spans).toHaveLength(1);
  expect(receiver.spans[0]!.attributes).not.toHaveProperty('gen_ai.response.model');
  expect(receiver.bodies.join('')).not.toContain(key.slice(4, 20));
});

test('headers reach the receiver and nothing else; a share of the calls can be asked for, and one signal alone', async () => {
  await using receiver = startReceiver();
  const secret = ['receiver', 'credential', '0123456789'].join('-');
  await using gate = await watched(receiver, {
    SALLYPORT_OTLP_HEADERS: `authorization=Bearer%20${secret},x-scope=a`,
    SALLYPORT_OTLP_SAMPLE_RATIO: '0',
  });
  await (await postChat(gate, {})).text();
  await (await postChat(gate, {}, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } })).text();
  await finish(gate);
  expect(receiver.spans.map(({ traceId }) => traceId)).toEqual([TRACE]);
  for (const headers of receiver.headers) {
    expect([headers.get('authorization'), headers.get('x-scope')]).toEqual([`Bearer ${secret}`, 'a']);
  }
  expect(receiver.bodies.join('')).not.toContain(secret);
  await using quiet = await watched(receiver, { SALLYPORT_OTLP_SIGNALS: 'metrics' });
  await (await postChat(quiet, {})).text();
  const before = receiver.spans.length;
  await finish(quiet);
  expect(receiver.spans).toHaveLength(before);
  expect(receiver.points.length).toBeGreaterThan(0);
});

test('a receiver that is gone, slow or refuses costs spans, which are counted, and no call waits', async () => {
  await using receiver = startReceiver();
  const answering = Promise.withResolvers<Response>();
  receiver.answer = () => answering.promise as unknown as Response;
  await using gate = await watched(receiver);
  for (let round = 0; round < 6; round += 1) {
    await Promise.all(Array.from({ length: 90 }, async () => (await postChat(gate, {})).text()));
  }
  // The first 512 are with the receiver, which does not answer.
  await eventually(() => receiver.bodies.length === 1);
  const reply = await postChat(gate, {});
  expect([reply.status, (await reply.json()) as object]).toEqual([200, expect.any(Object)]);
  answering.resolve(new Response('no', { status: 401 }));
  receiver.answer = () => new Response('no', { status: 401 });
  await eventually(async () => {
    const { out } = await run(['metrics', '--data', gate.data]);
    const families = readExposition(out);
    return (
      valueOf(families, 'sallyport_otlp_spans_total', { outcome: 'dropped' }) === 512 &&
      valueOf(families, 'sallyport_otlp_export_failures_total', { signal: 'traces' }) === 1
    );
  });
  receiver.answer = null;
  await finish(gate);
  expect(receiver.faults).toEqual([]);
  expect(receiver.spans).toHaveLength(541 - 512);
});

test('it is off unless an endpoint is set', async () => {
  await using gate = await openGate();
  const reply = await postChat(gate, {}, { headers: { traceparent: 'x'.repeat(5000) } });
  expect(reply.status).toBe(200);
  await reply.text();
  const { out } = await run(['metrics', '--data', gate.data]);
  expect(valueOf(readExposition(out), 'sallyport_otlp_spans_total')).toBe(0);
});
