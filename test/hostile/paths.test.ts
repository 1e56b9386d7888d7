import { afterAll, beforeEach, expect, test } from 'bun:test';
import { exchange, expectUnharmed, rawChat } from '../support/hostile.ts';
import { openGate } from '../support/harness.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

const CHAT = '/openai/v1/chat/completions';

/** Status and calls made. 200 stands only where what came is, in its normal form, an address of the table. */
const PATHS: readonly (readonly [path: string, status: 200 | 400 | 403 | 404 | 431])[] = [
  // Documented forms.
  ['/v1/chat/completions', 200],
  ['/v1/chat/completions/', 200],
  ['/p/groq/v1/chat/completions', 200],
  ['/openai/v1/openai/v1/chat/completions', 200],
  // The runtime hands over the normal form, and the raw one cannot be seen: what counts is where it leads.
  ['/v1/../v1/chat/completions', 200],
  ['/v1/%2e%2e/v1/chat/completions', 200],
  [String.raw`/v1\chat\completions`, 200],
  ['/healthz/../v1/chat/completions', 200],
  ['/p/groq/../openai/v1/chat/completions', 403],
  ['/v1/chat/completions/../../responses', 403],
  ['/v1/chat/completions/../../models', 404],
  ['/v1/chat/completions/..', 404],
  // Absolute form: the authority is nothing to us.
  ['http://evil.example/v1/chat/completions', 200],
  ['https://user:pw@evil.example:1/v1/chat/completions', 200],
  ['http://evil.example', 404],
  ['http://evil.example/', 404],
  // Everything that another parser might read differently.
  ['//evil.example/v1/chat/completions', 404],
  ['//v1/chat/completions', 404],
  ['/v1//chat/completions', 404],
  ['/v1/chat/completions//', 404],
  ['/v1/chat/completions;a=b', 404],
  ['/v1;a=b/chat/completions', 404],
  ['/v1/chat/completions#a', 404],
  ['/#/v1/chat/completions', 404],
  ['/v1/chat%2fcompletions', 404],
  ['/v1%2fchat/completions', 404],
  ['/v1/chat%5ccompletions', 404],
  ['/v1/chat/completion%73', 404],
  ['/%76%31/chat/completions', 404],
  ['/v1/%252e%252e/v1/chat/completions', 404],
  ['/v1/chat/completions%00', 404],
  ['/v1/chat/completions%0d%0ax-a:%20b', 404],
  ['/v1/chat/completions%zz', 404],
  ['/v1/chat/completions%c0%ae', 404],
  ['/v1/chat/completions\xe9', 404],
  ['/v1/chat/completions\xc0\xaf', 404],
  ['/v1/chat/completions?a=b', 400],
  ['/v1/chat/completions?', 400],
  // Near misses, and addresses of others.
  ['/V1/chat/completions', 404],
  ['/v1/Chat/completions', 404],
  ['/v1/chat/completions.', 404],
  ['/v1/chat/completions/x', 404],
  ['/v1/v1/v1/chat/completions', 404],
  ['/p/groq', 404],
  ['/p/nobody/v1/chat/completions', 404],
  ['/p/GROQ/v1/chat/completions', 404],
  ['/p/groq/p/groq/v1/chat/completions', 404],
  ['/p//v1/chat/completions', 404],
  ['/v1/status', 404],
  ['/__fake/bill', 404],
  ['/.well-known/anything', 404],
  ['/', 404],
  [`/v1/${'a'.repeat(10_000)}`, 404],
  [`/v1/${'a'.repeat(20_000)}`, 431],
  ['/v1/responses', 403],
  ['/v1/files/../embeddings', 403],
];

test.each(PATHS)('POST %s: %d', async (path, status) => {
  const answer = await exchange(gate.url, [rawChat(gate.token, { line: `POST ${path} HTTP/1.1` })]);
  expect(answer.status).toBe(status);
  const seen = gate.fake.calls().map((call) => [call.method, call.path, call.headers['host']]);
  expect(seen).toEqual(status === 200 ? [['POST', CHAT, new URL(gate.fake.url).host]] : []);
});

const HOSTS: readonly (readonly [host: string, status: 200 | 400])[] = [
  // Any name will do: the gateway may have many, and the provider is told none of them.
  ['evil.example', 200],
  ['a:99999', 200],
  ['[::1', 200],
  ['%61', 200],
  // What the runtime cannot make a URL of would hand over a path that is not in its normal form.
  ['', 400],
  ['a, b', 400],
  ['evil.example/x', 400],
  ['user:pw@evil.example', 400],
  ['a b', 400],
  ['a#b', 400],
  ['a?b', 400],
  [String.raw`a\b`, 400],
  ['\xe9', 400],
];

test.each(HOSTS)('Host %p: %d', async (host, status) => {
  const answer = await exchange(gate.url, [rawChat(gate.token, { host })]);
  expect(answer.status).toBe(status);
  const hosts = gate.fake.calls().map((call) => call.headers['host']);
  expect(hosts).toEqual(status === 200 ? [new URL(gate.fake.url).host] : []);
  // With a path on top of it that leads elsewhere when it is not normalised.
  gate.fake.reset();
  const line = 'POST /v1/../openai/v1/chat/completions HTTP/1.1';
  const both = await exchange(gate.url, [rawChat(gate.token, { host, line })]);
  expect([200, 400, 404]).toContain(both.status);
  for (const call of gate.fake.calls()) expect([call.path, both.status]).toEqual([CHAT, 200]);
});

test('two Host headers are refused, and so are none in HTTP/1.0', async () => {
  expect((await exchange(gate.url, [rawChat(gate.token, { more: ['host: other'] })])).status).toBe(400);
  const old = rawChat(gate.token, { line: 'POST /v1/chat/completions HTTP/1.0', host: null });
  expect((await exchange(gate.url, [old])).status).toBe(400);
  expect(gate.fake.calls()).toEqual([]);
});

test('no method but the one of the table makes a call', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']) {
    const line = `${method} /v1/chat/completions HTTP/1.1`;
    const { status } = await exchange(gate.url, [rawChat(gate.token, { line })], { ms: 1000 });
    expect([method, status]).toEqual([method, 404]);
  }
  for (const line of ['CONNECT evil.example:443 HTTP/1.1', 'OPTIONS * HTTP/1.1'])
    expect((await exchange(gate.url, [rawChat(gate.token, { line })])).status).toBe(400);
  expect(gate.fake.calls()).toEqual([]);
});

test('after all of them nothing is left behind', () => expectUnharmed(gate));
