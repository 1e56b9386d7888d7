/**
 * One request and its response on a connection, as the asker sees it: a head, then the body, read piece by piece. What has come and was
 * not read yet is kept up to a bound; beyond it the connection is not read from, so that a slow reader slows the sender.
 */
import type { ResponseHead } from './response-parser.ts';

/** A request that got no whole response. */
export class HttpError extends Error {
  readonly code: string;
  /** Whether the other side can have received any of it: what was never sent was never done. */
  readonly sent: boolean;

  constructor(code: string, sent: boolean, options: { readonly cause?: unknown } = {}) {
    super(`HTTP request failed: ${code}`, options);
    this.code = code;
    this.sent = sent;
  }
}

/** What has come is kept up to this; one more read of the socket may come on top. */
const KEPT_BYTES = 64 * 1024;

export interface ReplyBody {
  /**
   * The next bytes, or null at the end. Rejects with `HttpError` when the response broke off, or with what it was cancelled for. One read
   * at a time.
   */
  read(): Promise<Uint8Array | null>;
  /** What has come and was not read yet, of a body that broke or was aborted as well. Null when there is nothing. */
  takeKept?(): Uint8Array | null;
  /** Gives the rest up. */
  cancel(): void;
}

export interface HttpReply {
  readonly status: number;
  /** A header's value by its lower-case name, or null; repeated ones are joined with ", ". */
  readonly headers: { get(name: string): string | null };
  readonly body: ReplyBody;
}

/** What an exchange asks of its connection. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** Nobody waits for this response any more. */
  abandon(): void;
}

interface Waiter {
  readonly resolve: (bytes: Uint8Array | null) => void;
  readonly reject: (reason: unknown) => void;
}

const ENDED: Promise<null> = Promise.resolve(null);

export class Exchange implements HttpReply, ReplyBody {
  readonly reply: Promise<HttpReply>;
  status = 0;
  readonly #flow: Flow;
  #resolve: (reply: HttpReply) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;
  #head: ResponseHead | null = null;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #paused = false;
  #waiter: Waiter | null = null;
  #ended = false;
  #failure: { readonly reason: unknown } | null = null;

  constructor(flow: Flow) {
    this.#flow = flow;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get headers(): HttpReply['headers'] {
    return this;
  }

  get body(): ReplyBody {
    return this;
  }

  get(name: string): string | null {
    return this.#head?.get(name) ?? null;
  }

  /** Complete, failed or given up: nothing more of it will come. */
  get over(): boolean {
    return this.#ended || this.#failure !== null;
  }

  began(head: ResponseHead): void {
    this.#head = head;
    this.status = head.status;
    this.#resolve(this);
  }

  received(bytes: Uint8Array): void {
    if (this.over) return;
    const waiter = this.#waiter;
    if (waiter) {
      this.#waiter = null;
      waiter.resolve(bytes);
      return;
    }
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
    if (this.#keptBytes > KEPT_BYTES && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
  }

  completed(): void {
    if (this.over) return;
    this.#ended = true;
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.resolve(null);
  }

  failed(reason: unknown): void {
    if (this.over) return;
    this.#failure = { reason };
    if (!this.#head) this.#reject(reason);
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.reject(reason);
  }

  read(): Promise<Uint8Array | null> {
    // What came before a break is handed out before the break is.
    if (this.#kept.length > 0) return Promise.resolve(this.#takeKept());
    if (this.#failure) return Promise.reject(this.#failure.reason);
    if (this.#ended) return ENDED;
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  takeKept(): Uint8Array | null {
    return this.#kept.length > 0 ? this.#takeKept() : null;
  }

  cancel(): void {
    this.#kept = [];
    this.#keptBytes = 0;
    if (this.over) return;
    this.failed(new HttpError('ABORTED', true));
    this.#flow.abandon();
  }

  #takeKept(): Uint8Array {
    const [first, ...more] = this.#kept;
    const bytes =
      first !== undefined && more.length === 0 ? first : Buffer.concat(this.#kept, this.#keptBytes);
    this.#kept = [];
    this.#keptBytes = 0;
    if (this.#paused) {
      this.#paused = false;
      this.#flow.resume();
    }
    return bytes;
  }
}
