/**
 * The only place that sends a request to a provider. Host and path come from the key slot and the route table, headers from an
 * allow-list; redirects are never followed, nothing is retried, and the caller owns every timer through the signal.
 */
import { SallyportError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { Provider } from '../providers/catalog.ts';

export interface UpstreamRequest {
  readonly provider: Provider;
  /** Scheme, host and port that the key is sealed for. */
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  /** From the route table, behind the provider's base path. */
  readonly endpoint: string;
  /** The caller's headers; only listed ones pass. */
  readonly headers: Headers;
  readonly body: Buffer | null;
  readonly callId: string;
  readonly signal: AbortSignal;
}

/** Whether a failed request can have reached the provider: what was not sent costs nothing. */
export type SendFailure = { readonly sent: boolean; readonly error: SallyportError };

const NEVER_SENT = new Set([
  'ConnectionRefused',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'FailedToOpenSocket',
  // The certificate is checked before anything is sent. Not EPROTO: the runtime says that of a broken connection at any time.
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

export interface UpstreamConfig {
  readonly userAgent: string;
}

export class Upstream {
  readonly #userAgent: string;

  constructor(config: UpstreamConfig) {
    this.#userAgent = config.userAgent;
  }

  /** Starts the request; the key is copied into the header before this returns. Rejects with what `fetch` throws: see `sendFailure`. */
  send(request: UpstreamRequest, key: Secret): Promise<Response> {
    const { provider, headers } = request;
    const out: Record<string, string> = {
      authorization: key.revealText((text) => `Bearer ${text}`),
      accept: headers.get('accept') ?? '*/*',
      // An encoded answer could not be metered on its way through.
      'accept-encoding': 'identity',
      'user-agent': this.#userAgent,
      'x-request-id': request.callId,
    };
    if (request.body) out['content-type'] = 'application/json';
    for (const name of provider.requestHeaders) {
      const value = headers.get(name);
      if (value !== null) out[name] = value;
    }
    return fetch(`${request.origin}${provider.basePath}/${request.endpoint}`, {
      method: request.method,
      headers: out,
      body: request.body,
      signal: request.signal,
      redirect: 'manual',
      // A reused connection that closes makes the runtime send a GET twice; the journal would then show one.
      keepalive: request.method === 'POST',
      tls: { rejectUnauthorized: true },
      verbose: false,
    });
  }
}

/** What a rejected `send` means. An answer that never came says nothing about whether the provider worked. */
export function sendFailure(thrown: unknown): SendFailure {
  if (thrown instanceof SallyportError) return { sent: true, error: thrown };
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
  const sent = !NEVER_SENT.has(code);
  const error = new SallyportError(
    sent ? 'upstream.bad_reply' : 'upstream.unavailable',
    sent ? 'The connection to the provider broke before it answered.' : 'The provider cannot be reached.',
    { detail: code, retryable: true, retryAfterSeconds: sent ? undefined : 2, cause: thrown } as never,
  );
  return { sent, error };
}
