/** Waiting: as long as a provider may think, and no longer. The tests run side by side, because each of them mostly waits. */
import { expect, test } from 'bun:test';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import type { KnobPatch } from '../../src/fake/fake.ts';
import { balance, endOf, eventually, journaledCalls } from '../support/calls.ts';
import { MODEL, openGate, type OpenGate } from '../support/harness.ts';
import { RawClient, type RawRequest } from '../support/raw-client.ts';
import { chatJson, errorOf, MESSAGES, postChat } from '../support/setup.ts';

const SILENCE_MS = 20_000;
const TEXT = 'This reply was written by no model at all: it is one word';

async function streamed(client: OpenAI): Promise<string> {
  const body = { model: MODEL, messages: MESSAGES, stream: true as const };
  let text = '';
  for await (const chunk of await client.chat.completions.create(body))
    text += chunk.choices[0]?.delta.content ?? '';
  return text;
}

async function whole(client: OpenAI): Promise<string> {
  const answer = await client.chat.completions.create({ model: MODEL, messages: MESSAGES });
  return answer.choices[0]!.message.content ?? '';
}

test.concurrent(
  '20 s of silence, before the first byte or in the middle, cut neither a stream nor a whole answer',
  async () => {
    await using gate = await openGate({ budgetUsd: '1000' });
    const groq = new Groq({ apiKey: gate.token, baseURL: gate.url, maxRetries: 0 });
    const openai = new OpenAI({ apiKey: gate.token, baseURL: `${gate.url}/v1`, maxRetries: 0 });
    const running: Promise<string>[] = [];
    // A call keeps the knobs that were in force when it arrived.
    const start = async (knobs: KnobPatch, call: () => Promise<string>): Promise<void> => {
      const before = gate.fake.calls().length;
      gate.fake.setKnobs({ completionTokens: 13, ttftMs: 0, stall: null, ...knobs });
      running.push(call());
      await eventually(() => gate.fake.calls().length > before);
    };
    const models = async (): Promise<string> => {
      const list = await groq.models.list();
      return list.data.length > 4 ? TEXT : 'no list';
    };
    const startedMs = performance.now();
    for (const client of [groq as unknown as OpenAI, openai]) {
      await start({ ttftMs: SILENCE_MS }, () => streamed(client));
      await start({ ttftMs: SILENCE_MS }, () => whole(client));
      await start({ stall: { afterChunks: 0, ms: SILENCE_MS } }, () => streamed(client));
      await start({ stall: { afterChunks: 5, ms: SILENCE_MS } }, () => streamed(client));
      await start({ stall: { afterChunks: 5, ms: SILENCE_MS } }, () => whole(client));
    }
    await start({}, models);
    expect(await Promise.all(running)).toEqual(Array<string>(11).fill(TEXT));
    expect(performance.now() - startedMs).toBeGreaterThan(SILENCE_MS);
    const { costPicoUsd, unsettled } = await balance(gate);
    expect(unsettled).toEqual([]);
    expect(costPicoUsd).toBe(BigInt(gate.fake.bill().picoUsd));
  },
);

test.concurrent(
  'a provider that says nothing within the limit is a 504, and is charged the hold',
  async () => {
    await using gate = await openGate({
      budgetUsd: '1000',
      variables: { SALLYPORT_FIRST_BYTE_SECONDS: '1' },
    });
    gate.fake.setKnobs({ ttftMs: 15_000 });
    const startedMs = performance.now();
    const answers = await Promise.all([postChat(gate, { stream: true }), postChat(gate, {})]);
    expect(performance.now() - startedMs).toBeWithin(950, 30_000);
    for (const response of answers) {
      expect(response.status).toBe(504);
      expect(await errorOf(response)).toMatchObject({ type: 'api_error', code: 'upstream_timeout' });
      const id = response.headers.get('x-request-id')!;
      const end = await endOf(gate, id);
      expect(end).toMatchObject({ result: 'error', errorCode: 'upstream.timeout', basis: 'hold' });
      expect(end.costPicoUsd).toBe(journaledCalls(gate).get(id)!.start.holdPicoUsd);
    }
    await eventually(() => gate.fake.calls().every(({ aborted }) => aborted));
    expect((await balance(gate)).heldPicoUsd).toBe(0n);
  },
);

