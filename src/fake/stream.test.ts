import { afterAll, beforeEach, expect, test } from 'bun:test';
import { startFake } from './fake.ts';
import { chunksOf, MODEL, post, streamChunks, streamText } from './test-client.ts';

const fake = startFake();
beforeEach(() => fake.reset());
afterAll(() => fake.stop());

const includeUsage = { stream_options: { include_usage: true } };

test('a stream opens with the role, sends one chunk per token, and ends with [DONE]', async () => {
  const response = await post(fake, { stream: true });
  const text = await response.text();
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('x-ratelimit-remaining-tokens')).toBe('249989');
  expect(text.endsWith('\n\ndata: [DONE]\n\n')).toBe(true);

  const chunks = chunksOf(text);
  expect(chunks).toHaveLength(26);
  for (const chunk of chunks) {
    expect(chunk).toMatchObject({
      id: chunks[0]!.id,
      object: 'chat.completion.chunk',
      created: expect.any(Number),
      model: MODEL,
      system_fingerprint: chunks[0]!.system_fingerprint,
    });
  }
  expect(chunks[0]!.choices).toEqual([
    { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
  ] as never);
  const id = response.headers.get('x-request-id');
  expect(chunks[0]!.x_groq).toEqual({ id, seed: 1_762_000_000 } as never);
  expect(chunks.at(-1)).toMatchObject({
    choices: [{ delta: {}, finish_reason: 'stop' }],
    x_groq: { id },
  });
  expect(chunks.slice(1, -1).every((chunk) => chunk.x_groq === undefined && chunk.usage === undefined)).toBe(
    true,
  );
});

test('by default usage is mirrored on the finish chunk, and repeated alone only when asked', async () => {
  const unasked = await streamChunks(fake);
  expect(unasked).toHaveLength(26);
  expect(unasked.at(-1)!.usage).toEqual(unasked.at(-1)!.x_groq!.usage);

  const asked = await streamChunks(fake, includeUsage);
  expect(asked).toHaveLength(27);
  const [finish, extra] = asked.slice(-2);
  expect(finish!.usage).toEqual(finish!.x_groq!.usage);
  expect(extra).toMatchObject({ choices: [], usage: finish!.usage, service_tier: 'on_demand' });
  expect(extra!.x_groq).toBeUndefined();
});

test('mirrored never sends the extra chunk', async () => {
  fake.setKnobs({ streamVariant: 'mirrored' });
  const chunks = await streamChunks(fake, includeUsage);
  expect(chunks).toHaveLength(26);
  expect(chunks.at(-1)!.usage).toEqual(chunks.at(-1)!.x_groq!.usage);
});

test('x_groq_only has usage in x_groq and nowhere else', async () => {
  fake.setKnobs({ streamVariant: 'x_groq_only' });
  const chunks = await streamChunks(fake, includeUsage);
  expect(chunks).toHaveLength(26);
  expect(chunks.at(-1)!.x_groq!.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 24 });
  expect(chunks.some((chunk) => chunk.usage !== undefined)).toBe(false);
});

test('x_groq_error stops half-way with the usage of what was generated', async () => {
  fake.setKnobs({ streamVariant: 'x_groq_error' });
  const text = await streamText(fake);
  const chunks = chunksOf(text);
  expect(chunks).toHaveLength(1 + 12 + 1);
  expect(chunks.at(-1)).toMatchObject({
    choices: [{ delta: {}, finish_reason: null }],
    x_groq: { error: expect.any(String), usage: { completion_tokens: 12 } },
  });
  expect(text).toContain('[DONE]');
});

test('x_groq_error before the first token has no usage', async () => {
  fake.setKnobs({ streamVariant: 'x_groq_error', xGroqErrorAfterChunks: 0 });
  const chunks = await streamChunks(fake);
  expect(chunks).toHaveLength(2);
  expect(chunks.at(-1)!.x_groq).toEqual({ id: expect.any(String), error: expect.any(String) } as never);
});

test('the request may choose the flex tier and a seed', async () => {
  const chunks = await streamChunks(fake, { ...includeUsage, service_tier: 'flex', seed: 7 });
  expect(chunks[0]!.x_groq).toMatchObject({ seed: 7 });
  expect(chunks.at(-1)!.service_tier).toBe('flex');
});

test('omitDone ends after the last chunk', async () => {
  fake.setKnobs({ omitDone: true });
  const text = await streamText(fake);
  expect(text).not.toContain('[DONE]');
  expect(chunksOf(text).at(-1)!.choices[0]!.finish_reason).toBe('stop');
});

test('crlf ends every line with CRLF', async () => {
  fake.setKnobs({ crlf: true, comments: true });
  const text = await streamText(fake);
  expect(text.replaceAll('\r\n', '')).not.toContain('\n');
  expect(text.split('\r\n\r\n')).toHaveLength(27 * 2 + 1);
});

test('comments put a ping before every event', async () => {
  fake.setKnobs({ comments: true });
  const text = await streamText(fake);
  expect(text.match(/^: ping\n\ndata: /gm)).toHaveLength(27);
});

test.each([1000, 2_000_000])('hugeLineBytes sends one line of exactly %d bytes', async (bytes) => {
  fake.setKnobs({ hugeLineBytes: bytes });
  const text = await streamText(fake);
  const sizes = text.split('\n').map((line) => Buffer.byteLength(line));
  expect(sizes.filter((size) => size === bytes)).toHaveLength(1);
  expect(chunksOf(text)).toHaveLength(27);
});

test('sseErrorAfterChunks sends an error event and closes cleanly without [DONE]', async () => {
  fake.setKnobs({ sseErrorAfterChunks: 5 });
  const text = await streamText(fake);
  const chunks = chunksOf(text);
  expect(chunks).toHaveLength(1 + 5 + 1);
  expect(chunks.at(-1)).toEqual({
    error: { message: 'Internal Server Error', type: 'internal_server_error', code: 'internal_error' },
  } as never);
  expect(text).not.toContain('[DONE]');
});
