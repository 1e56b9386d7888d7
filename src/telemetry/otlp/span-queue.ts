/**
 * Spans on their way to the receiver: collected, sent in batches one after the other, tried again when that may help, and dropped beyond a
 * bound. Each span is text already, so that a batch is put together without holding the loop.
 */
import type { Sender, Sent } from './sender.ts';

/** So many spans, or what came within so many milliseconds. */
const BATCH_SPANS = 512;
const BATCH_MS = 5000;
const MAX_SPANS = 4096;
const MAX_ATTEMPTS = 5;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
const UNKNOWN: Sent = { kind: 'later', afterMs: null };

export interface SpanQueueDeps {
  readonly sender: Pick<Sender, 'send'>;
  /** Makes a request of spans that are joined by commas. */
  readonly wrap: (spans: string) => string;
}

export class SpanQueue {
  readonly #deps: SpanQueueDeps;
  /** The batch in flight is at its start, until it is known what became of it. */
  #spans: string[] = [];
  #sending: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Attempts to send the batch at the start. */
  #attempts = 0;
  #stopped = false;
  #exported = 0;
  #dropped = 0;

  constructor(deps: SpanQueueDeps) {
    this.#deps = deps;
  }

  get exported(): number {
    return this.#exported;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(span: string): void {
    if (this.#stopped || this.#spans.length >= MAX_SPANS) {
      this.#dropped += 1;
      return;
    }
    this.#spans.push(span);
    if (this.#sending !== undefined || this.#attempts > 0) return;
    if (this.#spans.length === BATCH_SPANS) this.#schedule(0);
    else this.#timer ??= setTimeout(() => this.#start(), BATCH_MS);
  }

  /** Sends what is left, each batch once, within `waitMs`; what is not taken by then counts as dropped. Nothing is added any more. */
  async stop(waitMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const untilMs = performance.now() + waitMs;
    if (this.#sending) await within(this.#sending, waitMs);
    for (;;) {
      const leftMs = untilMs - performance.now();
      if (this.#spans.length === 0 || leftMs <= 0) break;
      const batch = this.#spans.splice(0, BATCH_SPANS);
      const send = this.#deps.sender.send(this.#deps.wrap(batch.join(',')), leftMs);
      this.#count(batch.length, (await within(send, leftMs)) ?? UNKNOWN);
    }
    this.#dropped += this.#spans.length;
    this.#spans = [];
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), ms);
  }

  #start(): void {
    this.#timer = undefined;
    this.#sending = this.#send().finally(() => (this.#sending = undefined));
  }

  async #send(): Promise<void> {
    const batch = this.#spans.slice(0, BATCH_SPANS);
    const sent = await this.#deps.sender.send(this.#deps.wrap(batch.join(',')));
    const again = sent.kind === 'later' && this.#attempts + 1 < MAX_ATTEMPTS;
    if (again && this.#spans.length > 0) {
      this.#attempts += 1;
      if (!this.#stopped) this.#schedule(sent.afterMs ?? backoffMs(this.#attempts));
      return;
    }
    this.#attempts = 0;
    this.#count(this.#spans.splice(0, batch.length).length, sent);
    if (!this.#stopped && this.#spans.length > 0)
      this.#schedule(this.#spans.length >= BATCH_SPANS ? 0 : BATCH_MS);
  }

  #count(spans: number, sent: Sent): void {
    const lost = sent.kind === 'accepted' ? Math.min(sent.rejected, spans) : spans;
    this.#exported += spans - lost;
    this.#dropped += lost;
  }
}

/** What comes of the work, or undefined after `ms`. Leaves no timer behind, which would keep the process from ending. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Twice as long each time, give or take a quarter, so that many gateways do not come back together. */
function backoffMs(attempt: number): number {
  const ms = Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS);
  return ms * (0.75 + Math.random() / 2);
}
