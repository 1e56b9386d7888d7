/**
 * The one error class. `message` is safe for any caller; `detail` goes to the log only; `fix` says what to do now.
 * Codes are a closed union: a new failure needs a new row here and in the HTTP table (gateway/reply.ts).
 */

export type ErrorCode =
  // the caller's request
  | 'request.invalid'
  | 'request.bounds'
  | 'request.too_large'
  | 'request.unknown_path'
  | 'request.ambiguous_provider'
  | 'client.aborted'
  | 'token.invalid'
  | 'token.not_here'
  | 'access.model'
  | 'access.feature'
  | 'guard.instructions'
  | 'guard.injection'
  | 'guard.template'
  | 'model.unknown'
  | 'limit.rate'
  | 'limit.tokens'
  | 'limit.too_large'
  | 'limit.concurrency'
  | 'limit.queue'
  | 'limit.bodies'
  | 'budget.exceeded'
  // the provider
  | 'upstream.unavailable'
  | 'upstream.timeout'
  | 'upstream.bad_reply'
  // the gateway itself
  | 'gateway.stopping'
  | 'gateway.overloaded'
  | 'gateway.internal'
  | 'audit.unavailable'
  | 'audit.broken'
  | 'vault.tampered'
  | 'vault.root_key_missing'
  | 'vault.root_key_wrong'
  | 'store.tampered'
  | 'store.unavailable'
  | 'data.locked'
  // the operator's request
  | 'config.invalid'
  | 'input.invalid'
  | 'admin.unauthorized'
  | 'admin.forbidden'
  | 'admin.unreachable'
  | 'not_found'
  | 'conflict'
  | 'key.rejected'
  | 'scan.incomplete';

export interface ErrorOptions {
  /** For the log only: may name internals, never a secret. */
  readonly detail?: string;
  /** What the reader can do now, as a sentence or a command. */
  readonly fix?: string;
  /** True when the same request may succeed later without a change. */
  readonly retryable?: boolean;
  /** Whole seconds after which a retry makes sense. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class SallyportError extends Error {
  override readonly name = 'SallyportError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly fix: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.fix = options.fix;
    this.retryable = options.retryable ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Any thrown value as a SallyportError; what we did not throw ourselves becomes `gateway.internal` with no detail leaked. */
export function asSallyportError(thrown: unknown): SallyportError {
  if (thrown instanceof SallyportError) return thrown;
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : typeof thrown;
  return new SallyportError(
    'gateway.internal',
    'Sallyport hit an internal error; the call was not completed.',
    {
      detail,
      cause: thrown,
    },
  );
}

/** The text of a thrown value for a log line; the log redacts it. */
export function describe(thrown: unknown): string {
  if (thrown instanceof SallyportError)
    return thrown.detail ? `${thrown.message} (${thrown.detail})` : thrown.message;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
