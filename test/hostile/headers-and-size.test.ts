import { afterAll, beforeEach, expect, test } from 'bun:test';
import { exchange, expectUnharmed, rawChat, rawRequest } from '../support/hostile.ts';
import { openGate } from '../support/harness.ts';
import { chatJson } from '../support/setup.ts';

const MAX_BODY = 100_000;
const gate = await openGate({
  budgetUsd: '1000',
  variables: { SALLYPORT_MAX_BODY_BYTES: String(MAX_BODY) },
});
const { token } = gate;
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

const other = 'sallyp_dev_0000000000000000000000000000000000000000000000000000';
const body = chatJson({});

function withCredentials(...lines: string[]): string {
  return rawRequest(
    'POST /v1/chat/completions HTTP/1.1',
    ['host: gate', `content-length: ${body.length}`, ...lines],
    body,
  );
}

/** Exactly one credential may be readable, whoever reads it and however repeated headers are joined. */
const CREDENTIALS: readonly (readonly [name: string, status: 200 | 400 | 401, lines: string[]])[] = [
  ['one', 200, [`authorization: Bearer ${token}`]],
  ['the scheme in small letters', 200, [`AUTHORIZATION: bearer ${token}`]],
  ['the same in both headers', 200, [`authorization: Bearer ${token}`, `x-api-key: ${token}`]],
  ['twice the same', 401, [`authorization: Bearer ${token}`, `authorization: Bearer ${token}`]],
  ['a good one before a bad one', 401, [`authorization: Bearer ${token}`, `authorization: Bearer ${other}`]],
  ['a bad one before a good one', 401, [`authorization: Bearer ${other}`, `authorization: Bearer ${token}`]],
  ['an empty one before', 401, ['authorization:', `authorization: Bearer ${token}`]],
  ['an empty one behind', 401, [`authorization: Bearer ${token}`, 'authorization:']],
  ['joined by the client', 401, [`authorization: Bearer ${token}, Bearer ${token}`]],
  ['joined without a space', 401, [`authorization: Bearer ${token},${other}`]],
  ['a comma behind', 401, [`authorization: Bearer ${token},`]],
  ['two x-api-key', 401, [`x-api-key: ${token}`, `x-api-key: ${token}`]],
  ['different ones in both headers', 401, [`authorization: Bearer ${token}`, `x-api-key: ${other}`]],
  ['Basic beside a key', 401, ['authorization: Basic eDp5', `x-api-key: ${token}`]],
  ['no scheme', 401, [`authorization: ${token}`]],
  ['another scheme', 401, [`authorization: Token ${token}`]],
  ['a tab behind the scheme', 401, [`authorization: Bearer\t${token}`]],
  ['quotes', 401, [`authorization: Bearer "${token}"`]],
  ['a part behind', 401, [`authorization: Bearer ${token} x`]],
  ['cut short', 401, [`authorization: Bearer ${token.slice(0, -1)}`]],
  ['one letter more', 401, [`authorization: Bearer ${token}0`]],
  ['percent-encoded', 401, [`authorization: Bearer %${token.charCodeAt(0).toString(16)}${token.slice(1)}`]],
  ['bytes that are no text', 401, ['authorization: Bearer \xff\xfe\xfd']],
  ['12,000 bytes', 401, [`authorization: Bearer ${'a'.repeat(12_000)}`]],
  ['an underscore in the name', 401, [`x_api_key: ${token}`]],
  ['another header', 401, [`proxy-authorization: Bearer ${token}`]],
  ['a cookie', 401, [`cookie: authorization=Bearer ${token}`]],
  ['a folded line', 400, ['authorization: Bearer', ` ${token}`]],
  ['none', 401, []],
];

test.each(CREDENTIALS)('credentials, %s: %d', async (_name, status, lines) => {
  const answer = await exchange(gate.url, [withCredentials(...lines)]);
  expect(answer.status).toBe(status);
  expect(answer.raw).not.toContain(token);
  expect(gate.fake.calls()).toHaveLength(status === 200 ? 1 : 0);
});

const fill = (bytes: number): string => {
  const empty = chatJson({ messages: [{ role: 'user', content: '' }] });
  return chatJson({ messages: [{ role: 'user', content: 'x'.repeat(bytes - empty.length) }] });
};
const chunked = (text: string): string =>
  rawChat(token, {
    length: null,
    more: ['transfer-encoding: chunked'],
    body: `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
  });

/** `ours`: an error body in the dialect. The rest is refused by the runtime, before us, with an empty body and a closed connection. */
const SIZES: readonly (readonly [name: string, status: number, ours: boolean, bytes: () => string])[] = [
  ['a body at the limit', 200, true, () => rawChat(token, { body: fill(MAX_BODY) })],
  ['one byte more', 413, true, () => rawChat(token, { body: fill(MAX_BODY + 1) })],
  ['one byte more, in chunks', 413, true, () => chunked(fill(MAX_BODY + 1))],
  ['much more', 413, false, () => rawChat(token, { body: fill(MAX_BODY + 2 ** 20 + 1) })],
  ['much more, only announced', 413, false, () => rawChat(token, { length: '999999999999' })],
  ['a path of 20 KB', 431, false, () => rawChat(token, { line: `POST /${'a'.repeat(20_000)} HTTP/1.1` })],
  ['a header of 20 KB', 431, false, () => rawChat(token, { more: [`x-a: ${'b'.repeat(20_000)}`] })],
  ['a name of 20 KB', 431, false, () => rawChat(token, { more: [`${'b'.repeat(20_000)}: a`] })],
  [
    '400 headers',
    431,
    false,
    () => rawChat(token, { more: Array.from({ length: 400 }, (_, n) => `x-${n}: a`) }),
  ],
  [
    '150 headers',
    200,
    true,
    () => rawChat(token, { more: Array.from({ length: 150 }, (_, n) => `x-${n}: a`) }),
  ],
  ['150 times the same header', 200, true, () => rawChat(token, { more: Array<string>(150).fill('x-a: b') })],
];

test.each(SIZES)('size, %s: %d', async (_name, status, ours, bytes) => {
  const answer = await exchange(gate.url, [bytes()], { untilClosed: !ours });
  expect(answer.status).toBe(status);
  if (!ours) expect(answer.body.length).toBe(0);
  else if (status !== 200) {
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'request_too_large' } });
  }
  expect(gate.fake.calls()).toHaveLength(status === 200 ? 1 : 0);
});

test('an oversized body of a stranger is not read: the answer comes before it', async () => {
  const bytes = rawChat('sallyp_nobody', { length: String(MAX_BODY), body: '{' });
  expect((await exchange(gate.url, [bytes], { ms: 2000 })).status).toBe(401);
});

test('after all of them nothing is left behind', () => expectUnharmed(gate));
