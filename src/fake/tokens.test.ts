import { afterAll, beforeEach, expect, test } from 'bun:test';
import { startFake } from './fake.ts';
import { complete, streamChunks } from './test-client.ts';

const fake = startFake();
beforeEach(() => fake.reset());
afterAll(() => fake.stop());

const tools = [
  {
    type: 'function',
    function: {
      name: 'lookup',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string' }, days: { type: 'integer' }, unit: { enum: ['C', 'F'] } },
        required: ['city', 'days', 'unit'],
      },
    },
  },
];

test.each<[string, Record<string, unknown>, number]>([
  ['one byte', { messages: [{ role: 'user', content: 'x' }] }, 8],
  ['nothing', { messages: [{ role: 'user', content: '' }] }, 7],
  [
    '400 bytes in two messages',
    { messages: ['y', 'z'].map((y) => ({ role: 'user', content: y.repeat(200) })) },
    111,
  ],
  ['multi-byte text, by bytes', { messages: [{ role: 'user', content: '日本語'.repeat(4) }] }, 16],
  ['content parts', { messages: [{ role: 'user', content: [{ type: 'text', text: 'z'.repeat(40) }] }] }, 17],
])('the prompt count of %s is deterministic', async (_, extra, tokens) => {
  expect((await complete(fake, extra)).usage?.prompt_tokens).toBe(tokens);
  expect((await complete(fake, extra)).usage?.prompt_tokens).toBe(tokens);
});

test('the prompt count never exceeds the byte bound a gateway may reserve by', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const messages = Array.from({ length: 1 + (seed % 5) }, (_, i) => ({
      role: 'user',
      content: 'aé日🛰'.slice(0, (seed + i) % 6).repeat(seed),
    }));
    const extra = seed % 2 === 0 ? { messages, tools } : { messages };
    const text =
      messages.map((message) => message.content).join('') + (seed % 2 === 0 ? JSON.stringify(tools) : '');
    const bound = Buffer.byteLength(text) + 16 * messages.length + 64;
    expect((await complete(fake, extra)).usage?.prompt_tokens).toBeLessThanOrEqual(bound);
  }
});

test.each<[Record<string, unknown>, number, string]>([
  [{}, 24, 'stop'],
  [{ max_completion_tokens: 5 }, 5, 'length'],
  [{ max_tokens: 6 }, 6, 'length'],
  [{ max_completion_tokens: 5, max_tokens: 50 }, 5, 'length'],
  [{ max_completion_tokens: 24 }, 24, 'stop'],
])('with %p it generates %d tokens and finishes by %s', async (extra, tokens, reason) => {
  const plain = await complete(fake, extra);
  expect(plain.usage?.completion_tokens).toBe(tokens);
  expect(plain.choices[0]!.finish_reason).toBe(reason);
  expect(plain.choices[0]!.message.content?.split(' ')).toHaveLength(tokens);

  const chunks = await streamChunks(fake, extra);
  const finish = chunks.at(-1)!;
  expect(finish.usage?.completion_tokens).toBe(tokens);
  expect(finish.choices[0]!.finish_reason).toBe(reason);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  expect(text).toBe(plain.choices[0]!.message.content!);
});

test('without a cap the model maximum and its context still hold', async () => {
  fake.setKnobs({ completionTokens: 1_000_000, coalesce: 0 });
  const huge = await complete(fake, { model: 'qwen/qwen3.6-27b' });
  expect(huge.usage?.completion_tokens).toBe(16_384);
  fake.setKnobs({ promptTokens: 131_000 });
  const full = await complete(fake);
  expect(full.usage?.completion_tokens).toBe(72);
  expect(full.choices[0]!.finish_reason).toBe('length');
});

test('completionTokens null derives a length from the prompt, the same every time', async () => {
  fake.setKnobs({ completionTokens: null });
  const first = await complete(fake);
  expect(first.usage?.completion_tokens).toBe(27);
  expect((await complete(fake)).choices).toEqual(first.choices);
});

