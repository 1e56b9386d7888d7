import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import type { CallRecord } from '../../src/fake/fake.ts';
import { balance, endOf, eventually, journaledCalls } from '../support/calls.ts';
import { MODEL, openGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson, issueToken, MESSAGES, postChat } from '../support/setup.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

/** Between the client's hanging up and the provider's noticing it: milliseconds on a quiet machine, and far less than any stream here lasts. */
const PROMPT_MS = 2000;
const latenciesMs: number[] = [];

/** Reads a stream until `seen` says so, hangs up in its own way, and says when. */
type HangUp = (seen: (text: string) => boolean) => Promise<number>;

function now(): number {
  return performance.timeOrigin + performance.now();
}

const BODY = { model: MODEL, messages: MESSAGES, stream: true as const, max_completion_tokens: 60_000 };
const INCLUDE_USAGE = { stream_options: { include_usage: true } };

/** Every way to hang up on a stream that has begun. */
const WAYS: Readonly<Record<string, HangUp>> = {
  'fetch with an AbortController': async (seen) => {
    const abort = new AbortController();
    const response = await postChat(gate, { ...BODY, ...INCLUDE_USAGE }, { signal: abort.signal });
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let text = '';
    while (!seen(text)) {
      const { done, value } = await reader.read();
      if (done) throw new Error('the stream ended before it was aborted');
      text += decoder.decode(value, { stream: true });
    }
    const atMs = now();
    abort.abort();
    return atMs;
  },
  'groq-sdk, stream.controller.abort()': async (seen) => {
    const client = new Groq({ apiKey: gate.token, baseURL: gate.url, maxRetries: 0 });
    const stream = await client.chat.completions.create({ ...BODY, ...INCLUDE_USAGE });
    let text = '';
    let atMs = 0;
    for await (const chunk of stream) {
      text += JSON.stringify(chunk);
      if (!seen(text)) continue;
      atMs = now();
      stream.controller.abort();
      break;
    }
    return atMs;
  },
  'openai, break': async (seen) => {
    const client = new OpenAI({ apiKey: gate.token, baseURL: `${gate.url}/v1`, maxRetries: 0 });
    let text = '';
    let atMs = 0;
    for await (const chunk of await client.chat.completions.create({ ...BODY, ...INCLUDE_USAGE })) {
      text += JSON.stringify(chunk);
      if (!seen(text)) continue;
      atMs = now();
      break;
    }
    return atMs;
  },
  'a socket that is destroyed': (seen) => hangUpRaw(seen, (client) => client.socket.destroy()),
  'a socket that is reset': (seen) => hangUpRaw(seen, (client) => client.socket.resetAndDestroy()),
  'a socket that is half closed': (seen) => hangUpRaw(seen, (client) => client.socket.end()),
};

async function hangUpRaw(
  seen: (text: string) => boolean,
  leave: (client: RawClient) => void,
): Promise<number> {
  const client = sendRaw({ ...BODY, ...INCLUDE_USAGE });
  await eventually(() => seen(client.received.toString()));
  const atMs = now();
  leave(client);
  return atMs;
}

function sendRaw(body: object): RawClient {
  const client = new RawClient(gate.url);
  client.send({ headers: { authorization: `Bearer ${gate.token}` }, body: chatJson(body) });
  return client;
}

function words(count: number): (text: string) => boolean {
  return (text) => text.split('"content":"').length - 2 >= count;
}

/** The provider's record of the only call, once it is over. */
async function billed(): Promise<CallRecord> {
  await eventually(() => gate.fake.calls().every(({ aborted, finished }) => aborted || finished));
  expect(gate.fake.calls()).toHaveLength(1);
  return gate.fake.calls()[0]!;
}

async function expectSettled(): Promise<void> {
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ spentPicoUsd, heldPicoUsd, unsettled }).toEqual({
    spentPicoUsd: costPicoUsd,
    heldPicoUsd: 0n,
    unsettled: [],
  });
}

describe('a client that hangs up in the middle of a stream stops the provider and pays for what was delivered', () => {
  for (const [way, hangUp] of Object.entries(WAYS)) {
    test(way, async () => {
      gate.fake.setKnobs({ tokensPerSecond: 100, completionTokens: 1500 });
      const atMs = await hangUp(words(8));
      const record = await billed();
      expect(record.aborted).toBe(true);
      latenciesMs.push(record.abortedAtMs! - atMs);
      expect(record.abortedAtMs! - atMs).toBeLessThan(PROMPT_MS);

      const end = await endOf(gate, record.requestId);
      expect(end).toMatchObject({ result: 'error', errorCode: 'client.aborted', basis: 'delivered' });
      const cost = BigInt(end.costPicoUsd);
      expect(cost).toBeGreaterThanOrEqual(BigInt(record.picoUsd));
      expect(cost).toBeLessThan(BigInt(journaledCalls(gate).get(end.id)!.start.holdPicoUsd) / 4n);
      expect(end.completionTokens).toBeGreaterThanOrEqual(Math.max(8, record.completionTokens));
      await expectSettled();
    });
  }
});

