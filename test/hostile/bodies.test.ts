import { afterAll, beforeEach, expect, test } from 'bun:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expectUnharmed } from '../support/hostile.ts';
import { MODEL, openGate } from '../support/harness.ts';
import { chatJson, errorOf } from '../support/setup.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

function post(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.token}`, 'content-type': 'application/json', ...headers },
    body,
  });
}

type Row = readonly [name: string, status: 200 | 400 | 403 | 404 | 413, body: string | Uint8Array];

/** A good request with a member put in front; the text is written as it is. */
function withMember(text: string): string {
  return `{${text},${chatJson({}).slice(1)}`;
}

function content(text: string): string {
  return `{"model":"${MODEL}","max_completion_tokens":5,"messages":[{"role":"user","content":"${text}"}]}`;
}

function bytes(...parts: readonly (string | readonly number[])[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  );
}

/** `content` with these bytes inside its text. */
function contentBytes(...inside: number[]): Uint8Array {
  const [before = '', behind = ''] = content('|').split('|');
  return bytes(before, inside, behind);
}

const nested = (depth: number, open: string, close: string): string =>
  withMember(`"x":${open.repeat(depth)}0${close.repeat(depth)}`);

const members = (count: number): string => Array.from({ length: count }, (_, n) => `"k${n}":0`).join(',');
const messages = (count: number): string =>
  `{"model":"${MODEL}","max_completion_tokens":5,"messages":[${Array(count).fill('{"role":"user","content":"x"}').join(',')}]}`;

const DEEP: readonly Row[] = [
  ['arrays, 63 deep', 200, nested(63, '[', ']')],
  ['arrays, 64 deep', 400, nested(64, '[', ']')],
  ['objects, 63 deep', 200, nested(63, '{"a":', '}')],
  ['objects, 64 deep', 400, nested(64, '{"a":', '}')],
  ['a million arrays', 400, nested(1_000_000, '[', ']')],
  ['a million arrays without an end', 400, withMember(`"x":${'['.repeat(1_000_000)}`)],
  ['a million objects', 400, nested(1_000_000, '{"a":', '}')],
  ['brackets inside a text', 200, content('['.repeat(100_000))],
  ['90,000 members', 200, withMember(members(90_000))],
  ['200,000 members', 413, withMember(members(200_000))],
  ['90,000 numbers', 200, withMember(`"x":[${'0,'.repeat(89_999)}0]`)],
  ['a million numbers', 413, withMember(`"x":[${'0,'.repeat(999_999)}0]`)],
  ['30,000 messages', 200, messages(30_000)],
  ['200,000 messages', 413, messages(200_000)],
  ['names of three megabytes', 413, withMember(`"${'n'.repeat(3_000_000)}":0`)],
  ['nine megabytes of escapes', 200, withMember(`"x":"${String.raw`\"`.repeat(4_500_000)}"`)],
  ['a number of 100,000 digits', 200, withMember(`"x":${'9'.repeat(100_000)}`)],
  ['a number that is no finite one', 200, withMember('"x":1e999999')],
];

const DUPLICATES: readonly Row[] = [
  ['the model', 400, withMember(`"model":"${MODEL}"`)],
  ['the model, escaped', 400, withMember(String.raw`"\u006dodel":"openai/gpt-oss-120b"`)],
  ['the model, all escaped, in capitals', 400, withMember(String.raw`"\u006D\u006F\u0064\u0065\u006C":"x"`)],
  ['the messages', 400, withMember('"messages":[]')],
  ['the cap', 400, withMember('"max_completion_tokens":1000000')],
  ['the cap, one letter escaped', 400, withMember(String.raw`"max\u005fcompletion_tokens":1000000`)],
  ['a member that nobody reads', 400, withMember('"x":1,"x":1')],
  ['one deep inside', 400, withMember('"x":[{"y":{"z":1,"a":[{}],"z":2}}]')],
  ['in a message', 400, content('a","content":"b')],
  ['in a message, escaped', 400, content(String.raw`a","c\u006fntent":"b`)],
  ['in stream_options', 400, withMember('"stream_options":{"include_usage":false,"include_usage":true}')],
  ['an escaped slash', 400, withMember(String.raw`"a/b":1,"a\/b":2`)],
  ['an empty name', 400, withMember('"":1,"":2')],
  ['__proto__', 400, withMember('"__proto__":1,"__proto__":2')],
  ['a pair of surrogates and its escape', 400, withMember(String.raw`"🛰":1,"\ud83d\udef0":2`)],
  ['the same name in two objects', 200, withMember('"x":{"a":1},"y":{"a":1}')],
  ['another case of what is read', 400, withMember('"Model":"openai/gpt-oss-120b"')],
  ['another case in a message', 400, content('a","Content":"b')],
  ['the long s', 400, withMember('"\u017ftream":true')],
  ['the Kelvin sign', 400, withMember('"max_to\u212aens":1000000')],
  ['names that only look alike', 200, withMember('"m\u043edel":"x"')],
  ['composed and decomposed', 200, withMember('"\u00e9":1,"e\u0301":2')],
];

const UTF8: readonly Row[] = [
  ['a lone continuation byte', 400, contentBytes(0x80)],
  ['a lone lead byte', 400, contentBytes(0xc3)],
  ['an overlong slash', 400, contentBytes(0xc0, 0xaf)],
  ['an overlong quote', 400, contentBytes(0xc0, 0xa2)],
  ['an overlong NUL', 400, contentBytes(0xc0, 0x80)],
  ['an encoded surrogate', 400, contentBytes(0xed, 0xa0, 0x80)],
  ['beyond the last code point', 400, contentBytes(0xf4, 0x90, 0x80, 0x80)],
  ['five bytes', 400, contentBytes(0xf8, 0x88, 0x80, 0x80, 0x80)],
  ['0xff', 400, contentBytes(0xff)],
  ['a character cut at the end', 400, bytes(content('a').slice(0, -4), [0xe2, 0x82])],
  ['bad bytes in a name', 400, bytes('{"mod', [0xff], 'el":1,', chatJson({}).slice(1))],
  ['a byte order mark', 400, bytes([0xef, 0xbb, 0xbf], chatJson({}))],
  ['UTF-16', 400, Buffer.from(`\ufeff${chatJson({})}`, 'utf16le')],
  [
    'UTF-32',
    400,
    bytes(
      [0xff, 0xfe, 0, 0],
      [...Buffer.from(chatJson({}))].flatMap((byte) => [byte, 0, 0, 0]),
    ),
  ],
  ['latin-1', 400, Buffer.from(content('\xe9'), 'latin1')],
  ['NUL in a text', 400, contentBytes(0)],
  ['a line feed in a text', 400, contentBytes(10)],
  ['NUL behind the object', 400, bytes(chatJson({}), [0])],
  ['a form feed before it', 400, bytes([12], chatJson({}))],
  ['a no-break space before it', 400, bytes([0xc2, 0xa0], chatJson({}))],
  ['U+FFFD itself', 200, content('\ufffd')],
  ['U+2028, four bytes, a non-character', 200, content('\u2028 🛰 \uffff')],
  ['an escaped lone surrogate', 200, content(String.raw`\ud800`)],
  ['escaped surrogates in the wrong order', 200, content(String.raw`\udc00\ud800`)],
  ['an escaped NUL', 200, content(String.raw`\u0000`)],
  ['a lone surrogate as the model', 404, chatJson({ model: '\ud800' })],
  ['a lone surrogate as the user', 200, chatJson({ user: '\udfff' })],
  ['a user whose 256th character is cut in two', 200, chatJson({ user: `${'a'.repeat(255)}🛰` })],
  ['a lone surrogate as a tool', 403, chatJson({ tools: [{ type: '\ud800' }] })],
];

const TYPES: readonly Row[] = [
  ...(['', ' ', 'null', 'true', '1', '"x"', '[]', '[{}]', '{}', '{', '}', '{}{}', 'x'] as const).map(
    (body): Row => [`the body ${JSON.stringify(body)}`, 400, body],
  ),
  ['two objects', 400, `${chatJson({})}${chatJson({})}`],
  ['text behind the object', 400, `${chatJson({})} x`],
  ['a comma too many', 400, chatJson({}).replace(/\}$/, ',}')],
  ['a comment', 400, withMember('/* "x": */ "y":1')],
  ['single quotes', 400, chatJson({}).replaceAll('"', "'")],
  ['a bare name', 400, withMember('x:1')],
  ['NaN', 400, withMember('"x":NaN')],
  ['a number with a leading zero', 400, withMember('"x":01')],
  ['a wrong escape', 400, withMember(String.raw`"x":"\x41"`)],
  ['a wrong escape in a name', 400, withMember(String.raw`"\x41":1`)],
  ['brackets that do not match', 400, withMember('"x":[1}')],
  ...[null, 1, true, [], {}, '', ' ', 'a b', 'a\u0000b', 'a\nb', 'x'.repeat(201)].map((model): Row => [
    `the model ${JSON.stringify(model).slice(0, 20)}`,
    400,
    chatJson({ model }),
  ]),
  ['a model that is a path', 404, chatJson({ model: '../../etc/passwd' })],
  ['a model that is a name of every object', 404, chatJson({ model: '__proto__' })],
  ['a model that is a method of every object', 404, chatJson({ model: 'constructor' })],
  ...[null, 1, 'x', {}, [1], ['x'], [null], [[]]].map((messages): Row => [
    `the messages ${JSON.stringify(messages)}`,
    400,
    chatJson({ messages }),
  ]),
  ...[1, true, {}].map((text): Row => [
    `content ${JSON.stringify(text)}`,
    400,
    chatJson({ messages: [{ content: text }] }),
  ]),
  ...[1, 'true', [], {}].map((stream): Row => [
    `stream ${JSON.stringify(stream)}`,
    400,
    chatJson({ stream }),
  ]),
  ...[0, -1, 1.5, '5', 1e308, 10_000_001, [5], {}, true].map((cap): Row => [
    `a cap of ${JSON.stringify(cap)}`,
    400,
    chatJson({ max_completion_tokens: cap }),
  ]),
  ['a cap of 1e999', 400, chatJson({}).replace('50', '1e999')],
  ...[0, -1, 129, 1.5, '2', []].map((n): Row => [`n ${JSON.stringify(n)}`, 400, chatJson({ n })]),
  ...[1, 'x', true, []].map((options): Row => [
    `stream_options ${JSON.stringify(options)}`,
    400,
    chatJson({ stream_options: options }),
  ]),
  ['include_usage in words', 400, chatJson({ stream: true, stream_options: { include_usage: 'yes' } })],
  ['tools that are no list', 400, chatJson({ tools: {} })],
  ['a tool that is no object', 403, chatJson({ tools: ['x'] })],
  ['a tool without a type', 403, chatJson({ tools: [{}] })],
  ['a content part that is no object', 403, chatJson({ messages: [{ content: ['x'] }] })],
  ['a content part of no known type', 403, chatJson({ messages: [{ content: [{ type: 'file' }] }] })],
  ['a name of every object as a member', 200, withMember('"constructor":1,"__proto__":{"model":"x"}')],
];

for (const [name, rows] of Object.entries({ DEEP, DUPLICATES, UTF8, TYPES })) {
  test.each(rows)(`${name.toLowerCase()}, %s: %d`, async (_name, status, body) => {
    const reply = await post(body);
    expect(reply.status).toBe(status);
    const sha = new Bun.CryptoHasher('sha256').update(body).digest('hex');
    // What passes, passes as it came, to the byte.
    expect(gate.fake.calls().map(({ bodySha256 }) => bodySha256)).toEqual(status === 200 ? [sha] : []);
    if (status !== 200) {
      const error = await errorOf(reply);
      expect([typeof error.message, typeof error.type]).toEqual(['string', 'string']);
      expect(error.code).not.toBe('internal_error');
    }
  });
}

const plain = Buffer.from(chatJson({}));
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));

/** A body may not be compressed, whatever it says of itself. */
const COMPRESSED: readonly (readonly [encoding: string, status: 200 | 400, body: Uint8Array])[] = [
  ['gzip', 400, gzipSync(plain)],
  ['GZIP', 400, gzipSync(plain)],
  ['x-gzip', 400, gzipSync(plain)],
  ['deflate', 400, deflateSync(plain)],
  ['br', 400, brotliCompressSync(plain)],
  ['zstd', 400, Bun.zstdCompressSync(plain)],
  ['gzip, gzip', 400, gzipSync(gzipSync(plain))],
  ['identity, gzip', 400, gzipSync(plain)],
  ['gzip', 400, plain],
  ['gzip', 400, bomb],
  ['anything', 400, plain],
  ['identity', 200, plain],
  // Not said, so not undone: these bytes are no JSON.
  ['identity', 400, gzipSync(plain)],
  ['identity', 400, bomb],
];

test.each(COMPRESSED)('content-encoding %s: %d', async (encoding, status, body) => {
  const before = process.memoryUsage.rss();
  expect((await post(body, { 'content-encoding': encoding })).status).toBe(status);
  expect(gate.fake.calls()).toHaveLength(status === 200 ? 1 : 0);
  expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 1024 * 1024);
});

test('after all of them nothing is left behind', () => expectUnharmed(gate));
