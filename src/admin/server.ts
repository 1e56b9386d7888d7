/**
 * The admin listeners. The unix socket is for whoever may open it (mode 0600): principal `local`. The TCP one is loopback only and
 * takes admin tokens. Neither is part of the data plane, and the data plane's listener has none of these routes.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { normaliseAddress } from '../access/address.ts';
import type { Tokens } from '../access/tokens.ts';
import { asSallyportError, describe, SallyportError } from '../core/errors.ts';
import { randomBase62 } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { AdminApp } from './admin.ts';
import { authenticateAdmin, refuseWebPages } from './authenticate.ts';
import { MAX_BODY_BYTES } from './contract.ts';
import { errorReply } from './error-reply.ts';
import { LOCAL, type Principal } from './principal.ts';

export interface AdminListenConfig {
  /** See socket-path.ts; its folder exists and is ours. */
  readonly unixPath: string;
  /** A loopback address. */
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface AdminServer {
  /** Of the TCP listener. */
  readonly url: string;
  /** Takes no further request; resolves when running ones are answered, or cut after 2 s. The socket file is gone then. */
  stop(): Promise<void>;
}

const LOOPBACK = new Set(['127.0.0.1', '::1']);
/** For requests that run when the listeners stop. */
const STOP_MS = 2000;
/** Requests are small; a verification waits for a provider. */
const TIMEOUT_SECONDS = 120;
/** The runtime answers what is larger with an empty 413; ours says what the limit is. */
const BODY_MARGIN = 65_536;

/** Throws `config.invalid` for a hostname beyond loopback or a path that is no socket, `data.locked` when another process serves it. */
export async function serveAdmin(
  config: AdminListenConfig,
  app: AdminApp,
  tokens: Tokens,
  log: Log,
): Promise<AdminServer> {
  if (!LOOPBACK.has(config.hostname)) {
    throw new SallyportError('config.invalid', 'The admin listener is for loopback addresses only.', {
      fix: 'Use 127.0.0.1 or ::1.',
    });
  }
  await removeStaleSocket(config.unixPath);
  const unix = listenUnix(config.unixPath, app, log);
  try {
    const tcp = listenTcp(config, app, tokens, log);
    const host = config.hostname.includes(':') ? `[${config.hostname}]` : config.hostname;
    return {
      url: `http://${host}:${tcp.port}`,
      stop: async () => {
        await Promise.all([stopServer(unix), stopServer(tcp)]);
      },
    };
  } catch (error) {
    await unix.stop(true);
    throw new SallyportError('config.invalid', `The admin port ${config.port} cannot be opened.`, {
      detail: describe(error),
      fix: 'Choose another with --admin-port; 0 takes a free one.',
    });
  }
}

function listenUnix(path: string, app: AdminApp, log: Log): Bun.Server<undefined> {
  const options = {
    ...common(log),
    unix: path,
    fetch: (request: Request) => answer(app, log, request, () => LOCAL),
  };
  // NOTE: the runtime heeds idleTimeout on a unix socket as well; its types do not know that.
  return withUmask(0o177, () => Bun.serve(options as unknown as Bun.Serve.Options<undefined>));
}

function listenTcp(
  { hostname, port }: AdminListenConfig,
  app: AdminApp,
  tokens: Tokens,
  log: Log,
): Bun.Server<undefined> {
  return Bun.serve({
    ...common(log),
    hostname,
    port,
    // The runtime's default lets a second process listen on the same port and take part of the requests.
    reusePort: false,
    fetch: (request, server) =>
      answer(app, log, request, () => {
        refuseWebPages(request.headers);
        const address = normaliseAddress(server.requestIP(request)?.address ?? '');
        return authenticateAdmin(tokens, request.headers, address);
      }),
  });
}

function common(log: Log) {
  return {
    development: false,
    idleTimeout: TIMEOUT_SECONDS,
    maxRequestBodySize: MAX_BODY_BYTES + BODY_MARGIN,
    error: (error: Error): Response => {
      log.error('An admin request could not be answered.', { detail: describe(error) });
      return errorReply(asSallyportError(error), {});
    },
  } as const;
}

/** A client that never ends its request would keep the process from ending. */
async function stopServer(server: Bun.Server<undefined>): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), STOP_MS);
  await server.stop();
  clearTimeout(cut);
}

async function answer(
  app: AdminApp,
  log: Log,
  request: Request,
  identify: () => Principal,
): Promise<Response> {
  const requestId = `adm_${randomBase62(16)}`;
  try {
    const principal = identify();
    // The runtime hands over a raw, relative target when the Host header is unusable.
    if (!request.url.startsWith('http')) {
      throw new SallyportError('request.invalid', 'The request has no usable Host header.');
    }
    return await app.fetch(request, { principal, requestId });
  } catch (thrown) {
    const error = asSallyportError(thrown);
    log.warn(`An admin request was refused: ${error.message}`, {
      request: requestId,
      code: error.code,
      detail: error.detail,
    });
    return errorReply(error, { 'x-request-id': requestId });
  }
}

/** A socket that a dead process left refuses connections; only such a one is removed. */
async function removeStaleSocket(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isSocket()) {
    throw new SallyportError('config.invalid', `${path} is in the way: it is no socket.`, {
      fix: 'Move it away.',
    });
  }
  if (await takesConnections(path)) {
    throw new SallyportError('data.locked', `Another process serves ${path}.`, {
      fix: 'Stop the Sallyport that uses this data folder, or choose another one.',
    });
  }
  unlinkSync(path);
}

async function takesConnections(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data: () => undefined } });
    socket.end();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return false;
    throw new SallyportError('config.invalid', `It cannot be told whether ${path} is in use.`, {
      detail: describe(error),
      fix: 'Remove it when no Sallyport runs on this data folder.',
    });
  }
}

function withUmask<T>(mask: number, act: () => T): T {
  const before = process.umask(mask);
  try {
    return act();
  } finally {
    process.umask(before);
  }
}
