/**
 * Sends to an OTLP/HTTP receiver. A failure is reported once, when it begins, and once when it is over; nobody who makes a call ever waits here. What a receiver
 * says is read up to a bound and repeated nowhere.
 */
import type { Log } from '../../core/log.ts';
import type { OtlpHeaders } from './headers.ts';

export type Signal = 'traces' | 'metrics';

/** What came of one attempt. */
export type Sent =
  /** Taken, except for so many. */
  | { readonly kind: 'accepted'; readonly rejected: number }
  /** It may be taken later; `afterMs` when the receiver said so. */
  | { readonly kind: 'later'; readonly afterMs: number | null }
  /** It never will be. */
  | { readonly kind: 'refused' };

export interface SenderConfig {
  /** Without the path of a signal, without a slash at its end. */
  readonly endpoint: string;
  readonly headers: OtlpHeaders | null;
  readonly userAgent: string;
}

const TIMEOUT_MS = 10_000;
const MAX_REPLY_BYTES = 64 * 1024;
/** By the specification; every other error is final. */
const LATER: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Longer waits are not believed. */
const MAX_RETRY_AFTER_SECONDS = 60;

export class Sender {
  readonly #config: SenderConfig;
  readonly #signal: Signal;
  readonly #log: Log;
  #failures = 0;
  #failing = false;

  constructor(config: SenderConfig, signal: Signal, log: Log) {
    this.#config = config;
    this.#signal = signal;
    this.#log = log;
  }

  /** Attempts that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** One attempt. Never rejects. */
  async send(body: string, timeoutMs = TIMEOUT_MS): Promise<Sent> {
    let reply: Response;
    try {
      reply = await this.#post(body, timeoutMs);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
      this.#failed(code);
      return { kind: 'later', afterMs: null };
    }
    if (reply.status !== 200) {
      await reply.body?.cancel().catch(() => undefined);
      this.#failed(`status ${reply.status}`);
      if (!LATER.has(reply.status)) return { kind: 'refused' };
      return { kind: 'later', afterMs: retryAfterMs(reply.headers.get('retry-after')) };
    }
    const rejected = await rejectedIn(reply);
    if (rejected > 0) this.#failed(`${rejected} were rejected`);
    else this.#worked();
    return { kind: 'accepted', rejected };
  }

  #post(body: string, timeoutMs: number): Promise<Response> {
    const { endpoint, headers, userAgent } = this.#config;
    const post = (own: Readonly<Record<string, string>>): Promise<Response> =>
      fetch(`${endpoint}/v1/${this.#signal}`, {
        method: 'POST',
        headers: { ...own, 'content-type': 'application/json', 'user-agent': userAgent },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        tls: { rejectUnauthorized: true },
        verbose: false,
      });
    return headers === null ? post({}) : headers.reveal(post);
  }

  #failed(detail: string): void {
    this.#failures += 1;
    if (this.#failing) return;
    this.#failing = true;
    this.#log.warn('Telemetry is not taken; it is tried again, and dropped when there is too much of it.', {
      signal: this.#signal,
      receiver: URL.parse(this.#config.endpoint)?.host ?? '',
      detail,
    });
  }

  #worked(): void {
    if (this.#failing) this.#log.info('Telemetry is taken again.', { signal: this.#signal });
    this.#failing = false;
  }
}

function retryAfterMs(header: string | null): number | null {
  const seconds = header !== null && /^\d{1,15}$/.test(header) ? Number(header) : null;
  return seconds === null ? null : Math.min(seconds, MAX_RETRY_AFTER_SECONDS) * 1000;
}

/** How many of what was sent a receiver that took the rest says it did not take. */
async function rejectedIn(reply: Response): Promise<number> {
  try {
    let text = '';
    for await (const part of reply.body ?? []) {
      text += Buffer.from(part).toString('latin1');
      // Leaving the loop cancels the rest.
      if (text.length > MAX_REPLY_BYTES) return 0;
    }
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: Record<string, unknown> };
    const count = Number(partialSuccess?.['rejectedSpans'] ?? partialSuccess?.['rejectedDataPoints'] ?? 0);
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  } catch {
    // An empty answer, or one in another format, is an acceptance all the same.
    return 0;
  }
}