test('reasoning tokens are part of the completion and come first', async () => {
  fake.setKnobs({ completionTokens: 10, reasoningTokens: 4 });
  const plain = await complete(fake);
  expect(plain.usage).toMatchObject({
    completion_tokens: 10,
    completion_tokens_details: { reasoning_tokens: 4 },
  });
  expect(plain.choices[0]!.message.reasoning?.split(' ')).toHaveLength(4);
  expect(plain.choices[0]!.message.content?.split(' ')).toHaveLength(6);

  const deltas = (await streamChunks(fake)).slice(1, -1).map((chunk) => chunk.choices[0]!.delta);
  expect(
    deltas.slice(0, 4).every((delta) => delta.channel === 'analysis' && delta.reasoning !== undefined),
  ).toBe(true);
  expect(deltas.slice(4).every((delta) => delta.content !== undefined)).toBe(true);
  expect(deltas).toHaveLength(10);
});

test('a cap inside the reasoning leaves no content', async () => {
  fake.setKnobs({ completionTokens: 10, reasoningTokens: 8 });
  const plain = await complete(fake, { max_completion_tokens: 3 });
  expect(plain.usage).toMatchObject({
    completion_tokens: 3,
    completion_tokens_details: { reasoning_tokens: 3 },
  });
  expect(plain.choices[0]!.message.content).toBe('');
});

test('cached tokens never exceed the prompt', async () => {
  fake.setKnobs({ cachedTokens: 5 });
  expect((await complete(fake)).usage?.prompt_tokens_details).toEqual({ cached_tokens: 5 });
  fake.setKnobs({ cachedTokens: 5000 });
  expect((await complete(fake)).usage?.prompt_tokens_details).toEqual({ cached_tokens: 11 });
});

test.each([1, 2, 3, 24, 200])(
  'a tool call of %d tokens reads the same plain and streamed',
  async (tokens) => {
    fake.setKnobs({ completionTokens: tokens, toolCall: true });
    const plain = await complete(fake, { tools });
    const [call] = plain.choices[0]!.message.tool_calls!;
    expect(plain.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    expect(call!.function.name).toBe('lookup');
    expect(JSON.parse(call!.function.arguments)).toEqual({ city: 'fake value', days: 7, unit: 'C' });

    const chunks = await streamChunks(fake, { tools });
    const pieces = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(pieces).toHaveLength(tokens);
    expect(pieces[0]!.id).toMatch(/^call_/);
    expect(pieces.map((piece) => piece.function.arguments).join('')).toBe(call!.function.arguments);
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('tool_calls');
  },
);

test('tool_choice forces a call without the knob, and none forbids it with the knob', async () => {
  const forced = await complete(fake, { tools, tool_choice: 'required' });
  expect(forced.choices[0]!.finish_reason).toBe('tool_calls');
  const named = await complete(fake, {
    tools,
    tool_choice: { type: 'function', function: { name: 'lookup' } },
  });
  expect(named.choices[0]!.finish_reason).toBe('tool_calls');
  fake.setKnobs({ toolCall: true });
  expect((await complete(fake, { tools, tool_choice: 'none' })).choices[0]!.finish_reason).toBe('stop');
  expect((await complete(fake)).choices[0]!.finish_reason).toBe('stop');
});

test('a tool call cut by the cap finishes by length', async () => {
  fake.setKnobs({ toolCall: true });
  const plain = await complete(fake, { tools, max_completion_tokens: 4 });
  expect(plain.choices[0]!.finish_reason).toBe('length');
  expect(() => JSON.parse(plain.choices[0]!.message.tool_calls![0]!.function.arguments) as unknown).toThrow();
});

test('unicode replies are multi-byte', async () => {
  fake.setKnobs({ unicode: true });
  const text = (await complete(fake)).choices[0]!.message.content!;
  expect(Buffer.byteLength(text)).toBeGreaterThan(text.length + 20);
});

test('missingUsage leaves no usage anywhere', async () => {
  fake.setKnobs({ missingUsage: true });
  expect(JSON.stringify(await complete(fake))).not.toContain('usage');
  const chunks = await streamChunks(fake, { stream_options: { include_usage: true } });
  expect(JSON.stringify(chunks)).not.toContain('usage');
});