describe('a client that hangs up before the first byte stops the provider, and pays for the prompt and the time it took', () => {
  const early: Readonly<Record<string, () => Promise<number>>> = {
    'fetch with an AbortController': async () => {
      const abort = new AbortController();
      const response = postChat(gate, BODY, { signal: abort.signal });
      response.catch(() => undefined);
      await eventually(() => gate.fake.calls().length === 1);
      const atMs = now();
      abort.abort();
      return atMs;
    },
    'groq-sdk with a signal': async () => {
      const abort = new AbortController();
      const client = new Groq({ apiKey: gate.token, baseURL: gate.url });
      const stream = client.chat.completions.create(BODY, { signal: abort.signal });
      stream.catch(() => undefined);
      await eventually(() => gate.fake.calls().length === 1);
      const atMs = now();
      abort.abort();
      return atMs;
    },
    'a socket that is destroyed': () => leaveEarly((client) => client.socket.destroy()),
    'a socket that is half closed': () => leaveEarly((client) => client.socket.end()),
  };
  async function leaveEarly(leave: (client: RawClient) => void): Promise<number> {
    const client = sendRaw(BODY);
    await eventually(() => gate.fake.calls().length === 1);
    const atMs = now();
    leave(client);
    return atMs;
  }
  for (const [way, hangUp] of Object.entries(early)) {
    test(way, async () => {
      gate.fake.setKnobs({ ttftMs: 15_000 });
      const atMs = await hangUp();
      const record = await billed();
      latenciesMs.push(record.abortedAtMs! - atMs);
      expect(record.abortedAtMs! - atMs).toBeLessThan(PROMPT_MS);
      const end = await endOf(gate, record.requestId);
      expect(end).toMatchObject({ result: 'error', errorCode: 'client.aborted', basis: 'delivered' });
      // Never nothing: a model may have been thinking.
      expect(end.completionTokens).toBeGreaterThanOrEqual(100);
      expect(BigInt(end.costPicoUsd)).toBeGreaterThan(BigInt(record.picoUsd));
      expect(BigInt(end.costPicoUsd)).toBeLessThan(
        BigInt(journaledCalls(gate).get(end.id)!.start.holdPicoUsd) / 4n,
      );
      await expectSettled();
    });
  }

  test('of a whole answer nothing is known, so that the hold is charged', async () => {
    gate.fake.setKnobs({ ttftMs: 15_000 });
    const client = sendRaw({ max_completion_tokens: 100 });
    await eventually(() => gate.fake.calls().length === 1);
    const atMs = now();
    client.socket.destroy();
    const record = await billed();
    expect(record.abortedAtMs! - atMs).toBeLessThan(PROMPT_MS);
    const end = await endOf(gate, record.requestId);
    expect(end).toMatchObject({ errorCode: 'client.aborted', basis: 'hold' });
    await expectSettled();
  });

  test('the model list is given up as well, and costs nothing', async () => {
    gate.fake.setKnobs({ errorOn: 'all', error: '500', ttftMs: 15_000 });
    const client = new RawClient(gate.url);
    client.send({ method: 'GET', path: '/v1/models', headers: { authorization: `Bearer ${gate.token}` } });
    await eventually(() => gate.fake.calls().length === 1);
    client.socket.destroy();
    const end = await endOf(gate, gate.fake.calls()[0]!.requestId, 1000);
    expect(end).toMatchObject({ errorCode: 'client.aborted', costPicoUsd: '0' });
  });
});

describe('a client that hangs up is never charged less than the provider bills', () => {
  /** Opens a stream that is billed at `tokensPerSecond`, leaves `ms` after `when`, and compares. */
  async function leaveAfter(when: (client: RawClient) => boolean, ms: number): Promise<void> {
    const client = sendRaw(BODY);
    await eventually(() => gate.fake.calls().length === 1 && when(client), 10_000);
    await Bun.sleep(ms);
    client.socket.destroy();
    const record = await billed();
    const end = await endOf(gate, record.requestId);
    expect(end).toMatchObject({ errorCode: 'client.aborted', basis: 'delivered' });
    expect(end.completionTokens).toBeGreaterThanOrEqual(record.completionTokens);
    expect(BigInt(end.costPicoUsd)).toBeGreaterThanOrEqual(BigInt(record.picoUsd));
    expect(BigInt(end.costPicoUsd)).toBeLessThan(BigInt(journaledCalls(gate).get(end.id)!.start.holdPicoUsd));
    await expectSettled();
  }
  const tokens = { reasoningTokens: 0, completionTokens: 50_000, tokensPerSecond: 500 };

  test('while a model thinks in silence and nothing has come', async () => {
    gate.fake.setKnobs({ ...tokens, reasoningTokens: 40_000, silentReasoning: true });
    await leaveAfter(() => true, 300);
    // What this is about: there was something to bill.
    expect(gate.fake.calls()[0]!.completionTokens).toBeGreaterThan(100);
  });

  test('right behind the first words of a model that has thought in silence', async () => {
    gate.fake.setKnobs({ ...tokens, reasoningTokens: 1200, silentReasoning: true });
    await leaveAfter((client) => words(1)(client.received.toString()), 0);
    expect(gate.fake.calls()[0]!.completionTokens).toBeGreaterThan(1200);
  });

  test('while the engine goes on until the hang-up has reached it', async () => {
    gate.fake.setKnobs({ ...tokens, tokensPerSecond: 200, abortDelayMs: 40 });
    await leaveAfter((client) => words(3)(client.received.toString()), 0);
  });

  test('while the engine is ahead of a stream that stands still', async () => {
    gate.fake.setKnobs({ ...tokens, generatesAhead: true, stall: { afterChunks: 5, ms: 15_000 } });
    await leaveAfter((client) => words(4)(client.received.toString()), 200);
    expect(gate.fake.calls()[0]!.completionTokens).toBeGreaterThan(50);
  });
});

