/**
 * The only place that sends a request to a provider. Host and path come from the key slot and the route table, headers from an
 * allow-list; redirects are never followed, nothing is retried, and the caller owns every timer through the signal.
 */
import type { Abort } from '../core/abort.ts';
import { SallyportError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { Provider } from '../providers/catalog.ts';
import { HttpClient, type HttpClientDeps } from './http1/client.ts';
import { HttpError, type HttpReply } from './http1/exchange.ts';

export interface UpstreamRequest {
  readonly provider: Provider;
  /** Scheme, host and port that the key is sealed for. */
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  /** From the route table, behind the provider's base path. */
  readonly endpoint: string;
  /** The caller's headers; only listed ones pass. */
  readonly headers: { get(name: string): string | null };
  readonly body: Buffer | null;
  readonly callId: string;
  readonly abort: Abort;
}

/** Whether a failed request can have reached the provider: what was not sent costs nothing. */
export type SendFailure = { readonly sent: boolean; readonly error: SallyportError };

export interface UpstreamDeps extends HttpClientDeps {
  readonly userAgent: string;
}

export class Upstream {
  readonly #userAgent: string;
  readonly #client: HttpClient;

  constructor(deps: UpstreamDeps) {
    this.#userAgent = deps.userAgent;
    this.#client = new HttpClient(deps);
  }

  /** Closes what is idle. */
  close(): void {
    this.#client.close();
  }

  /** Starts the request; the key is copied into the header before this returns. For what it rejects with see `sendFailure`. */
  send(request: UpstreamRequest, key: Secret): Promise<HttpReply> {
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
    return this.#client.request(
      {
        origin: request.origin,
        method: request.method,
        path: `${provider.basePath}/${request.endpoint}`,
        headers: out,
        body: request.body,
      },
      request.abort,
    );
  }
}

/** What a rejected `send` means. An answer that never came says nothing about whether the provider worked. */
export function sendFailure(thrown: unknown): SendFailure {
  if (thrown instanceof SallyportError) return { sent: true, error: thrown };
  const { code, sent } = thrown instanceof HttpError ? thrown : { code: 'unknown', sent: true };
  const error = new SallyportError(
    sent ? 'upstream.bad_reply' : 'upstream.unavailable',
    sent ? 'The connection to the provider broke before it answered.' : 'The provider cannot be reached.',
    { detail: code, retryable: true, retryAfterSeconds: sent ? undefined : 2, cause: thrown } as never,
  );
  return { sent, error };
}
