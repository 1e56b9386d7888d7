import { afterAll, beforeEach, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { startFake } from './fake.ts';
import { chunksOf, KEY, post, rawPost, readUntil, streamText } from './test-client.ts';

const fake = startFake();
beforeEach(() => fake.reset());
afterAll(() => fake.stop());

/** The HTTP chunks of a chunked body. */
function httpChunks(answer: { bytes: Buffer }): Buffer[] {
  const chunks: Buffer[] = [];
  let at = answer.bytes.indexOf('\r\n\r\n') + 4;
  while (at < answer.bytes.length) {
    const line = answer.bytes.indexOf('\r\n', at);
    const size = Number.parseInt(answer.bytes.subarray(at, line).toString(), 16);
    if (size === 0) break;
    chunks.push(answer.bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  return chunks;
}

test('every event is its own chunk and its own write, without a content length', async () => {
  const answer = await rawPost(fake);
  const head = answer.bytes.subarray(0, answer.bytes.indexOf('\r\n\r\n')).toString().toLowerCase();
  expect(head).toContain('transfer-encoding: chunked');
  expect(head).not.toContain('content-length');
  const chunks = httpChunks(answer).map(String);
  expect(chunks).toHaveLength(27);
  for (const chunk of chunks) expect(chunk).toMatch(/^data: [^\n]+\n\n$/);
  expect(answer.reads).toBeGreaterThan(10);
});

test('coalesce 0 still frames events one by one but lets the socket merge them', async () => {
  fake.setKnobs({ coalesce: 0 });
  const answer = await rawPost(fake);
  expect(httpChunks(answer)).toHaveLength(27);
  expect(answer.reads).toBeLessThan(5);
});

test('coalesce merges events into one write', async () => {
  fake.setKnobs({ coalesce: 10 });
  const counts = httpChunks(await rawPost(fake)).map((chunk) => String(chunk).match(/^data: /gm)?.length);
  expect(counts).toEqual([10, 10, 7]);
});

test.each([1, 7])('chunkSplit %d cuts through characters and loses no byte', async (size) => {
  fake.setKnobs({ unicode: true, completionTokens: 8 });
  const whole = chunksOf(await streamText(fake)).map((chunk) => chunk.choices[0]!.delta.content ?? '');
  fake.setKnobs({ chunkSplit: size });
  const pieces = httpChunks(await rawPost(fake));
  expect(Math.max(...pieces.map((piece) => piece.length))).toBe(size);
  const broken = pieces.filter((piece) => piece.toString().includes('\ufffd'));
  expect(broken.length).toBeGreaterThan(0);
  const text = Buffer.concat(pieces).toString();
  expect(chunksOf(text).map((chunk) => chunk.choices[0]!.delta.content ?? '')).toEqual(whole);
});

test('chunkSplit cuts a plain reply too', async () => {
  fake.setKnobs({ chunkSplit: 50 });
  const answer = await rawPost(fake, { stream: false });
  expect(Math.max(...httpChunks(answer).map((chunk) => chunk.length))).toBe(50);
  expect(() => JSON.parse(Buffer.concat(httpChunks(answer)).toString()) as unknown).not.toThrow();
});

test.each([
  ['off', 'gzip', null],
  ['if-accepted', 'identity', null],
  ['if-accepted', 'gzip, br', 'gzip'],
  ['always', 'identity', 'gzip'],
] as const)('gzip %s, asked for %s, answers with encoding %p', async (gzip, accept, encoding) => {
  fake.setKnobs({ gzip });
  const headers = { 'accept-encoding': accept };
  for (const extra of [{}, { stream: true }, { messages: [] }]) {
    const response = await post(fake, extra, { headers, decompress: false });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = (encoding === null ? bytes : gunzipSync(bytes)).toString();
    expect(text.startsWith('stream' in extra ? 'data: {' : '{"')).toBe(true);
  }
});

test('a compressed stream can be read event by event', async () => {
  fake.setKnobs({ gzip: 'always', stall: { afterChunks: 4, ms: 20_000 } });
  const response = await post(fake, { stream: true });
  const reader = response.body!.getReader();
  expect(await readUntil(reader, ' written')).toContain('"content":" reply"');
  await reader.cancel();
});

test('ttftMs delays the headers', async () => {
  fake.setKnobs({ ttftMs: 60 });
  for (const extra of [{}, { stream: true }]) {
    const startMs = performance.now();
    const response = await post(fake, extra);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(58);
    await response.text();
  }
});

test('tokensPerSecond paces a stream and the length of a plain call', async () => {
  fake.setKnobs({ tokensPerSecond: 200, completionTokens: 21 });
  const startMs = performance.now();
  await streamText(fake);
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(98);
  expect(performance.now() - startMs).toBeLessThan(5000);
  const plainMs = performance.now();
  await (await post(fake)).text();
  expect(performance.now() - plainMs).toBeGreaterThanOrEqual(103);
});

test('a stall is silence between two tokens, then the stream goes on', async () => {
  fake.setKnobs({ stall: { afterChunks: 4, ms: 80 } });
  const startMs = performance.now();
  const response = await post(fake, { stream: true });
  const reader = response.body!.getReader();
  const before = await readUntil(reader, ' written');
  const after = await readUntil(reader, '[DONE]');
  expect(performance.now() - startMs).toBeGreaterThan(70);
  expect(chunksOf(before + after)).toHaveLength(26);
});

test.each([0, 1, 5, 24])('resetAfterChunks %d breaks the body after as many tokens', async (tokens) => {
  fake.setKnobs({ resetAfterChunks: tokens });
  const answer = await rawPost(fake);
  expect(answer.reset).toBe(true);
  expect(answer.bytes.toString().endsWith('0\r\n\r\n')).toBe(false);
  expect(chunksOf(answer.bytes.toString())).toHaveLength(tokens === 0 ? 0 : tokens + 1);
  const failure = await streamText(fake).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'ECONNRESET' });
});

test('resetAfterChunks breaks a plain reply half-way through its body', async () => {
  fake.setKnobs({ resetAfterChunks: 3 });
  const answer = await rawPost(fake, { stream: false });
  expect(answer.reset).toBe(true);
  expect(Buffer.concat(httpChunks(answer)).toString()).toStartWith('{"id":"chatcmpl-');
});

test('a stall may precede the break', async () => {
  fake.setKnobs({ stall: { afterChunks: 2, ms: 50 }, resetAfterChunks: 2 });
  const startMs = performance.now();
  const answer = await rawPost(fake);
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(48);
  expect(answer.reset).toBe(true);
  expect(chunksOf(answer.bytes.toString())).toHaveLength(3);
});

test('a fault the reply does not reach has no effect', async () => {
  fake.setKnobs({ resetAfterChunks: 25, sseErrorAfterChunks: 25, stall: { afterChunks: 25, ms: 5000 } });
  expect(await streamText(fake)).toContain('[DONE]');
});

test('a long reply is delivered whole to a slow reader', async () => {
  fake.setKnobs({ completionTokens: 5000, coalesce: 0 });
  const response = await post(fake, { stream: true });
  await Bun.sleep(30);
  expect(chunksOf(await response.text())).toHaveLength(5002);
});

test('calls answered at the same time do not mix', async () => {
  const texts = await Promise.all(
    Array.from({ length: 40 }, (_, i) => streamText(fake, { max_completion_tokens: 1 + (i % 20), seed: i })),
  );
  for (const [i, text] of texts.entries()) {
    const chunks = chunksOf(text);
    expect(chunks).toHaveLength(2 + 1 + (i % 20));
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  }
  expect(JSON.stringify(fake.calls())).not.toContain(KEY);
});
