/** Row by row what becomes of a provider's refusal. The texts are those that providers were seen to send. */
import { expect, test } from 'bun:test';
import { randomBase62 } from '../core/ids.ts';
import { readRefusal, type UpstreamRefusal } from './upstream-errors.ts';

const KEY = ['g', 'sk_', randomBase62(52)].join('');

function refusal(status: number, body: unknown, headers: Record<string, string> = {}): UpstreamRefusal {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return readRefusal(status, new Headers(headers), text, (use) => use(KEY));
}

const error = (message: string, code: string | null = null, type = 'invalid_request_error'): object => ({
  error: { message, type, ...(code === null ? {} : { code }) },
});

const HTML = '<html><body>Cloudflare</body></html>';

test.each<[string, number, unknown, string | null]>([
  ['a dead key', 401, error('Invalid API Key', 'invalid_api_key'), 'invalid_api_key'],
  [
    'a model blocked for the organization',
    403,
    error('x', 'model_permission_blocked_org', 'permissions_error'),
    'model_permission_blocked_org',
  ],
  [
    'a model blocked for the project',
    403,
    error('x', 'model_permission_blocked_project'),
    'model_permission_blocked_project',
  ],
  [
    'a network block',
    403,
    error('Access denied. Please check your network settings.'),
    'invalid_request_error',
  ],
  ['a block at the edge', 403, HTML, null],
  ['an empty 401', 401, '', null],
  ['blocked API access', 400, error('x', 'blocked_api_access'), 'blocked_api_access'],
  ['a spend limit', 400, error('x', 'spend_limit_reached'), 'spend_limit_reached'],
  ['a restricted organization', 400, error('x', 'organization_restricted'), 'organization_restricted'],
  [
    'an empty account',
    429,
    error('You exceeded your current quota', 'insufficient_quota', 'insufficient_quota'),
    'insufficient_quota',
  ],
  ['the same by its type only', 429, error('x', null, 'insufficient_quota'), 'insufficient_quota'],
  ['a billing limit', 429, error('x', 'billing_hard_limit_reached'), 'billing_hard_limit_reached'],
  ['an inactive account', 400, error('x', 'account_deactivated'), 'account_deactivated'],
])('stays inside, and somebody is told: %s', (_, status, body, providerCode) => {
  const { answer, aboutOurKey, headers, ...rest } = refusal(status, body, { 'retry-after': '5' });
  expect({ aboutOurKey, headers, providerCode: rest.providerCode }).toEqual({
    aboutOurKey: true,
    headers: {},
    providerCode,
  });
  if (answer.kind !== 'ours') throw new Error('relayed');
  expect(answer.error).toMatchObject({ code: 'upstream.unavailable', retryable: false });
  const said = `${answer.error.message}${answer.error.fix}`;
  for (const word of ['invalid_api_key', 'blocked', 'quota', 'organization', '401', '403'])
    expect(said).not.toContain(word);
});

const failed = {
  error: {
    message: 'Failed to call a function.',
    type: 'x',
    code: 'tool_use_failed',
    failed_generation: '<f>{"a":1}',
  },
};

