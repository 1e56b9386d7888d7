/**
 * One connection to an origin, TLS or not, that serves one exchange after the other. A certificate is verified (chain and name) before a
 * byte of a request is written. Whatever breaks HTTP, and every response that nobody waits for to its end, ends the connection.
 */
import { Exchange, type Flow, HttpError } from './exchange.ts';
import { ResponseParser } from './response-parser.ts';

export interface Origin {
  readonly tls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** As it goes into the Host header. */
  readonly host: string;
}

const CONNECT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** What is copied behind the head, so that head and body leave in one packet. */
const ONE_WRITE_BYTES = 16 * 1024;

type Socket = Bun.Socket<Connection>;

const HANDLERS: Bun.SocketHandler<Connection> = {
  open: (socket) => socket.data.socketOpened(socket),
  handshake: (socket, success, error) => socket.data.handshaken(success, error),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.peerEnded(),
  close: (socket, error) => socket.data.lost(error),
  error: (socket, error) => socket.data.lost(error),
  connectError: (socket, error) => socket.data.lost(error),
};

export interface ConnectionEvents {
  /** The exchange is over and another one may follow. `keepMs` is what the other side says it keeps an idle connection for, if it does. */
  free(connection: Connection, keepMs: number | null): void;
  closed(connection: Connection): void;
}

export class Connection implements Flow {
  readonly #origin: Origin;
  readonly #events: ConnectionEvents;
  readonly #parser: ResponseParser;
  #socket: Socket | null = null;
  #ready: { readonly resolve: () => void; readonly reject: (error: HttpError) => void } | null = null;
  #exchange: Exchange | null = null;
  /** What the socket has not taken yet. */
  #unsent: Uint8Array[] = [];
  #dead = false;
  #keepMs: number | null = null;
  /** When it was last given back. */
  idleSinceMs = 0;

  private constructor(origin: Origin, events: ConnectionEvents) {
    this.#origin = origin;
    this.#events = events;
    this.#parser = new ResponseParser({
      head: (head) => {
        this.#keepMs = keepAliveMs(head.get('keep-alive'));
        this.#exchange?.began(head);
      },
      body: (bytes) => this.#exchange?.received(bytes),
      end: (reusable) => this.#finished(reusable),
    });
  }

  /** Rejects with `HttpError` (never sent) when there is no connection, or its certificate is not the origin's. */
  static async open(origin: Origin, events: ConnectionEvents): Promise<Connection> {
    const connection = new Connection(origin, events);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    connection.#ready = { resolve, reject };
    const timer = setTimeout(() => connection.destroy('ETIMEDOUT'), CONNECT_MS);
    try {
      Bun.connect<Connection>({
        hostname: origin.hostname,
        port: origin.port,
        data: connection,
        socket: HANDLERS,
        ...(origin.tls && { tls: { rejectUnauthorized: true, ...serverName(origin.hostname) } }),
      }).catch((error: unknown) => connection.lost(error));
      await promise;
    } catch (error) {
      connection.lost(error);
      throw error instanceof HttpError
        ? error
        : new HttpError(codeOf(error) ?? 'ECONNECT', false, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    return connection;
  }

  get usable(): boolean {
    return !this.#dead && this.#exchange === null;
  }

  /** Starts an exchange; null when the connection turns out to be closed and nothing was sent. */
  send(head: string, body: Uint8Array | null): Exchange | null {
    const exchange = new Exchange(this);
    this.#exchange = exchange;
    this.#keepMs = null;
    this.#parser.expect();
    const headBytes = Buffer.byteLength(head, 'latin1');
    const joined = body !== null && body.length <= ONE_WRITE_BYTES ? body.length : 0;
    const first = Buffer.allocUnsafe(headBytes + joined);
    first.write(head, 'latin1');
    if (body && joined > 0) first.set(body, headBytes);
    const taken = this.#socket?.write(first) ?? -1;
    if (taken < 0) {
      this.#exchange = null;
      this.destroy('ECLOSED');
      // Nobody waits for it.
      return null;
    }
    if (taken < first.length) this.#unsent.push(first.subarray(taken));
    if (body && joined === 0) this.#write(body);
    return exchange;
  }

  pause(): void {
    if (!this.#dead) this.#socket?.pause();
  }

  resume(): void {
    if (!this.#dead) this.#socket?.resume();
  }

  abandon(): void {
    this.#exchange = null;
    this.destroy('ABORTED');
  }

  /** Closes at once; an exchange that is not over fails. */
  destroy(code: string, cause?: unknown): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#unsent = [];
    this.#ready?.reject(new HttpError(code, false, { cause }));
    this.#ready = null;
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#socket?.terminate();
    exchange?.failed(new HttpError(code, true, { cause }));
    this.#events.closed(this);
  }

  socketOpened(socket: Socket): void {
    if (this.#dead) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    if (!this.#origin.tls) this.#opened();
  }

  handshaken(success: boolean, error: Error | null): void {
    // INVARIANT: no request is written before this has verified the certificate's chain and name.
    if (success && error === null && this.#socket?.authorized === true) this.#opened();
    else this.destroy(codeOf(error) ?? 'ERR_TLS', error);
  }

  received(bytes: Buffer): void {
    if (this.#dead) return;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.destroy('HTTP_PROTOCOL', error);
    }
  }

  drained(): void {
    const waiting = this.#unsent;
    this.#unsent = [];
    for (const bytes of waiting) this.#write(bytes);
  }

  /** The other side sends nothing more: for a body without a length that is its end. */
  peerEnded(): void {
    if (this.#dead) return;
    try {
      this.#parser.close();
    } catch (error) {
      this.destroy('ECONNRESET', error);
      return;
    }
    this.destroy('ECONNRESET');
  }

  lost(error: unknown): void {
    this.destroy(codeOf(error) ?? 'ECONNRESET', error);
  }

  #opened(): void {
    this.#ready?.resolve();
    this.#ready = null;
  }

  #write(bytes: Uint8Array): void {
    if (this.#dead) return;
    if (this.#unsent.length > 0) {
      this.#unsent.push(bytes);
      return;
    }
    const taken = this.#socket?.write(bytes) ?? -1;
    if (taken < 0) this.destroy('ECONNRESET');
    else if (taken < bytes.length) this.#unsent.push(bytes.subarray(taken));
  }

  #finished(reusable: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.completed();
    // A response before the whole request was taken leaves the rest of it in the way.
    if (reusable && this.#unsent.length === 0) this.#events.free(this, this.#keepMs);
    else this.destroy('ECLOSED');
  }
}

/** An address has no name to ask for; its certificate is checked for the address. */
function serverName(hostname: string): { serverName?: string } {
  return /^[\d.]+$|:/.test(hostname) ? {} : { serverName: hostname };
}

function keepAliveMs(header: string | null): number | null {
  const seconds = header === null ? undefined : /(?:^|[, ])timeout=(\d{1,6})/i.exec(header)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
