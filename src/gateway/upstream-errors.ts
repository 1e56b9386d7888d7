/**
 * What a provider's refusal means for our caller. Errors about our own key, account or organization stay inside (503, without detail);
 * errors about the request are relayed with the provider's words, minus anything that looks like a credential or names the account.
 */
import { SallyportError } from '../core/errors.ts';
import { redactShapes, redactValue } from '../detect/redact.ts';

export interface UpstreamRefusal {
  readonly status: number;
  /** The provider's `error.code`, else its `error.type`. */
  readonly providerCode: string | null;
  /** What to answer: an error of ours, or the provider's own answer. */
  readonly answer:
    | { readonly kind: 'ours'; readonly error: SallyportError }
    | { readonly kind: 'relay'; readonly body: string };
  /** `retry-after` and the like, for a relayed answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Our key or account is the trouble: somebody has to act. */
  readonly aboutOurKey: boolean;
}

/** More than this of an error body is not read. */
export const MAX_ERROR_BYTES = 64 * 1024;
const MAX_RETRY_AFTER_SECONDS = 60;

/** Codes under other statuses that concern the account rather than the request. */
const ACCOUNT_CODE =
  /^(?:blocked_api_access|organization_restricted|spend_|insufficient_quota|credit_balance|organization_|project_)/;

export function readRefusal(
  status: number,
  headers: Headers,
  body: string,
  key: (use: (text: string) => string) => string,
): UpstreamRefusal {
  const parsed = parseError(body);
  const code = parsed?.code ?? parsed?.type ?? null;
  const base = { status, providerCode: code, headers: {}, aboutOurKey: false };
  if (status >= 300 && status < 400) {
    return {
      ...base,
      answer: ours(
        'upstream.bad_reply',
        'The provider answered with a redirect, which is never followed.',
        false,
      ),
    };
  }
  if (status === 401 || status === 403 || (code !== null && ACCOUNT_CODE.test(code))) {
    const message =
      "The provider does not accept the gateway's own key or account. The operator has been told.";
    return { ...base, aboutOurKey: true, answer: ours('upstream.unavailable', message, false) };
  }
  if (!parsed) {
    const message = `The provider answered with status ${status} and no error in JSON.`;
    return {
      ...base,
      answer: ours(status >= 500 ? 'upstream.unavailable' : 'upstream.bad_reply', message, status >= 500),
    };
  }
  const text = key((value) => redactValue(body, value));
  const clean = redactShapes(text).replaceAll(/\borg(?:anization)?_[A-Za-z0-9]{6,}/g, 'org_[redacted]');
  return { ...base, answer: { kind: 'relay', body: clean }, headers: relayedHeaders(status, headers) };
}

function relayedHeaders(status: number, headers: Headers): Record<string, string> {
  if (status !== 429 && status !== 503 && status !== 498)
    return status < 500 ? { 'x-should-retry': 'false' } : {};
  const stated = headers.get('retry-after');
  const seconds = stated === null ? null : Math.ceil(Number(stated));
  if (seconds === null) return {};
  if (!Number.isFinite(seconds) || seconds > MAX_RETRY_AFTER_SECONDS) return { 'x-should-retry': 'false' };
  return { 'retry-after': String(Math.max(1, seconds)) };
}

function parseError(body: string): { code: string | null; type: string | null } | null {
  try {
    const parsed = JSON.parse(body) as {
      error?: { message?: unknown; code?: unknown; type?: unknown };
    } | null;
    const error = parsed?.error;
    if (typeof error !== 'object' || typeof error.message !== 'string') return null;
    return { code: text(error.code), type: text(error.type) };
  } catch {
    return null;
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, 100) : null;
}

function ours(
  code: 'upstream.unavailable' | 'upstream.bad_reply',
  message: string,
  retryable: boolean,
): UpstreamRefusal['answer'] {
  return {
    kind: 'ours',
    error: new SallyportError(code, message, { retryable, ...(retryable ? { retryAfterSeconds: 2 } : {}) }),
  };
}