test.each<[string, number, unknown, Record<string, string>, Record<string, string>]>([
  [
    'an unknown model',
    404,
    error('The model `x` does not exist', 'model_not_found'),
    {},
    { 'x-should-retry': 'false' },
  ],
  ['a decommissioned model', 400, error('x', 'model_decommissioned'), {}, { 'x-should-retry': 'false' }],
  ['output that is no JSON', 400, error('x', 'json_validate_failed'), {}, { 'x-should-retry': 'false' }],
  ['a failed tool call, with what the model wrote', 400, failed, {}, { 'x-should-retry': 'false' }],
  [
    'a request too large',
    413,
    error('Request too large', 'rate_limit_exceeded', 'tokens'),
    {},
    { 'x-should-retry': 'false' },
  ],
  [
    'the same as 429, though a wait is named',
    429,
    error('Request too large for model x: Limit 8000, Requested 8222', 'rate_limit_exceeded', 'tokens'),
    { 'retry-after': '3' },
    { 'x-should-retry': 'false' },
  ],
  [
    'a day’s limit, though a wait is named',
    429,
    error('Rate limit reached on tokens per day (TPD): Limit 1', 'rate_limit_exceeded', 'tokens'),
    { 'retry-after': '3' },
    { 'x-should-retry': 'false' },
  ],
  ['a connector', 424, error('x', 'external_connector_error'), {}, { 'x-should-retry': 'false' }],
  ['validation', 422, error('x'), { 'retry-after': '3' }, { 'x-should-retry': 'false' }],
  [
    'a rate limit',
    429,
    error('Rate limit reached (TPM)', 'rate_limit_exceeded', 'tokens'),
    { 'retry-after': '7' },
    { 'retry-after': '7' },
  ],
  [
    'a rate limit without a wait',
    429,
    error('Rate limit reached (RPM)', 'rate_limit_exceeded', 'requests'),
    {},
    {},
  ],
  [
    'no capacity for flex',
    498,
    error('x', 'capacity_exceeded'),
    { 'retry-after': '2' },
    { 'retry-after': '2' },
  ],
  ['overload', 503, error('x'), { 'retry-after': '2' }, { 'retry-after': '2' }],
  ['an internal error', 500, error('x'), { 'retry-after': '2' }, {}],
  ['a bad gateway', 502, error('x'), {}, {}],
])('is relayed in the provider’s own bytes: %s', (_, status, body, sent, headers) => {
  const found = refusal(status, body, sent);
  expect(found).toMatchObject({
    status,
    aboutOurKey: false,
    answer: { kind: 'relay', body: JSON.stringify(body) },
  });
  expect(found.headers).toEqual(headers);
});

test.each<[string, string | null]>([
  ['1', '1'],
  ['0', '1'],
  ['-5', '1'],
  ['0.2', '1'],
  ['2.1', '3'],
  ['60', '60'],
  ['60.1', null],
  ['61', null],
  ['3600', null],
  ['Infinity', null],
  ['Wed, 21 Oct 2026 07:28:00 GMT', null],
  ['soon', null],
])('a wait of %p is passed as %p, or no retry invited', (stated, passed) => {
  const { headers } = refusal(429, error('x'), { 'retry-after': stated });
  expect(headers).toEqual(passed === null ? { 'x-should-retry': 'false' } : { 'retry-after': passed });
});

test.each<[number, string, string, boolean]>([
  [500, HTML, 'upstream.unavailable', true],
  [502, '', 'upstream.unavailable', true],
  [503, '{"message":"x"}', 'upstream.unavailable', true],
  [429, HTML, 'upstream.unavailable', true],
  [408, '', 'upstream.unavailable', true],
  [498, '', 'upstream.unavailable', true],
  [400, HTML, 'upstream.bad_reply', false],
  [404, '{"error":"text"}', 'upstream.bad_reply', false],
  [400, '{"error":null}', 'upstream.bad_reply', false],
  [400, '{"error":{"message":5}}', 'upstream.bad_reply', false],
  [400, 'null', 'upstream.bad_reply', false],
  [418, '[]', 'upstream.bad_reply', false],
  [204, '', 'upstream.bad_reply', false],
])('a %i that is no error in JSON, %p, is answered by us', (status, body, code, retryable) => {
  const { answer, aboutOurKey } = refusal(status, body, { 'retry-after': '5' });
  if (answer.kind !== 'ours') throw new Error('relayed');
  expect({ code: answer.error.code, retryable: answer.error.retryable, aboutOurKey }).toEqual({
    code: code as never,
    retryable,
    aboutOurKey: false,
  });
  expect(answer.error.message).not.toContain('Cloudflare');
});

test.each([301, 302, 303, 307, 308, 304])('a redirect, %i, is neither followed nor passed on', (status) => {
  const { answer, headers } = refusal(status, '', { location: 'https://evil.example/' });
  if (answer.kind !== 'ours') throw new Error('relayed');
  expect(answer.error).toMatchObject({ code: 'upstream.bad_reply', retryable: false });
  expect(headers).toEqual({});
});

