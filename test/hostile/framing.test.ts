import { afterAll, beforeEach, expect, test } from 'bun:test';
import { exchange, expectUnharmed, rawChat } from '../support/hostile.ts';
import { openGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson } from '../support/setup.ts';

const gate = await openGate({ budgetUsd: '1000' });
const { token } = gate;
const body = chatJson({});
const size = body.length.toString(16);
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

/** What a parser that reads on would take for the next request. */
const SMUGGLED = 'GET /healthz HTTP/1.1\r\nhost: gate\r\n\r\n';

const line = (text: string): string => rawChat(token, { line: text });
const more = (...lines: string[]): string => rawChat(token, { more: lines });
const length = (text: string): string => rawChat(token, { length: text });
const encoding = (...lines: string[]): string =>
  rawChat(token, { length: null, more: lines, body: `${size}\r\n${body}\r\n0\r\n\r\n` });
const chunks = (text: string): string =>
  rawChat(token, { length: null, more: ['transfer-encoding: chunked'], body: text });

/** 0: closed without a word. These never reach us: the answer is the runtime's, empty, and the connection is closed. */
const REFUSED: readonly (readonly [name: string, status: 400 | 505 | 0, bytes: string])[] = [
  ['Content-Length and Transfer-Encoding', 400, encoding('transfer-encoding: chunked', 'content-length: 5')],
  ['two Content-Length that differ', 400, more(`content-length: ${body.length + 1}`)],
  ['Content-Length with a plus', 400, length(`+${body.length}`)],
  ['negative Content-Length', 400, length('-5')],
  ['hexadecimal Content-Length', 400, length('0x5')],
  ['Content-Length as a list', 400, length(`${body.length}, ${body.length}`)],
  ['Content-Length with a space inside', 400, length('5 5')],
  ['Content-Length with an exponent', 400, length('1e2')],
  ['Content-Length of 21 digits', 400, length('9'.repeat(21))],
  ['empty Content-Length', 400, length('')],
  ['gzip, chunked', 400, encoding('transfer-encoding: gzip, chunked')],
  ['identity', 400, encoding('transfer-encoding: identity')],
  ['xchunked', 400, encoding('transfer-encoding: xchunked')],
  ['a space before the colon', 400, encoding('transfer-encoding : chunked')],
  ['two Transfer-Encoding', 400, encoding('transfer-encoding: chunked', 'transfer-encoding: chunked')],
  ['chunk size with a space', 400, chunks(`${size} \r\n${body}\r\n0\r\n\r\n`)],
  ['chunk size with 0x', 400, chunks(`0x${size}\r\n${body}\r\n0\r\n\r\n`)],
  ['negative chunk size', 400, chunks(`-${size}\r\n${body}\r\n0\r\n\r\n`)],
  ['chunk size of 17 digits', 400, chunks(`fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`)],
  ['chunk size of 2^63 - 1', 400, chunks(`7fffffffffffffff\r\n${body}\r\n0\r\n\r\n`)],
  ['chunk size that is no number', 400, chunks(`zz\r\n${body}\r\n0\r\n\r\n`)],
  ['no chunk size', 400, chunks(`\r\n${body}\r\n0\r\n\r\n`)],
  ['chunk size before a bare line feed', 400, chunks(`${size}\n${body}\r\n0\r\n\r\n`)],
  ['chunk longer than its size', 400, chunks(`5\r\n${body}\r\n0\r\n\r\n`)],
  ['a folded header line', 400, more('x-a: b', ' c: d')],
  ['NUL in a value', 400, more('x-a: b\0c')],
  ['NUL in a name', 400, more('x\0a: b')],
  ['a bare carriage return', 400, more('x-a: b\rc')],
  ['a bare line feed between headers', 400, more('x-a: b\nx-c: d')],
  ['a control character in a value', 400, more('x-a: b\x01c')],
  ['a space in a name', 400, more('x a: b')],
  ['an empty name', 400, more(': b')],
  ['no colon', 400, more('x-a')],
  ['bare line feeds everywhere', 505, rawChat(token).replaceAll('\r\n', '\n')],
  ['two spaces in the request line', 400, line('POST  /v1/chat/completions HTTP/1.1')],
  ['a tab in the request line', 505, line('POST\t/v1/chat/completions HTTP/1.1')],
  ['a space in the path', 505, line('POST /v1/chat/ completions HTTP/1.1')],
  ['HTTP/0.9', 505, line('POST /v1/chat/completions')],
  ['HTTP/1.2', 505, line('POST /v1/chat/completions HTTP/1.2')],
  ['HTTP/2.0 in words', 505, line('POST /v1/chat/completions HTTP/2.0')],
  ['HTTP/2 preface', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a TLS hello', 400, `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'\0'.repeat(60)}\r\n\r\n`],
  ['bytes that are no text', 400, '\x80\x81\x82\r\n\r\n'],
  ['a method in small letters', 0, line('post /v1/chat/completions HTTP/1.1')],
  ['a method that nobody knows', 0, line('FOOBAR /v1/chat/completions HTTP/1.1')],
  ['HTTP/1.1 without Host', 400, rawChat(token, { host: null })],
  ['a path without its slash', 400, line('POST v1/chat/completions HTTP/1.1')],
  ['an asterisk as path', 400, line('POST * HTTP/1.1')],
];

test.each(REFUSED)('%s: no call, %d, and the connection is closed', async (_name, status, bytes) => {
  const answer = await exchange(gate.url, [bytes + SMUGGLED], { untilClosed: true });
  expect(answer.status).toBe(status);
  expect(answer.body.length).toBe(0);
  expect(answer.raw).not.toContain('"ok":true');
  expect(gate.fake.calls()).toEqual([]);
  expect((await exchange(gate.url, [SMUGGLED])).status).toBe(200);
});

/** Odd, but read by everybody in the same way: one call, and the next request on the connection is the next request. */
const SERVED: readonly (readonly [name: string, bytes: string])[] = [
  ['two equal Content-Length', more(`content-length: ${body.length}`)],
  ['Content-Length with leading zeros', length(`000${body.length}`)],
  ['a chunk extension', chunks(`${size};a=b\r\n${body}\r\n0\r\n\r\n`)],
  [
    'an offer of h2c',
    more('upgrade: h2c', 'connection: upgrade, http2-settings', 'http2-settings: AAMAAABk'),
  ],
  ['an offer of WebSocket', more('upgrade: websocket', 'connection: upgrade', 'sec-websocket-version: 13')],
  ['a header of 12,000 bytes', more(`x-a: ${'b'.repeat(12_000)}`)],
];

test.each(SERVED)('%s: one call, and the next request is served', async (_name, bytes) => {
  const client = new RawClient(gate.url);
  client.socket.write(bytes);
  expect((await client.whole()).status).toBe(200);
  client.clear();
  client.socket.write(SMUGGLED);
  expect((await client.whole()).body.toString()).toBe('{"ok":true}');
  client.socket.destroy();
  expect(gate.fake.calls()).toHaveLength(1);
});

test('a trailer ends the connection: the call before it may have begun, what it carries is never read', async () => {
  const trailer = chunks(`${size}\r\n${body}\r\n0\r\nauthorization: x\r\n\r\n`);
  const answer = await exchange(gate.url, [trailer + SMUGGLED], { untilClosed: true });
  expect(answer.raw).not.toContain('"ok":true');
  expect(gate.fake.calls().length).toBeWithin(0, 2);
});

test('bytes cut off anywhere in a request make no call', async () => {
  const whole = rawChat(token);
  const cuts = Array.from({ length: 40 }, (_, n) => Math.floor((n * whole.length) / 40));
  await Promise.all(
    cuts.map(async (cut) => {
      const client = new RawClient(gate.url);
      client.socket.write(whole.slice(0, cut));
      await Bun.sleep(20);
      client.socket.end();
      await client.end().catch(() => undefined);
    }),
  );
  expect(gate.fake.calls()).toEqual([]);
});

test('after all of them nothing is left behind', () => expectUnharmed(gate));
