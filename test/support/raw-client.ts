/** An HTTP client on a bare socket, for what no HTTP client does: half requests, half-closes, resets, not reading. */
import { connect, type Socket } from 'node:net';

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent as `content-length` in place of the body's own length. */
  readonly announcedBytes?: number;
}

export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Without the chunk framing. */
  readonly body: Buffer;
  /** The body came to its proper end. */
  readonly complete: boolean;
}

/** What a reply in chunks ends with. */
const LAST_CHUNK = '0\r\n\r\n';

export class RawClient {
  readonly socket: Socket;
  readonly #pieces: Buffer[] = [];
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.socket.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
    }
  }

  send(request: RawRequest): void {
    const { method = 'POST', path = '/openai/v1/chat/completions', headers = {}, body = '' } = request;
    const length = request.announcedBytes ?? Buffer.byteLength(body);
    const all = { host: 'gate', 'content-length': String(length), ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    this.socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  get received(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** The server has closed its side, or the connection is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Waits for `text`. Throws when the server closes before, or after `ms`. */
  async until(text: string, ms = 15_000): Promise<void> {
    await this.#wait(() => this.received.includes(text), ms, `no "${text}" within ${ms} ms`);
  }

  /** Waits until the server has closed the connection. */
  async end(ms = 15_000): Promise<RawReply> {
    await this.#wait(() => this.#closed, ms, `not closed within ${ms} ms`);
    this.socket.destroy();
    return this.reply;
  }

  /** Waits for a whole reply on a connection that stays open. */
  async whole(ms = 15_000): Promise<RawReply> {
    const complete = (): boolean => this.#closed || (this.#mayBeWhole() && this.reply.complete);
    await this.#wait(complete, ms, `no whole reply within ${ms} ms`);
    return this.reply;
  }

  /** Forgets what came so far, so that the next reply is read by itself. */
  clear(): void {
    this.#pieces.length = 0;
  }

  get reply(): RawReply {
    return readReply(this.received);
  }

  /** A long reply is not read anew for each of its thousands of pieces, but when it can be over. */
  #mayBeWhole(): boolean {
    if (
      !/transfer-encoding: *chunked/i.test(
        Buffer.concat(this.#pieces.slice(0, 2)).toString('latin1', 0, 4096),
      )
    )
      return true;
    return Buffer.concat(this.#pieces.slice(-LAST_CHUNK.length)).toString('latin1').endsWith(LAST_CHUNK);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #wait(condition: () => boolean, ms: number, problem: string): Promise<void> {
    const deadline = performance.now() + ms;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0 || (this.#closed && !condition())) throw new Error(`${problem}: ${this.#summary()}`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
        this.#waiting.push(resolve);
      });
      clearTimeout(timer);
    }
  }

  #summary(): string {
    return JSON.stringify(this.received.toString('latin1').slice(-200));
  }
}

function readReply(bytes: Buffer): RawReply {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return { status: 0, headers: new Map(), body: Buffer.alloc(0), complete: false };
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const rest = bytes.subarray(end + 4);
  const status = Number(first.split(' ')[1] ?? 0);
  if (headers.get('transfer-encoding') === 'chunked') return { status, headers, ...unchunk(rest) };
  const length = Number(headers.get('content-length') ?? Number.NaN);
  return { status, headers, body: rest.subarray(0, length), complete: rest.length >= length };
}

function unchunk(bytes: Buffer): { body: Buffer; complete: boolean } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return { body: Buffer.concat(parts), complete: false };
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (size === 0) return { body: Buffer.concat(parts), complete: true };
    const from = line + 2;
    if (from + size > bytes.length)
      return { body: Buffer.concat([...parts, bytes.subarray(from)]), complete: false };
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
}
