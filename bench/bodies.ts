/**
 * How long the reading of one request holds the event loop: ordinary bodies in microseconds, and the nastiest of the size that is allowed
 * in milliseconds (Linux). `npm run bench:bodies -- [DIR]` reads with another checkout of this repository.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type * as openai from '../src/providers/openai-request.ts';

const BODY_BYTES = 10 * 1024 * 1024;
/** A little below the bound on values. */
const MANY = 99_000;
const MODEL = 'openai/gpt-oss-20b';

const from = resolve(process.argv[2] ?? join(import.meta.dir, '..'));
const { readChatRequest } = (await import(
  join(from, 'src', 'providers', 'openai-request.ts')
)) as typeof openai;

function listed(count: number, item: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => item(n)).join(',');
}

/** A request with these messages and further members. */
function request(messages: string, more = ''): string {
  return `{"model":"${MODEL}","messages":[${messages}]${more}}`;
}

function message(content: string): string {
  return `{"role":"user","content":${content}}`;
}

/** A message of nothing but this piece, as large as a body may be. */
function full(piece: string): string {
  return request(message(`"${piece.repeat((BODY_BYTES - 100) / Buffer.byteLength(piece))}"`));
}

const words = (count: number): string => 'word '.repeat(count);
const ORDINARY: Readonly<Record<string, unknown>> = {
  'one prompt, a stream': {
    model: MODEL,
    messages: [
      { role: 'system', content: words(40) },
      { role: 'user', content: words(130) },
    ],
    max_completion_tokens: 100,
    stream: true,
    stream_options: { include_usage: true },
  },
  'eight messages': {
    model: MODEL,
    messages: Array.from({ length: 8 }, (_, n) => ({
      role: n % 2 === 0 ? 'user' : 'assistant',
      content: words(20),
    })),
    temperature: 0.2,
    max_tokens: 100,
  },
  'two tools': {
    model: MODEL,
    messages: [{ role: 'user', content: words(100) }],
    tools: ['f', 'g'].map((name) => ({
      type: 'function',
      function: {
        name,
        parameters: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } } },
      },
    })),
  },
  'one prompt of 150 KB': {
    model: MODEL,
    messages: [{ role: 'user', content: 'word, "quoted"\n'.repeat(9000) }],
  },
};

const NASTY: Readonly<Record<string, string>> = {
  '10 MB of text': full('x'),
  '10 MB of three-byte characters': full('日'),
  '10 MB of escaped quotes': full(String.raw`\"`),
  '10 MB of unicode escapes': full(String.raw`\u00e9`),
  '10 MB of text and escapes in turn': full(String.raw`x\\`),
  '10 MB of white space': request(' '.repeat(BODY_BYTES - 100)),
  '200,000 small messages (refused)': request(listed(200_000, () => message('"x"'))),
  '1,000,000 numbers (refused)': request('', `,"x":[${listed(1_000_000, () => '1')}]`),
  '33,000 messages in 10 MB': request(listed(MANY / 3, () => message(`"${'x'.repeat(280)}"`))),
  '99,000 members of one object': request(
    '',
    `,"x":{${listed(MANY, (n) => `"${n.toString(36).padStart(18, 'k')}":1`)}}`,
  ),
  '60,000 escaped names': request(
    '',
    `,"x":{${listed(60_000, (n) => String.raw`"\u006b\n\n\n\n\n${n}":1`)}}`,
  ),
  'a name of 10 MB (refused)': request('', `,"x":{"${'n'.repeat(BODY_BYTES - 100)}":1}`),
  '99,000 names in other letters': request(`{"content":"x",${listed(MANY, (n) => `"Content${n}":1`)}}`),
  '33,000 parts of unknown type': request(message(`[${listed(MANY / 3, (n) => `{"type":"t${n}","x":1}`)}]`)),
  '49,000 parts, their type escaped': request(
    message(`[${listed(49_000, () => String.raw`{"type":"te\u0078t"}`)}]`),
  ),
};

/** Milliseconds that this thread has run so far: what else the machine does is not counted. */
function threadMs(): number {
  return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0]) / 1e6;
}

/** Milliseconds of one reading, the mean of so many, once the code is warm: the kernel counts in steps of some milliseconds. */
function measure(bytes: Buffer, readings: number): number {
  let start = 0;
  for (let n = -Math.ceil(readings / 4); n < readings; n += 1) {
    if (n === 0) start = threadMs();
    try {
      readChatRequest(bytes);
    } catch {
      // Refused: that takes its time as well.
    }
  }
  return (threadMs() - start) / readings;
}

process.stdout.write(`Read by ${from}\n\n`);
for (const [name, body] of Object.entries(ORDINARY)) {
  const bytes = Buffer.from(JSON.stringify(body));
  const microseconds = 1000 * measure(bytes, bytes.length > 10_000 ? 2000 : 200_000);
  process.stdout.write(
    `${name.padEnd(36)} ${String(bytes.length).padStart(9)} bytes ${microseconds.toFixed(2).padStart(8)} us\n`,
  );
}
for (const [name, body] of Object.entries(NASTY)) {
  const bytes = Buffer.from(body);
  const milliseconds = measure(bytes, 40);
  process.stdout.write(
    `${name.padEnd(36)} ${String(bytes.length).padStart(9)} bytes ${milliseconds.toFixed(1).padStart(8)} ms\n`,
  );
}
