/** How an error leaves the admin listener: the one table from our codes to HTTP, and one shape for every refusal. */
import type { ErrorCode, SallyportError } from '../core/errors.ts';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  'request.invalid': 400,
  'request.bounds': 400,
  'request.too_large': 413,
  'request.unknown_path': 404,
  'request.ambiguous_provider': 400,
  'client.aborted': 400,
  'token.invalid': 401,
  'token.not_here': 403,
  'access.model': 403,
  'access.feature': 403,
  'guard.instructions': 403,
  'guard.injection': 403,
  'guard.template': 403,
  'model.unknown': 404,
  'limit.rate': 429,
  'limit.tokens': 429,
  'limit.too_large': 413,
  'limit.concurrency': 429,
  'limit.queue': 429,
  'limit.bodies': 429,
  'budget.exceeded': 402,
  'upstream.unavailable': 503,
  'upstream.timeout': 504,
  'upstream.bad_reply': 502,
  'gateway.stopping': 503,
  'gateway.overloaded': 503,
  'gateway.internal': 500,
  'audit.unavailable': 503,
  'audit.broken': 500,
  'vault.tampered': 500,
  'vault.root_key_missing': 500,
  'vault.root_key_wrong': 500,
  'store.tampered': 500,
  'store.unavailable': 503,
  'data.locked': 409,
  'config.invalid': 400,
  'input.invalid': 400,
  'admin.unauthorized': 401,
  'admin.forbidden': 403,
  'admin.unreachable': 503,
  not_found: 404,
  conflict: 409,
  'key.rejected': 409,
  // Of the CLI only.
  'scan.incomplete': 500,
};

export type ReplyHeaders = Readonly<Record<string, string>>;

/** Nothing here is for a cache, and nothing is to be guessed about its type. */
export const FIXED_HEADERS: ReplyHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

export function errorReply(error: SallyportError, headers: ReplyHeaders): Response {
  const { code, message, fix } = error;
  const retry: ReplyHeaders =
    error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) };
  return jsonReply(STATUS[code], { error: { code, message, fix: fix ?? null } }, { ...headers, ...retry });
}

export function jsonReply(status: number, body: unknown, headers: ReplyHeaders): Response {
  return Response.json(body, { status, headers: { ...FIXED_HEADERS, ...headers } });
}
