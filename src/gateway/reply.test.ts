import { expect, test } from 'bun:test';
import { type ErrorCode, type ErrorOptions, SallyportError } from '../core/errors.ts';
import { errorReply, jsonReply } from './reply.ts';

interface Body {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: null;
    readonly code: string;
  };
}

async function reply(
  code: ErrorCode,
  options: ErrorOptions = {},
): Promise<{ response: Response; body: Body }> {
  const response = errorReply(new SallyportError(code, 'What happened.', options), {
    'x-request-id': 'req_1',
  });
  return { response, body: (await response.json()) as Body };
}

test.each<[ErrorCode, number, string, string]>([
  ['request.invalid', 400, 'invalid_request_error', 'invalid_request'],
  ['request.ambiguous_provider', 400, 'invalid_request_error', 'ambiguous_provider'],
  ['request.too_large', 413, 'invalid_request_error', 'request_too_large'],
  ['request.unknown_path', 404, 'invalid_request_error', 'unknown_url'],
  ['token.invalid', 401, 'invalid_request_error', 'invalid_api_key'],
  ['token.not_here', 403, 'permissions_error', 'token_not_allowed_here'],
  ['access.model', 403, 'permissions_error', 'model_not_allowed'],
  ['access.feature', 403, 'permissions_error', 'feature_not_allowed'],
  ['model.unknown', 404, 'invalid_request_error', 'model_not_found'],
  ['limit.rate', 429, 'requests', 'rate_limit_exceeded'],
  ['limit.concurrency', 429, 'requests', 'rate_limit_exceeded'],
  ['limit.bodies', 429, 'requests', 'rate_limit_exceeded'],
  ['budget.exceeded', 402, 'insufficient_quota', 'budget_exceeded'],
  ['upstream.unavailable', 503, 'api_error', 'upstream_unavailable'],
  ['upstream.timeout', 504, 'api_error', 'upstream_timeout'],
  ['upstream.bad_reply', 502, 'api_error', 'upstream_bad_reply'],
  ['gateway.stopping', 503, 'api_error', 'overloaded'],
  ['gateway.overloaded', 503, 'api_error', 'overloaded'],
  ['audit.unavailable', 503, 'api_error', 'audit_unavailable'],
  ['vault.tampered', 503, 'api_error', 'upstream_unavailable'],
  ['gateway.internal', 500, 'api_error', 'internal_error'],
  ['store.unavailable', 500, 'api_error', 'internal_error'],
  ['not_found', 500, 'api_error', 'internal_error'],
])('%s is answered with %d, %s, %s', async (code, status, type, public_) => {
  const { response, body } = await reply(code);
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('x-request-id')).toBe('req_1');
  expect(body).toEqual({ error: { message: 'What happened.', type, param: null, code: public_ } });
});

test.each<[ErrorOptions, Record<string, string>]>([
  [{}, { 'x-should-retry': 'false' }],
  [{ retryAfterSeconds: 5 }, { 'x-should-retry': 'false' }],
  [{ retryable: true }, { 'x-should-retry': 'true' }],
  [
    { retryable: true, retryAfterSeconds: 0 },
    { 'x-should-retry': 'true', 'retry-after': '1', 'retry-after-ms': '1000' },
  ],
  [
    { retryable: true, retryAfterSeconds: 1.2 },
    { 'x-should-retry': 'true', 'retry-after': '2', 'retry-after-ms': '2000' },
  ],
  [
    { retryable: true, retryAfterSeconds: 60 },
    { 'x-should-retry': 'true', 'retry-after': '60', 'retry-after-ms': '60000' },
  ],
  [{ retryable: true, retryAfterSeconds: 61 }, { 'x-should-retry': 'false' }],
  [{ retryable: true, retryAfterSeconds: Infinity }, { 'x-should-retry': 'false' }],
])('%j steers the SDKs by %j', async (options, headers) => {
  const { response } = await reply('limit.rate', options);
  const steering = [...response.headers].filter(([name]) => /retry/.test(name));
  expect(Object.fromEntries(steering)).toEqual(headers);
});

test('the message says what to do, and neither detail nor a credential in it', async () => {
  const token = ['sallyp', 'sAbcdefghijkl'].join('_');
  const { body } = await reply('request.invalid', { detail: 'row 7', fix: `Not as ${token}.` });
  expect(body.error.message).toBe('What happened. Not as [redacted].');
});

test('what a call’s headers say is not overruled by the content type of its body', () => {
  const response = jsonReply(200, { a: 1 }, { 'content-type': 'text/html', 'x-a': 'b' });
  expect([response.headers.get('content-type'), response.headers.get('x-a')]).toEqual([
    'application/json',
    'b',
  ]);
});