/** Every character as an escape: what the text says is the same. */
const escaped = (text: string): string =>
  Array.from(text, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

test.each<[string, string]>([
  ['raw', JSON.stringify(error(`Incorrect key ${KEY}.`))],
  ['behind an escaped line break', JSON.stringify(error(`Header:\n${KEY}\n`))],
  ['with every character escaped', `{"error":{"message":"key ${escaped(KEY)}","type":"x"}}`],
  [
    'with one character escaped',
    `{"error":{"message":"${KEY.slice(0, 20)}${escaped(KEY[20]!)}${KEY.slice(21)}","type":"x"}}`,
  ],
  ['in halves', JSON.stringify(error(`${KEY.slice(0, 28)} / ${KEY.slice(28)}`))],
  ['without its prefix', JSON.stringify(error(`…${KEY.slice(10, 40)}…`))],
  ['in another field', JSON.stringify({ error: { message: 'x', type: 'y', param: `Bearer ${KEY}` } })],
  ['in a field name', JSON.stringify({ error: { message: 'x', type: 'y', [KEY]: 1 } })],
  [
    'deep inside',
    JSON.stringify({ error: { message: 'x', debug: [[{ headers: { authorization: KEY } }]] } }),
  ],
  ['beside the error', JSON.stringify({ ...error('x'), request: { key: KEY } })],
])('the key that the provider repeats is taken out: %s', (_, body) => {
  const { answer } = refusal(400, body);
  if (answer.kind !== 'relay') throw new Error('not relayed');
  const said = JSON.stringify(JSON.parse(answer.body));
  for (let at = 0; at + 16 <= KEY.length; at += 1) expect(said).not.toContain(KEY.slice(at, at + 16));
  expect(said).toContain('[redacted]');
});

test.each([
  ['Rate limit reached in organization `org_01jy3f0e8vfkz9m4q2w7t6r5xs` on', 'org_01jy3f'],
  ['Rate limit reached for gpt-5 in organization org-Abc123Def456Ghi789 on', 'org-Abc123'],
  ['in:\norg_01jy3f0e8vfkz9m4q2w7t6r5xs', 'org_01jy3f'],
  ['Project `proj_Abc123Def456` has no access', 'proj_Abc'],
])('the name of our account is taken out of %p', (message, name) => {
  const { answer } = refusal(429, error(message));
  if (answer.kind !== 'relay') throw new Error('not relayed');
  expect(answer.body).not.toContain(name);
  expect(JSON.parse(answer.body)).toMatchObject({ error: { message: expect.stringContaining('[account]') } });
});

test('any other credential that the provider repeats is taken out as well', () => {
  const others = [
    ['sk', `proj-${randomBase62(40)}`].join('-'),
    ['sallyp', `s${randomBase62(12)}_x`].join('_'),
  ];
  for (const other of [...others, `Bearer ${randomBase62(30)}`]) {
    const { answer } = refusal(400, error(`Incorrect key: ${other}`));
    expect(answer.kind === 'relay' && answer.body).toContain('[redacted]');
    expect(JSON.stringify(answer)).not.toContain(other);
  }
});

test('everything but the cleaned text stays byte for byte', () => {
  const before = '{ "error" : {"message":"see \\u00fc ';
  const after = ' ok","type":"x", "n":1.0e2, "org-wide":"organization-level" } }\n';
  const { answer } = refusal(400, `${before}${KEY}${after}`);
  expect(answer).toEqual({ kind: 'relay', body: `${before.replace('\\u00fc', 'ü')}[redacted]${after}` });
  const untouched = before + after;
  expect(refusal(400, untouched).answer).toEqual({ kind: 'relay', body: untouched });
});

test('a hostile body of full size is handled in little time', () => {
  const from = performance.now();
  const size = 64 * 1024 - 40;
  for (const filler of ['\\"', '\\\\', 'org-', 'sk-', 'bearer ', `${KEY.slice(0, 15)} `]) {
    const text = filler.repeat(Math.floor(size / filler.length));
    const { answer } = refusal(400, `{"error":{"message":"${text}"}}`);
    expect(answer.kind).toBe('relay');
  }
  expect(performance.now() - from).toBeLessThan(15_000);
});
