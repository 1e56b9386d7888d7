/** Waiting: as long as a provider may think, and not longer. The tests run at the same time, because each of them mostly waits. */
import { expect, test } from 'bun:test';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { balance, endOf, eventually, lastEnd } from '../support/calls.ts';
import { MODEL, openGate, type OpenGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson, errorOf, MESSAGES, postChat } from '../support/setup.ts';

const SILENCE_MS = 20_000;
const TEXT = 'This reply was written by no model at all: it is one word';

/** Starts a call with the knobs of its own; later changes do not concern it. */
async function begin<T>(gate: OpenGate, knobs: object, call: () => PromiseLike<T>): Promise<PromiseLike<T>> {
  const before = gate.fake.calls().length;
  gate.fake.reset();
  gate.fake.setKnobs({ completionTokens: 13, ...knobs });
  const running = call();
  await eventually(() => gate.fake.calls().length > 0 && before >= 0);
  return running;
}

test.concurrent('20 s of silence, before the first byte or in the middle, cut neither a stream nor a whole answer', async () => {
  await using gate = await openGate({ budgetUsd: '1000' });
  const groq = new Groq({ apiKey: gate.token, baseURL: gate.url, maxRetries: 0 });
  const openai = new OpenAI({ apiKey: gate.token, baseURL: `${gate.url}/v1`, maxRetries: 0 });
  const body = { model: MODEL, messages: MESSAGES };
  const streamed = async (client: OpenAI): Promise<string> => {
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    return text;
  };
  const whole = async (client: OpenAI): Promise<string> =>
    (await client.chat.completions.create(body)).choices[0]!.message.content ?? '';
  const startedMs = performance.now();
  const running: PromiseLike<string>[] = [];
  const start = async (knobs: object, call: () => Promise<string>): Promise<void> => {
    // Not awaited here: the promise is kept, the calls run side by side.
    const before = gate.fake.calls().length;
    gate.fake.setKnobs({ completionTokens: 13, ttftMs: 0, stall: null, ...knobs });
    running.push(call());
    await eventually(() => gate.fake.calls().length > before);
  };
  for (const client of [groq as unknown as OpenAI, openai]) {
    await start({ ttftMs: SILENCE_MS }, () => streamed(client));
    await start({ ttftMs: SILENCE_MS }, () => whole(client));
    await start({ stall: { afterChunks: 5, ms: SILENCE_MS } }, () => streamed(client));
    await start({ stall: { afterChunks: 0, ms: SILENCE_MS } }, () => streamed(client));
    await start({ stall: { afterChunks: 5, ms: SILENCE_MS } }, () => whole(client));
  }
  await start({ ttftMs: SILENCE_MS, errorOn: 'all', error: '503' }, async () => {
    const headers = { authorization: `Bearer ${gate.token}` };
    const models = await fetch(`${gate.url}/v1/models`, { headers });
    return models.status === 503 ? TEXT : 'no answer';
  });
  expect(await Promise.all(running)).toEqual(Array(11).fill(TEXT));
  expect(performance.now() - startedMs).toBeGreaterThan(SILENCE_MS);
  const { costPicoUsd, unsettled } = await balance(gate);
  expect(unsettled).toEqual([]);
  expect(costPicoUsd).toBe(BigInt(gate.fake.bill().picoUsd));
});
