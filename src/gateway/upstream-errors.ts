/**
 * What a provider's refusal means for our caller. Errors about our own key, account or organization stay inside (503, without detail);
 * errors about the request are relayed with the provider's words, minus anything that looks like a credential or names the account.
 */
import { SallyportError } from '../core/errors.ts';
import { redactCredentials, redactValue } from '../detect/redact.ts';
import { redactProviderText } from '../redact/for-log.ts';

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

/** Said of limits that no retry within a minute meets, whatever `retry-after` stands beside it: those of a day, and too large a request. */
const NOT_SOON = /\((?:RPD|TPD|ASD)\)|^Request too large/;

/** Codes under other statuses that concern the account rather than the request. */
const ACCOUNT_CODE =
  /^(?:blocked_api_access|spend_|insufficient_quota|credit_balance|billing_|account_|access_terminated|organization_|project_)/;
/** Names of the account in a provider's texts: Groq's `org_…`, OpenAI's `org-…` and `proj_…`. */
const ACCOUNT_ID = /(?:org(?:anization)?|proj(?:ect)?)(?:_[A-Za-z0-9]{6,}|-[A-Za-z0-9]{16,})/g;
/** Busy rather than broken: another try makes sense. */
const MAY_HEAL: ReadonlySet<number> = new Set([408, 429, 498]);

export function readRefusal(
  status: number,
  headers: { get(name: string): string | null },
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
    const mayHeal = status >= 500 || MAY_HEAL.has(status);
    return {
      ...base,
      answer: ours(mayHeal ? 'upstream.unavailable' : 'upstream.bad_reply', message, mayHeal),
    };
  }
  return {
    ...base,
    answer: { kind: 'relay', body: key((value) => withoutSecrets(body, value)) },
    headers: relayedHeaders(status, headers, parsed.message),
  };
}

/**
 * The JSON text `body` with every string of it cleaned by what it says, not by how it is escaped; all other bytes stay as they came.
 * The caller has parsed the body before.
 */
function withoutSecrets(body: string, key: string): string {
  return body.replaceAll(/"(?:[^"\\]|\\.)*"/gs, (token) => {
    const said = JSON.parse(token) as string;
    const known = redactCredentials(redactValue(said, key));
    const clean = redactProviderText(known).replaceAll(ACCOUNT_ID, '[account]');
    return clean === said ? token : JSON.stringify(clean);
  });
}

function relayedHeaders(
  status: number,
  headers: { get(name: string): string | null },
  message: string,
): Record<string, string> {
  if (status !== 503 && !MAY_HEAL.has(status)) return status < 500 ? { 'x-should-retry': 'false' } : {};
  if (NOT_SOON.test(message)) return { 'x-should-retry': 'false' };
  const stated = headers.get('retry-after');
  const seconds = stated === null ? null : Math.ceil(Number(stated));
  if (seconds === null) return {};
  if (!Number.isFinite(seconds) || seconds > MAX_RETRY_AFTER_SECONDS) return { 'x-should-retry': 'false' };
  return { 'retry-after': String(Math.max(1, seconds)) };
}

interface ParsedError {
  readonly message: string;
  readonly code: string | null;
  readonly type: string | null;
}

function parseError(body: string): ParsedError | null {
  try {
    const parsed = JSON.parse(body) as {
      error?: { message?: unknown; code?: unknown; type?: unknown };
    } | null;
    const error = parsed?.error;
    if (typeof error !== 'object' || typeof error.message !== 'string') return null;
    return { message: error.message, code: text(error.code), type: text(error.type) };
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
