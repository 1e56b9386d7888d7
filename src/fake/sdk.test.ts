import { afterAll, beforeEach, expect, test } from 'bun:test';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { startFake } from './fake.ts';
import { KEY, MODEL } from './test-client.ts';

const fake = startFake();
beforeEach(() => fake.reset());
afterAll(() => fake.stop());

const groq = new Groq({ apiKey: KEY, baseURL: fake.url, maxRetries: 0 });
const openai = new OpenAI({ apiKey: KEY, baseURL: `${fake.url}/openai/v1`, maxRetries: 0 });
const messages = [{ role: 'user' as const, content: 'Say something.' }];

test('groq-sdk reads a plain reply, a stream with usage, and a model by its encoded id', async () => {
  const plain = await groq.chat.completions.create({ model: MODEL, messages });
  expect(plain.usage?.completion_tokens).toBe(24);
  let text = '';
  let usage: unknown;
  for await (const chunk of await groq.chat.completions.create({ model: MODEL, messages, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.x_groq?.usage ?? usage;
  }
  expect(text).toBe(plain.choices[0]!.message.content!);
  expect(usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 24 });
  expect((await groq.models.retrieve(MODEL)).id).toBe(MODEL);
});

test('openai reads the same stream with CRLF, comments and split characters, and the usage chunk', async () => {
  fake.setKnobs({ crlf: true, comments: true, chunkSplit: 11, unicode: true, completionTokens: 12 });
  let text = '';
  let tokens: number | undefined;
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    tokens = chunk.usage?.completion_tokens ?? tokens;
  }
  expect(text.split(' ')).toHaveLength(12);
  expect(text).not.toContain('\ufffd');
  expect(tokens).toBe(12);
});

test('both clients raise on an error event in the stream', async () => {
  fake.setKnobs({ sseErrorAfterChunks: 2 });
  for (const client of [groq, openai] as const) {
    const drain = async (): Promise<void> => {
      const stream = await (client as OpenAI).chat.completions.create({
        model: MODEL,
        messages,
        stream: true,
      });
      for await (const _ of stream) continue;
    };
    expect(await drain().catch((error: unknown) => error)).toMatchObject({ status: undefined });
  }
});

test('both clients see the code of a refusal', async () => {
  fake.setKnobs({ error: '429_daily' });
  const viaGroq = await groq.chat.completions
    .create({ model: MODEL, messages })
    .catch((error: unknown) => error);
  expect(viaGroq).toMatchObject({ status: 429, error: { error: { code: 'rate_limit_exceeded' } } });
  const viaOpenai = await openai.chat.completions
    .create({ model: MODEL, messages })
    .catch((error: unknown) => error);
  expect(viaOpenai).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
});
