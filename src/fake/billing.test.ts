import { afterAll, beforeEach, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { keyFingerprint, startFake, type CallRecord, type KnobPatch } from './fake.ts';
import { chatBody, complete, eventually, KEY, post, rawPost, readUntil, streamText } from './test-client.ts';

const fake = startFake();
beforeEach(() => fake.reset());
afterAll(() => fake.stop());

/** gpt-oss-20b: prompt of 11 tokens and so many completion tokens. */
function price(completion: number): string {
  return String(11n * 75_000n + BigInt(completion) * 300_000n);
}

function last(): CallRecord {
  return fake.calls().at(-1)!;
}

test('the bill adds up every call to the pico-USD, in total and per key', async () => {
  await complete(fake);
  await streamText(fake, { max_completion_tokens: 5 });
  fake.setKnobs({ cachedTokens: 7 });
  await post(fake, {}, { headers: { authorization: `Bearer ${KEY}2` } });
  const first = BigInt(price(24)) + BigInt(price(5));
  const second = BigInt(price(24)) - 7n * 37_500n;
  expect(fake.bill()).toEqual({
    calls: 3,
    picoUsd: String(first + second),
    byKey: {
      [keyFingerprint(KEY)]: { calls: 2, picoUsd: String(first) },
      [keyFingerprint(`${KEY}2`)]: { calls: 1, picoUsd: String(second) },
    },
  });
  const sum = fake.calls().reduce((total, call) => total + BigInt(call.picoUsd), 0n);
  expect(String(sum)).toBe(fake.bill().picoUsd);
});

test('listings and refused calls are logged and not billed', async () => {
  await fetch(`${fake.url}/v1/models`, { headers: { authorization: `Bearer ${KEY}` } });
  await post(fake, { model: 'none' });
  fake.setKnobs({ error: '503' });
  await post(fake);
  expect(fake.bill()).toEqual({ calls: 0, picoUsd: '0', byKey: {} });
  expect(fake.calls().map((call) => call.status)).toEqual([200, 404, 503]);
});

test('a call counts at once and is charged when it ends', async () => {
  fake.setKnobs({ ttftMs: 50 });
  const pending = complete(fake);
  await eventually(() => fake.bill().calls === 1);
  expect(fake.bill().picoUsd).toBe('0');
  await pending;
  expect(fake.bill()).toMatchObject({ calls: 1, picoUsd: price(24) });
});

test('a stream is charged before its finish chunk can be read', async () => {
  const reader = (await post(fake, { stream: true })).body!.getReader();
  await readUntil(reader, '"finish_reason":"stop"');
  expect(fake.bill().picoUsd).toBe(price(24));
  await reader.cancel();
  await Bun.sleep(5);
  expect(last()).toMatchObject({ finished: true, aborted: false, picoUsd: price(24) });
});

test('an abort mid-stream bills what was generated, noticed within milliseconds', async () => {
  fake.setKnobs({ stall: { afterChunks: 4, ms: 10_000 } });
  const reader = (await post(fake, { stream: true })).body!.getReader();
  await readUntil(reader, ' written');
  const leftMs = performance.timeOrigin + performance.now();
  await reader.cancel();
  await eventually(() => last().aborted);
  expect(last()).toMatchObject({ finished: false, completionTokens: 4, picoUsd: price(4) });
  expect(last().abortedAtMs! - leftMs).toBeLessThan(1000);
  expect(fake.bill()).toMatchObject({ calls: 1, picoUsd: price(4) });
});

test('an abort with abortBilling full bills the whole completion, cap included', async () => {
  fake.setKnobs({ stall: { afterChunks: 4, ms: 10_000 }, abortBilling: 'full' });
  const reader = (await post(fake, { stream: true, max_completion_tokens: 20 })).body!.getReader();
  await readUntil(reader, ' written');
  await reader.cancel();
  await eventually(() => last().aborted);
  expect(last()).toMatchObject({ finished: false, completionTokens: 20, picoUsd: price(20) });
});

test.each<[string, KnobPatch, Record<string, unknown>, number]>([
  ['before the headers of a stream', { ttftMs: 10_000 }, { stream: true }, 0],
  ['before a plain reply', { ttftMs: 10_000 }, {}, 0],
  [
    'before the first token of a stalled stream',
    { stall: { afterChunks: 0, ms: 10_000 } },
    { stream: true },
    0,
  ],
])('an abort %s bills the prompt', async (_, knobs, extra, tokens) => {
  fake.setKnobs(knobs);
  const abort = new AbortController();
  const pending = post(fake, extra, { signal: abort.signal }).then((response) => response.text());
  await eventually(() => fake.bill().calls === 1);
  abort.abort();
  await pending.catch(() => undefined);
  await eventually(() => last().aborted);
  expect(last()).toMatchObject({ completionTokens: tokens, picoUsd: price(tokens), finished: false });
});

test('an abort of a paced plain call bills the tokens made until then', async () => {
  fake.setKnobs({ tokensPerSecond: 100, completionTokens: 1000 });
  const abort = new AbortController();
  const cut = post(fake, {}, { signal: abort.signal }).catch(() => undefined);
  await Bun.sleep(80);
  abort.abort();
  await cut;
  await eventually(() => last().aborted);
  const { completionTokens, picoUsd } = last();
  expect(completionTokens).toBeGreaterThanOrEqual(5);
  expect(completionTokens).toBeLessThan(40);
  expect(picoUsd).toBe(price(completionTokens));
});

test.each(['half-close', 'reset'] as const)(
  'a client that leaves by %s is noticed during silence',
  async (how) => {
    fake.setKnobs({ stall: { afterChunks: 2, ms: 10_000 } });
    const body = JSON.stringify(chatBody({ stream: true }));
    const socket = connect(Number(new URL(fake.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${KEY}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually(() => fake.calls().at(-1)?.completionTokens === 2);
    if (how === 'reset') socket.resetAndDestroy();
    else socket.end();
    await eventually(() => last().aborted);
    expect(fake.bill().picoUsd).toBe(price(2));
    socket.destroy();
  },
);

test.each<[string, KnobPatch, number | null]>([
  ['a reset after 5 tokens', { resetAfterChunks: 5 }, 5],
  ['a reset after the last token', { resetAfterChunks: 24 }, 24],
  ['a reset before the first byte', { resetAfterChunks: 0 }, null],
  ['an error event after 5 tokens', { sseErrorAfterChunks: 5 }, 5],
  ['an error event before the first token', { sseErrorAfterChunks: 0 }, null],
  ['x_groq.error after 5 tokens', { streamVariant: 'x_groq_error', xGroqErrorAfterChunks: 5 }, 5],
  ['x_groq.error before the first token', { streamVariant: 'x_groq_error', xGroqErrorAfterChunks: 0 }, null],
])('%s bills what was generated, or nothing', async (_, knobs, tokens) => {
  fake.setKnobs(knobs);
  await rawPost(fake);
  expect(fake.bill()).toMatchObject({ calls: 1, picoUsd: tokens === null ? '0' : price(tokens) });
  expect(last()).toMatchObject({ finished: false, aborted: false, completionTokens: tokens ?? 0 });
});

test('a plain reply that breaks on the way is billed in full', async () => {
  fake.setKnobs({ resetAfterChunks: 0 });
  await rawPost(fake, { stream: false });
  expect(fake.bill().picoUsd).toBe(price(24));
});

test('two hundred aborts at any moment leave a bill equal to the sum of the calls', async () => {
  fake.setKnobs({ tokensPerSecond: 2000, completionTokens: 60 });
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), i / 5);
      const response = await post(fake, { stream: i % 2 === 0 }, { signal: abort.signal });
      await response.text();
    }).map((call) => call.catch(() => undefined)),
  );
  await eventually(() => fake.calls().every((call) => call.aborted || call.finished));
  // A client that left before its body had come was never accepted.
  const calls = fake.calls().filter(({ promptTokens }) => promptTokens > 0);
  for (const call of calls) expect(call.picoUsd).toBe(price(call.completionTokens));
  expect(calls.some((call) => call.aborted)).toBe(true);
  const sum = calls.reduce((total, call) => total + BigInt(call.picoUsd), 0n);
  expect(fake.bill()).toMatchObject({ calls: calls.length, picoUsd: String(sum) });
});

