/**
 * How an error leaves the gateway: the one table from our codes to HTTP, in the words of the OpenAI dialect, with the headers that steer
 * the SDKs' retries. Both `message` and `type` are always strings: some clients throw the body away otherwise.
 */
import type { ErrorCode, SallyportError } from '../core/errors.ts';
import { redactCredentials } from '../detect/redact.ts';

interface HttpError {
  readonly status: number;
  readonly type: string;
  readonly code: string;
}

const invalidRequest = 'invalid_request_error';
const permissions = 'permissions_error';

/** Codes that a caller of the data plane can meet; whatever else happens is a 500 without detail. */
const HTTP: Partial<Record<ErrorCode, HttpError>> = {
  'request.invalid': { status: 400, type: invalidRequest, code: 'invalid_request' },
  'request.bounds': { status: 400, type: invalidRequest, code: 'request_out_of_bounds' },
  'request.ambiguous_provider': { status: 400, type: invalidRequest, code: 'ambiguous_provider' },
  'client.aborted': { status: 400, type: invalidRequest, code: 'client_closed_request' },
  'request.too_large': { status: 413, type: invalidRequest, code: 'request_too_large' },
  'request.unknown_path': { status: 404, type: invalidRequest, code: 'unknown_url' },
  'token.invalid': { status: 401, type: invalidRequest, code: 'invalid_api_key' },
  'token.not_here': { status: 403, type: permissions, code: 'token_not_allowed_here' },
  'access.model': { status: 403, type: permissions, code: 'model_not_allowed' },
  'access.feature': { status: 403, type: permissions, code: 'feature_not_allowed' },
  'guard.instructions': { status: 403, type: permissions, code: 'instructions_not_allowed' },
  'guard.injection': { status: 403, type: permissions, code: 'prompt_blocked' },
  'guard.template': { status: 403, type: permissions, code: 'template_missing' },
  'model.unknown': { status: 404, type: invalidRequest, code: 'model_not_found' },
  'limit.rate': { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  'limit.tokens': { status: 429, type: 'tokens', code: 'rate_limit_exceeded' },
  'limit.too_large': { status: 413, type: 'tokens', code: 'rate_limit_exceeded' },
  'limit.queue': { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  'limit.concurrency': { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  'limit.bodies': { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  'budget.exceeded': { status: 402, type: 'insufficient_quota', code: 'budget_exceeded' },
  'upstream.unavailable': { status: 503, type: 'api_error', code: 'upstream_unavailable' },
  'upstream.timeout': { status: 504, type: 'api_error', code: 'upstream_timeout' },
  'upstream.bad_reply': { status: 502, type: 'api_error', code: 'upstream_bad_reply' },
  'gateway.stopping': { status: 503, type: 'api_error', code: 'overloaded' },
  'gateway.overloaded': { status: 503, type: 'api_error', code: 'overloaded' },
  'audit.unavailable': { status: 503, type: 'api_error', code: 'audit_unavailable' },
  'vault.tampered': { status: 503, type: 'api_error', code: 'upstream_unavailable' },
};

const INTERNAL: HttpError = { status: 500, type: 'api_error', code: 'internal_error' };

/** Longer than this, some SDKs would sleep for hours: then no time is stated, and no retry invited. */
const MAX_RETRY_AFTER_SECONDS = 60;

/** Headers that every reply of one call carries. */
export type ReplyHeaders = Readonly<Record<string, string>>;

export function errorReply(error: SallyportError, headers: ReplyHeaders): Response {
  const http = HTTP[error.code] ?? INTERNAL;
  const text = error.fix === undefined ? error.message : `${error.message} ${error.fix}`;
  // A caller may have put a credential where a name belongs, and our message repeats it.
  const message = redactCredentials(text);
  return jsonReply(
    http.status,
    { error: { message, type: http.type, param: null, code: http.code } },
    { ...headers, ...retryHeaders(error) },
  );
}

export function jsonReply(status: number, body: unknown, headers: ReplyHeaders): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
  });
}

function retryHeaders(error: SallyportError): Record<string, string> {
  const seconds = error.retryAfterSeconds;
  if (!error.retryable || (seconds !== undefined && seconds > MAX_RETRY_AFTER_SECONDS))
    return { 'x-should-retry': 'false' };
  if (seconds === undefined) return { 'x-should-retry': 'true' };
  // Zero would invite a hammering loop.
  const whole = Math.max(1, Math.ceil(seconds));
  return { 'x-should-retry': 'true', 'retry-after': String(whole), 'retry-after-ms': String(whole * 1000) };
}
