import { expect, test } from 'bun:test';
import { refusalOf } from '../../test/support/refusal.ts';
import { matchRoute } from './routes.ts';

const route = (method: string, path: string, host: string | null = 'gate'): ReturnType<typeof matchRoute> =>
  matchRoute(method, `http://gate${path}`, host);
const refused = (method: string, path: string): string => refusalOf(() => route(method, path)).code;

const PREFIXES = [
  ['/openai/v1/', null],
  ['/v1/', null],
  ['/openai/v1/openai/v1/', null],
  ['/v1/openai/v1/', null],
  ['/p/groq/openai/v1/', 'groq'],
  ['/p/groq/v1/', 'groq'],
  ['/p/groq/openai/v1/openai/v1/', 'groq'],
  ['/p/openai/v1/', 'openai'],
] as const;

test.each(PREFIXES)('%s leads to the provider %p, with and without a trailing slash', (prefix, provider) => {
  for (const end of ['', '/']) {
    const chat = route('POST', `${prefix}chat/completions${end}`);
    expect(chat).toMatchObject({ kind: 'call', endpoint: 'chat/completions', modelId: null });
    expect(chat.kind === 'call' ? (chat.provider?.id ?? null) : '').toBe(provider);
    expect(route('GET', `${prefix}models${end}`)).toMatchObject({ endpoint: 'models', modelId: null });
  }
});

test.each([
  ['/v1/models/gpt-5', 'gpt-5'],
  ['/v1/models/openai%2Fgpt-oss-120b', 'openai/gpt-oss-120b'],
  ['/openai/v1/models/openai%2fgpt-oss-120b', 'openai/gpt-oss-120b'],
  ['/p/groq/openai/v1/models/openai/gpt-oss-120b', 'openai/gpt-oss-120b'],
  ['/v1/models/ft:gpt-5:acme::x1', 'ft:gpt-5:acme::x1'],
  ['/v1/models/gpt-5/', 'gpt-5'],
])('%s asks for the model %s', (path, modelId) => {
  expect(route('GET', path)).toMatchObject({ endpoint: 'model', modelId });
});

test('the three addresses of the gateway itself take GET only', () => {
  for (const kind of ['healthz', 'readyz', 'health'] as const) {
    expect(route('GET', `/${kind}`)).toEqual({ kind });
    expect(route('GET', `/${kind}/`)).toEqual({ kind });
    for (const method of ['POST', 'HEAD', 'DELETE', 'OPTIONS'])
      expect(refused(method, `/${kind}`)).toBe('request.unknown_path');
  }
});

test.each([
  'responses',
  'responses/resp_1',
  'completions',
  'embeddings',
  'moderations',
  'images/generations',
  'audio/transcriptions',
  'audio/translations',
  'audio/speech',
  'files',
  'files/file_1/content',
  'uploads',
  'batches',
  'batches/batch_1/cancel',
  'fine_tuning/jobs',
  'fine_tunings',
  'assistants',
  'threads',
  'vector_stores',
  'realtime/sessions',
])('the endpoint %s is off, whoever is asked for it', (endpoint) => {
  for (const prefix of ['/v1/', '/openai/v1/', '/p/groq/openai/v1/', '/p/openai/v1/']) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(refused(method, prefix + endpoint)).toBe('access.feature');
    }
  }
});

const UNKNOWN = [
  '/',
  '/v1',
  '/v1/',
  '/chat/completions',
  '/p/groq',
  '/p/groq/',
  '/p//v1/models',
  '/p/groq/models',
  '/p/nobody/v1/models',
  '/p/Groq/v1/models',
  '/p/constructor/v1/models',
  '/v1/v1/v1/models',
  '/v2/models',
  '/V1/models',
  '/v1/Models',
  '/v1/chat/completions/x',
  '/v1/chat',
  '/v1/chatcompletions',
  '/v1/responsesx',
  '/admin',
  '/v1/chat%2fcompletions',
  '/v1/%63hat/completions',
  '/v1//models',
  '//v1/models',
  '/v1/models//',
  '/v1/models/a//b',
  '/v1/models/a%2F%2Fb',
  '/v1/models/.',
  '/v1/models/..',
  '/v1/models/../models',
  '/v1/models/a%2F..%2Fb',
  '/v1/models/..%2F..%2Fchat',
  '/v1/models/%2e%2e',
  '/v1/models/%2E%2E%2Fadmin',
  '/v1/models/a%252Fb',
  '/v1/models/a%00b',
  '/v1/models/a%0d%0ab',
  '/v1/models/.hidden',
  '/v1/./models',
  '/v1/..;/models',
  '/v1/models;x=1',
  '/v1/models#frag',
  String.raw`/v1\models`,
  String.raw`/v1/models/a\..\b`,
  '/v1/models/a b',
  '/v1/models/ü',
  '/v1/models\n',
  "/v1/models/a'b",
  '/v1/models/*',
];

test.each(UNKNOWN)('there is nothing at %p', (path) => {
  for (const method of ['GET', 'POST', 'OPTIONS', 'TRACE', 'CONNECT', 'FOO']) {
    expect(refusalOf(() => route(method, path))).toMatchObject({
      code: 'request.unknown_path',
      fix: expect.any(String),
    });
  }
});

test('each endpoint takes its own method and no other', () => {
  for (const method of ['GET', 'PUT', 'PATCH', 'HEAD', 'OPTIONS', 'post']) {
    expect(refused(method, '/v1/chat/completions')).toBe('request.unknown_path');
  }
  for (const method of ['POST', 'DELETE', 'PUT', 'HEAD']) {
    expect(refused(method, '/v1/models')).toBe('request.unknown_path');
    expect(refused(method, '/v1/models/gpt-5')).toBe('request.unknown_path');
  }
});

test.each([
  '/v1/models?',
  '/v1/models?limit=5',
  '/v1/chat/completions?api-version=1',
  '/healthz?x',
  '/v1/models/a?b#c',
])('query parameters are refused, not dropped: %s', (path) => {
  expect(refused('GET', path)).toBe('request.invalid');
  expect(refused('POST', path)).toBe('request.invalid');
});

test.each<[string, string | null]>([
  ['/v1/models', 'gate'],
  ['/v1/../admin', ''],
  ['evil:443', 'evil:443'],
  ['*', 'gate'],
  ['http://gate/v1/models', null],
  ['http://gate/v1/models', 'gate, evil'],
  ['http://gate/v1/models', 'gate,evil'],
])('a target %p with the host %p is refused', (url, host) => {
  expect(refusalOf(() => matchRoute('GET', url, host)).code).toBe('request.invalid');
});

test.each(['httpevil:443', 'http:', 'http://gate', 'https:evil'])(
  '%p, which only begins like an address, leads nowhere',
  (url) => {
    expect(refusalOf(() => matchRoute('GET', url, 'gate')).code).toMatch(
      /^request\.(?:unknown_path|invalid)$/,
    );
  },
);

test.each(['http://a', 'https://a.example:8443', 'http://127.0.0.1:4141', 'http://[::1]:4141'])(
  'the authority %s does not matter',
  (authority) => {
    expect(matchRoute('GET', `${authority}/v1/models`, 'x')).toMatchObject({ endpoint: 'models' });
  },
);

test('an error repeats only a bounded part of what was asked', () => {
  for (const path of [
    `/v1/${'x'.repeat(5000)}`,
    `/p/${'x'.repeat(5000)}/v1/models`,
    `/v1/files/${'x'.repeat(5000)}`,
  ]) {
    expect(refusalOf(() => route('GET', path)).message.length).toBeLessThan(200);
  }
});
