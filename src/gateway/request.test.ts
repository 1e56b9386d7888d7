import { beforeEach, expect, test } from 'bun:test';
import { rejectionOf, refusalOf } from '../../test/support/refusal.ts';
import { SallyportError } from '../core/errors.ts';
import { comesFromBrowser, readBody, readCredential } from './request.ts';

const T = 'token-text_1';

test.each<[Record<string, string>, string]>([
  [{ authorization: `Bearer ${T}` }, T],
  [{ authorization: `bearer ${T}` }, T],
  [{ authorization: `BEARER   ${T}` }, T],
  [{ authorization: ` Bearer ${T} ` }, T],
  [{ 'x-api-key': T }, T],
  [{ authorization: `Bearer ${T}`, 'x-api-key': T }, T],
])('%j carries the token', (headers, token) => {
  expect(readCredential(new Headers(headers))).toBe(token);
});

test.each<[string, Record<string, string>]>([
  ['nothing', {}],
  ['an empty header', { authorization: '' }],
  ['a scheme alone', { authorization: 'Bearer' }],
  ['another scheme', { authorization: `Basic ${T}` }],
  ['no scheme', { authorization: T }],
  ['two joined headers', { authorization: `Bearer ${T}, Bearer ${T}` }],
  ['two tokens', { authorization: `Bearer ${T} other` }],
  ['a comma without a space', { authorization: `Bearer ${T},other` }],
  ['a tab', { authorization: `Bearer\t${T}` }],
  ['a tab inside', { authorization: `Bearer ${T}\tx` }],
  ['two joined keys', { 'x-api-key': `${T}, ${T}` }],
  ['an empty key', { 'x-api-key': '' }],
  ['two that differ', { authorization: `Bearer ${T}`, 'x-api-key': 'other' }],
  ['a key beside an empty header', { authorization: '', 'x-api-key': T }],
  ['a key beside another scheme', { authorization: `Basic ${T}`, 'x-api-key': T }],
  ['a key beside joined headers', { authorization: `Bearer ${T}, Bearer x`, 'x-api-key': T }],
  ['a no-break space', { authorization: `Bearer ${T}\u00a0x` }],
])('refused, without repeating it: %s', (_, headers) => {
  const error = refusalOf(() => readCredential(new Headers(headers)));
  expect(error).toMatchObject({ code: 'token.invalid', fix: expect.any(String) });
  expect(`${error.message}${error.fix}${error.detail}`).not.toContain(T);
});

test('repeated headers of a real request are joined, and so refused', () => {
  const headers = new Headers();
  headers.append('authorization', `Bearer ${T}`);
  headers.append('authorization', `Bearer ${T}`);
  expect(refusalOf(() => readCredential(headers)).code).toBe('token.invalid');
});

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ origin: 'https://app.example' }, true],
  [{ origin: 'null' }, true],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, true],
  // What the fetch of Node 20 and later sends from a server.
  [{ 'sec-fetch-mode': 'cors', 'accept-language': '*', 'user-agent': 'node' }, false],
])('%j comes from a web page: %p', (headers, browser) => {
  expect(comesFromBrowser(new Headers(headers))).toBe(browser);
});

const LIMIT = 1000;
/** What `readBody` says it is about to read. */
let sizes: number[] = [];
const noted = (size: number): void => void sizes.push(size);
beforeEach(() => {
  sizes = [];
});

function post(
  body: string | ReadableStream<Uint8Array> | null,
  headers: Record<string, string> = {},
): Request {
  return new Request('http://gate/', { method: 'POST', body, headers });
}

/** A body of unknown length that says how much of it was asked for. */
function chunked(parts: readonly (string | Error)[]): { request: Request; taken: () => number } {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const part = parts[taken];
        taken += 1;
        if (part === undefined) controller.close();
        else if (part instanceof Error) controller.error(part);
        else controller.enqueue(new TextEncoder().encode(part));
      },
    },
    { highWaterMark: 0 },
  );
  return { request: post(body), taken: () => taken };
}

test('a body is read whole, announced or not, up to the last byte of the limit', async () => {
  const text = 'ü'.repeat(LIMIT / 2);
  expect((await readBody(post(text, { 'content-length': String(LIMIT) }), LIMIT, noted)).toString()).toBe(
    text,
  );
  expect(
    (await readBody(chunked([text.slice(0, 100), text.slice(100)]).request, LIMIT, noted)).toString(),
  ).toBe(text);
  expect(await readBody(post(null), LIMIT, noted)).toHaveLength(0);
  expect(await readBody(post('x', { 'content-encoding': 'identity' }), LIMIT, noted)).toHaveLength(1);
});

test('a body that is announced too large is refused unread', async () => {
  const request = post('small', { 'content-length': String(LIMIT + 1) });
  expect(await rejectionOf(readBody(request, LIMIT, noted))).toMatchObject({
    code: 'request.too_large',
    fix: expect.any(String),
  });
  expect(request.bodyUsed).toBe(false);
});

test('a body that grows too large is refused as soon as it has, and not read on', async () => {
  const { request, taken } = chunked(Array.from({ length: 100 }, () => 'x'.repeat(300)));
  expect((await rejectionOf(readBody(request, LIMIT, noted))).code).toBe('request.too_large');
  expect(taken()).toBeLessThanOrEqual(5);
});

test.each(['5, 5', 'nonsense', '-1', '0'])(
  'an announcement of %p does not open the limit',
  async (announced) => {
    const request = post('x'.repeat(LIMIT + 1), { 'content-length': announced });
    expect((await rejectionOf(readBody(request, LIMIT, noted))).code).toBe('request.too_large');
  },
);

test.each(['gzip', 'br', 'deflate, gzip', 'GZIP', ''])(
  'a body in the encoding %p is refused',
  async (encoding) => {
    const error = await rejectionOf(readBody(post('x', { 'content-encoding': encoding }), LIMIT, noted));
    expect(error).toMatchObject({ code: 'request.invalid', fix: expect.any(String) });
  },
);

test('a body that breaks off is the caller’s error, not ours', async () => {
  const { request } = chunked(['{"model"', new Error('socket closed')]);
  const error = await rejectionOf(readBody(request, LIMIT, noted));
  expect(error).toMatchObject({ code: 'request.invalid', fix: expect.any(String) });
  expect(error.message).not.toContain('socket');
});

test('an announced size is told before anything is read, an unannounced one with each part of it, and a body that may not be so large is not read', async () => {
  await readBody(post('x'.repeat(700), { 'content-length': '700' }), LIMIT, noted);
  expect(sizes).toEqual([700]);
  sizes = [];
  await readBody(chunked(['x'.repeat(300), 'x'.repeat(300)]).request, LIMIT, noted);
  expect(sizes).toEqual([300, 600]);
  const full = (): never => {
    throw new SallyportError('gateway.overloaded', 'full');
  };
  const request = post('x', { 'content-length': '1' });
  expect((await rejectionOf(readBody(request, LIMIT, full))).code).toBe('gateway.overloaded');
  expect(request.bodyUsed).toBe(false);
  const growing = chunked(Array.from({ length: 100 }, () => 'x'));
  expect((await rejectionOf(readBody(growing.request, LIMIT, full))).code).toBe('gateway.overloaded');
  expect(growing.taken()).toBeLessThanOrEqual(2);
});
