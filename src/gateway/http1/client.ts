/**
 * A small HTTP/1.1 client for the one thing that the gateway does with one: send a request once, to an origin that it was told, and read
 * the response as it comes. It never follows a redirect, never sends anything twice, asks no environment for a proxy, undoes no encoding
 * unasked, and knows of every failure whether anything was sent (docs/adr/0020). Timers are the caller's, but for connecting.
 */
import type { Abort } from '../../core/abort.ts';
import { Connection, type ConnectionEvents, type Origin } from './connection.ts';
import type { Exchange, HttpReply } from './exchange.ts';

export interface HttpRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly method: 'GET' | 'POST';
  /** Path and query, already encoded. */
  readonly path: string;
  /** Names as they go out. `host` and `content-length` are ours. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

export interface HttpClientDeps {
  readonly monotonicMs: () => number;
}

/** Servers in the open keep idle connections for a minute and more; a server program by itself, as behind `http:`, often for 5 s only. */
const IDLE_MS = { tls: 55_000, plain: 4000 } as const;
/** Closing a connection that the other side is just closing is free; sending on one costs an unknown outcome. */
const MARGIN_MS = 1000;
const SWEEP_MS = 1000;
const PATH = /^\/[!-~]*$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Latin-1 without control characters but the tab (RFC 9110, 5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

interface Pool {
  readonly origin: Origin;
  readonly idle: { readonly connection: Connection; readonly untilMs: number }[];
  readonly events: ConnectionEvents;
}

export class HttpClient {
  readonly #deps: HttpClientDeps;
  readonly #pools = new Map<string, Pool>();
  #sweeper: ReturnType<typeof setInterval> | undefined;

  constructor(deps: HttpClientDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves with the head; the body is read from it, to its end or until it is cancelled. Rejects with `HttpError`, with the abort's reason,
   * or with `TypeError` for what cannot stand in a request.
   */
  async request(request: HttpRequest, abort: Abort): Promise<HttpReply> {
    const pool = this.#poolOf(request.origin);
    const head = headOf(request, pool.origin);
    for (;;) {
      const connection = this.#idle(pool) ?? (await this.#connect(pool, abort));
      if (abort.aborted) {
        this.#keep(pool, connection, null);
        throw abort.reason;
      }
      const exchange = connection.send(head, request.body);
      // Closed under our hands, with nothing sent.
      if (!exchange) continue;
      failOnAbort(abort, exchange, connection);
      return exchange.reply;
    }
  }

  /** Closes what is idle. */
  close(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    for (const { idle } of this.#pools.values())
      for (const { connection } of idle.splice(0)) connection.destroy('ECLOSED');
  }

  async #connect(pool: Pool, abort: Abort): Promise<Connection> {
    const opening = Connection.open(pool.origin, pool.events);
    try {
      return await Promise.race([opening, rejectOnAbort(abort)]);
    } catch (error) {
      // Whoever comes next may have the connection that this one did not wait for.
      opening.then(
        (connection) => this.#keep(pool, connection, null),
        () => undefined,
      );
      throw error;
    }
  }

  #idle(pool: Pool): Connection | undefined {
    const nowMs = this.#deps.monotonicMs();
    for (;;) {
      const held = pool.idle.pop();
      if (!held) return undefined;
      if (held.connection.usable && nowMs < held.untilMs) return held.connection;
      held.connection.destroy('ECLOSED');
    }
  }

  #keep(pool: Pool, connection: Connection, keepMs: number | null): void {
    if (!connection.usable) return;
    const most = pool.origin.tls ? IDLE_MS.tls : IDLE_MS.plain;
    const forMs = keepMs === null ? most : Math.min(most, keepMs - MARGIN_MS);
    if (forMs <= 0) {
      connection.destroy('ECLOSED');
      return;
    }
    pool.idle.push({ connection, untilMs: this.#deps.monotonicMs() + forMs });
    if (this.#sweeper) return;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  #sweep(): void {
    const nowMs = this.#deps.monotonicMs();
    let left = 0;
    for (const { idle } of this.#pools.values()) {
      for (const { connection } of idle.filter(({ untilMs }) => untilMs <= nowMs))
        connection.destroy('ECLOSED');
      left += idle.length;
    }
    if (left > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #poolOf(text: string): Pool {
    const known = this.#pools.get(text);
    if (known) return known;
    const { protocol, hostname, port, host } = new URL(text);
    if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError(`no HTTP origin: ${protocol}`);
    const tls = protocol === 'https:';
    const origin = {
      tls,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (tls ? 443 : 80) : Number(port),
      host,
    };
    const idle: Pool['idle'] = [];
    const pool: Pool = {
      origin,
      idle,
      events: {
        free: (connection, keepMs) => this.#keep(pool, connection, keepMs),
        closed: (connection) => {
          const index = idle.findIndex((held) => held.connection === connection);
          if (index >= 0) idle.splice(index, 1);
        },
      },
    };
    this.#pools.set(text, pool);
    return pool;
  }
}

// INVARIANT: what outlives the sending of a request (listeners of its abort, events of a connection) is made outside the async functions
// that are given it: a closure made inside one keeps all their parameters, and so the request's body, for as long as it lives.

function failOnAbort(abort: Abort, exchange: Exchange, connection: Connection): void {
  abort.onAbort(() => {
    if (exchange.over) return;
    exchange.failed(abort.reason);
    connection.abandon();
  });
}

function rejectOnAbort(abort: Abort): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  abort.onAbort(() => reject(abort.reason));
  return promise;
}

/** INVARIANT: nothing in a value can end its line: it would be the beginning of a request of somebody else's making. */
function headOf(request: HttpRequest, origin: Origin): string {
  const { method, path, headers, body } = request;
  if (!PATH.test(path)) throw new TypeError('a path that cannot stand in a request');
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${origin.host}\r\n`;
  for (const name in headers) {
    const value = headers[name] ?? '';
    if (!NAME.test(name) || !VALUE.test(value))
      throw new TypeError(`a header that cannot stand in a request: ${name.slice(0, 40)}`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}${body === null && method === 'GET' ? '' : `content-length: ${body?.length ?? 0}\r\n`}\r\n`;
}