async function rawStream(gate: OpenGate, change: object = {}): Promise<RawClient> {
  const client = new RawClient(gate.url);
  const body = chatJson({ stream: true, ...change });
  client.send({ headers: { authorization: `Bearer ${gate.token}` }, body });
  await client.until('"content":"This"');
  return client;
}

test.concurrent(
  'a stream that falls silent beyond the limit is broken off and charged for what came, and for the silence',
  async () => {
    await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_IDLE_SECONDS: '1' } });
    gate.fake.setKnobs({ stall: { afterChunks: 5, ms: 15_000 } });
    const startedMs = performance.now();
    const stream = rawStream(gate, { max_completion_tokens: 60_000 });
    const answer = await postChat(gate, {});
    const reply = await (await stream).end();
    expect(performance.now() - startedMs).toBeWithin(950, 30_000);
    expect(reply.body.toString()).toContain('"content":" by"');
    expect(reply.complete).toBe(false);
    const id = reply.headers.get('x-request-id')!;
    const end = await endOf(gate, id);
    expect(end).toMatchObject({ result: 'error', errorCode: 'upstream.timeout', basis: 'delivered' });
    const record = () => gate.fake.calls().find(({ requestId }) => requestId === id)!;
    await eventually(() => record().aborted);
    const billed = record();
    expect(BigInt(end.costPicoUsd)).toBeGreaterThanOrEqual(BigInt(billed.picoUsd));
    expect(end.completionTokens).toBeGreaterThan(2000);
    expect(BigInt(end.costPicoUsd)).toBeLessThan(
      BigInt(journaledCalls(gate).get(id)!.start.holdPicoUsd) / 2n,
    );
    // A whole answer that stops half-way could still be refused in words.
    expect(answer.status).toBe(504);
    expect(await endOf(gate, answer.headers.get('x-request-id'))).toMatchObject({ basis: 'hold' });
    expect((await balance(gate)).heldPicoUsd).toBe(0n);
  },
);

test.concurrent('a stream that drips for ever is cut by the limit of a whole call', async () => {
  await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_TOTAL_SECONDS: '2' } });
  gate.fake.setKnobs({ tokensPerSecond: 20, completionTokens: 2000 });
  const startedMs = performance.now();
  const client = await rawStream(gate, { max_completion_tokens: 2000 });
  const reply = await client.end();
  expect(performance.now() - startedMs).toBeWithin(1950, 30_000);
  expect(reply.complete).toBe(false);
  const end = await endOf(gate, reply.headers.get('x-request-id')!);
  expect(end).toMatchObject({ errorCode: 'upstream.timeout', basis: 'delivered' });
  expect(end.completionTokens).toBeGreaterThanOrEqual(30);
  await eventually(() => gate.fake.calls()[0]!.aborted);
});

test.concurrent('a connection that stays idle after its answer, whatever that was, is closed', async () => {
  await using gate = await openGate({ budgetUsd: '1000' });
  const headers = { authorization: `Bearer ${gate.token}` };
  const clients: RawClient[] = [];
  const ask = async (status: number, knobs: KnobPatch, request: RawRequest): Promise<void> => {
    gate.fake.setKnobs({ error: null, ...knobs });
    const client = new RawClient(gate.url);
    clients.push(client);
    client.send({ headers, ...request });
    const reply = await client.whole();
    expect([status, reply.status, reply.complete]).toEqual([status, status, true]);
  };
  await ask(200, {}, { body: chatJson({}) });
  await ask(200, {}, { body: chatJson({ stream: true }) });
  await ask(200, {}, { method: 'GET', path: '/v1/models' });
  await ask(500, { error: '500' }, { body: chatJson({}) });
  await ask(503, { error: '401' }, { body: chatJson({ stream: true }) });
  await ask(502, { error: 'redirect' }, { body: chatJson({}) });
  await ask(400, {}, { body: 'not json' });
  await ask(404, {}, { method: 'GET', path: '/v1/nothing' });
  expect(clients.map(({ closed }) => closed)).toEqual(Array<boolean>(8).fill(false));
  for (const client of clients) await client.end(45_000);
});
