/** One POST to a receiver of alerts. Its answer is not trusted: only the status, a time to come back, and a short code are looked at. */
import type { Outcome } from './sender.ts';

const TIMEOUT_MS = 10_000;
const MAX_RETRY_AFTER_SECONDS = 3600;
const MAX_CODE_BYTES = 200;

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends the wait early. */
  readonly signal: AbortSignal;
}

/** Never rejects. Only an answer of 2xx is a delivery. */
export async function post({ url, headers, body, signal }: PostRequest): Promise<Outcome> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      redirect: 'manual',
      keepalive: false,
      tls: { rejectUnauthorized: true },
      verbose: false,
    });
  } catch (error) {
    return { delivered: false, error: failureOf(error), retryAfterMs: null };
  }
  if (response.ok) {
    await response.body?.cancel().catch(() => undefined);
    return { delivered: true, error: null, retryAfterMs: null };
  }
  const code = await shortCode(response);
  const seconds = Number(response.headers.get('retry-after') ?? 'none');
  return {
    delivered: false,
    error: `status ${response.status}${code === null ? '' : ` (${code})`}`,
    retryAfterMs: seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) * 1000 : null,
  };
}

/** Slack says what is wrong in a word, such as `no_service`. */
async function shortCode(response: Response): Promise<string | null> {
  try {
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    await reader?.cancel();
    const text = new TextDecoder().decode(value?.subarray(0, MAX_CODE_BYTES)).trim();
    return /^[a-z_]{3,40}$/.test(text) ? text : null;
  } catch {
    return null;
  }
}

/** The runtime's code for it; its message could quote the URL. */
function failureOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in 10 seconds';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^[A-Za-z_]{3,60}$/.test(code) ? `no connection (${code})` : 'no connection';
}