describe('a client that hangs up when it knows the usage pays exactly that, as for a call that ended well', () => {
  for (const [way, hangUp] of Object.entries(WAYS)) {
    test(`${way}, right behind the usage chunk`, async () => {
      gate.fake.setKnobs({ completionTokens: 30 });
      await hangUp((text) => text.includes('"usage"'));
      const record = await billed();
      const end = await endOf(gate, record.requestId);
      expect(end).toMatchObject({ result: 'success', errorCode: null, basis: 'usage' });
      expect(end.costPicoUsd).toBe(record.picoUsd);
      await expectSettled();
    });
  }

  for (const [way, hangUp] of Object.entries(WAYS)) {
    // The SDKs take [DONE] for themselves.
    if (way.includes('groq') || way.includes('openai')) continue;
    test(`${way}, right behind [DONE]`, async () => {
      gate.fake.setKnobs({ completionTokens: 30 });
      await hangUp((text) => text.includes('[DONE]'));
      const record = await billed();
      const end = await endOf(gate, record.requestId);
      expect(end).toMatchObject({ result: 'success', errorCode: null, costPicoUsd: record.picoUsd });
      await expectSettled();
    });
  }
});

test('the place that an aborted call had under the concurrency limit is free at once', async () => {
  const { text: token } = await issueToken(gate, { concurrency: 1 });
  gate.fake.setKnobs({ tokensPerSecond: 50, completionTokens: 500 });
  for (let round = 0; round < 5; round += 1) {
    const abort = new AbortController();
    const stream = await postChat(gate, BODY, { token, signal: abort.signal });
    expect(stream.status).toBe(200);
    expect((await postChat(gate, {}, { token })).status).toBe(429);
    abort.abort();
    await Bun.sleep(50);
  }
  gate.fake.setKnobs({ tokensPerSecond: 0, completionTokens: 5 });
  expect((await postChat(gate, {}, { token })).status).toBe(200);
  await expectSettled();
});

test('300 aborts at any moment leave no live call, no held money, and no call charged twice or below the bill', async () => {
  gate.fake.setKnobs({ tokensPerSecond: 400, completionTokens: 400, ttftMs: 5 });
  const before = journaledCalls(gate).size;
  const abortOne = async (n: number): Promise<void> => {
    if (n % 3 === 0) {
      const client = sendRaw(BODY);
      await Bun.sleep((n * 7) % 40);
      if (n % 2 === 0) client.socket.destroy();
      else client.socket.end();
      return;
    }
    const abort = new AbortController();
    const response = postChat(gate, BODY, { signal: abort.signal });
    response.then((answer) => answer.body!.pipeTo(new WritableStream())).catch(() => undefined);
    await Bun.sleep((n * 7) % 40);
    abort.abort();
  };
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(Array.from({ length: 30 }, (_, n) => abortOne(round * 30 + n)));
  }
  await eventually(() => gate.fake.calls().every(({ aborted, finished }) => aborted || finished));
  await expectSettled();
  const calls = [...journaledCalls(gate).values()].slice(before);
  expect(calls.length).toBeGreaterThan(250);
  // Of the others the client had left before there was a connection: nothing was sent.
  expect(gate.fake.calls().length).toBeGreaterThan(100);
  const bills = new Map(gate.fake.calls().map((record) => [record.requestId, record]));
  for (const { start, ends } of calls) {
    const [end] = ends;
    expect(ends).toHaveLength(1);
    // Some were given up before they reached the provider.
    const billed = BigInt(bills.get(start.id)?.picoUsd ?? 0);
    expect(BigInt(end!.costPicoUsd)).toBeGreaterThanOrEqual(billed);
    expect(BigInt(end!.costPicoUsd)).toBeLessThan(BigInt(start.holdPicoUsd));
  }
});

test('the provider notices every hang-up well within the bound', () => {
  expect(latenciesMs.length).toBeGreaterThanOrEqual(10);
  expect(Math.max(...latenciesMs)).toBeLessThan(PROMPT_MS);
});
