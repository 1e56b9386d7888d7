import { afterAll, expect, test } from 'bun:test';
import { startCapture } from '../support/capture.ts';
import { openGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { addKey, chatJson, issueToken, postChat } from '../support/setup.ts';

const gate = await openGate();
afterAll(() => gate[Symbol.asyncDispose]());

/** All that a provider ever sees of a request, besides the body. */
const SENT = [
  'accept',
  'accept-encoding',
  'authorization',
  'content-length',
  'content-type',
  'host',
  'user-agent',
  'x-request-id',
];

const CLIENT_HEADERS = {
  cookie: 'session=abc',
  'x-forwarded-for': '10.0.0.1',
  'x-real-ip': '10.0.0.1',
  forwarded: 'for=10.0.0.1',
  via: '1.1 proxy',
  'openai-organization': 'org-other',
  'openai-project': 'proj-other',
  'x-stainless-retry-count': '1',
  'x-stainless-lang': 'js',
  'proxy-authorization': 'Basic eDp5',
  'x-groq-api-key': 'other',
  'api-key': 'other',
  referer: 'https://example.org/secret',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'x-request-id': 'chosen-by-the-client',
  'user-agent': 'curl/8',
  'accept-encoding': 'gzip, br',
  'x-custom': 'value',
  range: 'bytes=0-10',
  'if-none-match': '"x"',
};

test('a request header reaches the provider only if it is on the list', async () => {
  for (const stream of [false, true]) {
    gate.fake.reset();
    const headers = {
      ...CLIENT_HEADERS,
      'groq-beta': 'inference-metrics',
      'groq-model-version': 'latest',
      accept: 'application/json',
      'x-api-key': gate.token,
    };
    const client = new RawClient(gate.url);
    client.send({
      headers: { authorization: `Bearer ${gate.token}`, 'content-type': 'text/plain', ...headers },
      body: chatJson({ stream }),
    });
    const reply = await client.whole();
    client.socket.destroy();
    expect(reply.status).toBe(200);
    const [call] = gate.fake.calls();
    expect(Object.keys(call!.headers).sort()).toEqual([...SENT, 'groq-beta', 'groq-model-version'].sort());
    expect(call!.headers).toMatchObject({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      host: new URL(gate.fake.url).host,
      'groq-beta': 'inference-metrics',
    });
    expect(call!.headers['user-agent']).toStartWith('sallyport/');
    expect(call!.requestId).toBe(reply.headers.get('x-request-id')!);
    expect(call!.key).not.toBeNull();
  }
});

test('a reply header reaches the client only if it is on the list', async () => {
  const named: Record<string, string> = {
    'set-cookie': '__cf_bm=abc; path=/',
    'x-ratelimit-limit-requests': '14400',
    'x-ratelimit-remaining-tokens': '17997',
    'x-groq-region': 'us-west-1',
    'x-request-id': 'req_of_the_provider',
    'openai-organization': 'org-ours',
    'openai-processing-ms': '7351 ms',
    server: 'cloudflare',
    'cf-ray': '8c1d0f3a9b-FRA',
    via: '1.1 google',
    'access-control-allow-origin': '*',
    'strict-transport-security': 'max-age=1',
    'x-should-retry': 'true',
    'retry-after': '3600',
    location: 'https://elsewhere.example',
    'content-disposition': 'attachment',
    link: '<https://elsewhere.example>; rel=preload',
  };
  await using upstream = startCapture(({ body }) => {
    const chat = body.length > 0 ? (JSON.parse(body.toString()) as { stream?: boolean }) : {};
    if (chat.stream === true) {
      return new Response('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n', {
        headers: { ...named, 'content-type': 'text/event-stream' },
      });
    }
    const answer = { data: [], usage: { prompt_tokens: 1, completion_tokens: 1 } };
    return Response.json(answer, { headers: named });
  });
  await addKey(gate, { name: 'capture', provider: 'groq', origin: upstream.url, environment: 'capture' });
  const { text: token } = await issueToken(gate, { environment: 'capture' });
  const ours = ['content-type', 'date', 'x-request-id', 'x-sallyport-model', 'x-sallyport-receipt'];
  const whole = await postChat(gate, {}, { token });
  expect([...whole.headers.keys()].sort()).toEqual(['content-length', ...ours]);
  const stream = await postChat(gate, { stream: true }, { token });
  const framing = new Set(['content-length', 'transfer-encoding']);
  expect([...stream.headers.keys()].filter((name) => !framing.has(name)).sort()).toEqual([
    'cache-control',
    ...ours,
  ]);
  const models = await fetch(`${gate.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
  const withoutModel = ours.filter((name) => name !== 'x-sallyport-model');
  expect([...models.headers.keys()].sort()).toEqual(['content-length', ...withoutModel]);
  for (const response of [whole, stream, models]) {
    expect(response.headers.get('x-request-id')).toStartWith('req_');
    expect(response.headers.get('x-request-id')).not.toBe('req_of_the_provider');
    const seen = JSON.stringify([...response.headers]) + (await response.text());
    for (const value of Object.values(named)) expect(seen).not.toContain(value);
  }
  for (const request of upstream.requests) {
    expect(request.headers.get('authorization')).not.toContain(token);
  }
});