test('a reset during a call leaves the new bill alone', async () => {
  fake.setKnobs({ ttftMs: 30 });
  const pending = complete(fake);
  await eventually(() => fake.bill().calls === 1);
  fake.reset();
  await pending;
  expect(fake.bill()).toEqual({ calls: 0, picoUsd: '0', byKey: {} });
});

test('reasoning in silence is billed and not sent, and a client that leaves in the middle of it pays for its part', async () => {
  fake.setKnobs({
    reasoningTokens: 100,
    completionTokens: 110,
    silentReasoning: true,
    tokensPerSecond: 1000,
  });
  const text = await streamText(fake, { max_completion_tokens: 200 });
  expect(text.split('"content":"')).toHaveLength(12);
  expect(text).not.toContain('"reasoning":"');
  expect(last()).toMatchObject({ finished: true, completionTokens: 110, picoUsd: price(110) });
  expect(text).toContain('"reasoning_tokens":100');

  fake.setKnobs({ reasoningTokens: 90_000, completionTokens: 90_010 });
  const abort = new AbortController();
  const cut = post(fake, { stream: true, max_completion_tokens: 100_000 }, { signal: abort.signal });
  cut.catch(() => undefined);
  await eventually(() => fake.calls().length === 2);
  await Bun.sleep(50);
  abort.abort();
  await eventually(() => last().aborted);
  expect(last().completionTokens).toBeWithin(40, 89_000);
});

test('an engine that runs ahead, and one that hears late of a hang-up, bill more than was read', async () => {
  for (const knobs of [
    { generatesAhead: true, stall: { afterChunks: 2, ms: 10_000 } },
    { abortDelayMs: 60 },
  ]) {
    fake.reset();
    fake.setKnobs({ tokensPerSecond: 1000, completionTokens: 90_000, ...knobs });
    const body = { stream: true, max_completion_tokens: 100_000 };
    const reader = (await post(fake, body)).body!.getReader();
    await reader.read();
    await Bun.sleep(60);
    const leftMs = performance.timeOrigin + performance.now();
    await reader.cancel();
    await eventually(() => last().aborted);
    expect(last().completionTokens).toBeWithin(50, 89_000);
    expect(last().abortedAtMs! - leftMs).toBeGreaterThanOrEqual('abortDelayMs' in knobs ? 59 : 0);
  }
});
