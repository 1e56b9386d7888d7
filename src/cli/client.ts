/**
 * The admin contract from the side of the CLI: over the unix socket of a data folder, or over `--url` with an admin token. The token comes
 * from a file or the environment, never from the argument list, which everybody on the machine can read.
 */
import { closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import {
  type CallInput,
  EXPECT_HEADER,
  REVISION_HEADER,
  ROUTES,
  type RouteName,
  type RouteReply,
} from '../admin/contract.ts';
import { METRICS_PATH } from '../admin/metrics-reply.ts';
import { checkSocketFolder, realFolder, socketOwner, socketPath } from '../admin/socket-path.ts';
import { defaultDataFolder } from '../config.ts';
import { type ErrorCode, SallyportError } from '../core/errors.ts';
import type { OptionSpecs, Values } from './command.ts';
import { GATE_OPTIONS } from './gate-options.ts';
import type { Io } from './io.ts';

/** Of every command that asks a server. */
export const SERVER_OPTIONS = {
  ...GATE_OPTIONS,
  json: { type: 'boolean', help: 'print JSON' },
} as const satisfies OptionSpecs;

export type ServerValues = Values<typeof GATE_OPTIONS>;

/** An answer, and the configuration that it is from or that it left behind. */
export interface RevisedReply<N extends RouteName> {
  readonly reply: RouteReply<N>;
  readonly revision: string;
}

interface Target {
  readonly base: string;
  /** Set for the local server. */
  readonly socket: string | undefined;
  readonly token: string | undefined;
  readonly unreachable: () => SallyportError;
}

/** A verification on the server waits for a provider. */
const TIMEOUT_MS = 150_000;
const MAX_TOKEN_FILE_BYTES = 1024;
const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

export class AdminClient {
  readonly #target: Target;

  private constructor(target: Target) {
    this.#target = target;
  }

  /** Throws `config.invalid` for options that do not fit together, and for a token file that others can read. */
  static open(values: ServerValues, io: Io): AdminClient {
    return new AdminClient(
      values.url === undefined ? localTarget(values, io) : urlTarget(values, values.url, io),
    );
  }

  /** The server's answer, checked. Throws what the server refused with, or `admin.unreachable`. */
  async call<N extends RouteName>(name: N, input: CallInput<N> = {}): Promise<RouteReply<N>> {
    return (await this.#ask(name, input)).reply;
  }

  /** As `call`; a change is refused with `conflict` unless the configuration is still at `expected`. */
  async callAt<N extends RouteName>(
    name: N,
    input: CallInput<N> = {},
    expected?: string,
  ): Promise<RevisedReply<N>> {
    const { reply, revision } = await this.#ask(name, input, expected);
    // A gateway that knows no revisions would overwrite what it should refuse.
    if (revision === null) throw notUnderstood();
    return { reply, revision };
  }

  async #ask<N extends RouteName>(
    name: N,
    input: CallInput<N>,
    expected?: string,
  ): Promise<{ readonly reply: RouteReply<N>; readonly revision: string | null }> {
    const route = ROUTES[name];
    const path = `${pathOf(name, input.params)}${queryOf(input.query)}`;
    const more = expected === undefined ? {} : { [EXPECT_HEADER]: expected };
    const response = await this.#send(route.method, path, input.body, more);
    const body = await readJson(response);
    if (!response.ok) throw refusal(response.status, body);
    const parsed = route.response.safeParse(body);
    if (!parsed.success) throw notUnderstood();
    return { reply: parsed.data as RouteReply<N>, revision: response.headers.get(REVISION_HEADER) };
  }

  /** The page for Prometheus, as it is. Throws as `call` does. */
  async metrics(): Promise<string> {
    const response = await this.#send('GET', METRICS_PATH, undefined);
    if (!response.ok) throw refusal(response.status, await readJson(response));
    return response.text();
  }

  async #send(
    method: string,
    path: string,
    body: object | undefined,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const { base, socket, token, unreachable } = this.#target;
    const headers: Record<string, string> = { accept: 'application/json', ...more };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (method !== 'GET') headers['content-type'] = 'application/json';
    try {
      return await fetch(`${base}${path}`, {
        method,
        headers,
        ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
        ...(socket === undefined ? { tls: { rejectUnauthorized: true } } : { unix: socket }),
        redirect: 'manual',
        // A reused connection would be tried again without a word when it breaks.
        keepalive: false,
        verbose: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw unreachable();
    }
  }
}

function localTarget(values: ServerValues, io: Io): Target {
  if (values['admin-token-file'] !== undefined) {
    throw contradiction('--admin-token-file is for --url; the local socket takes no token');
  }
  const data = values.data ?? defaultDataFolder(io.env);
  const real = realFolder(data);
  const socket = socketPath(real, socketOwner(io.env));
  const unreachable = (): SallyportError => {
    const other = values.data === undefined ? '' : ` --data ${data}`;
    return new SallyportError('admin.unreachable', `sallyport is not running for data folder ${data}`, {
      fix: `start it with: ./sallyport up${other}`,
    });
  };
  const stats = lstatSync(socket, { throwIfNoEntry: false });
  if (!stats) throw unreachable();
  checkSocketFolder(socket, real);
  const uid = process.getuid?.() ?? stats.uid;
  // Whoever owns the socket reads what is sent to it, provider keys included. Root could read them anyway.
  if (stats.uid !== uid && uid !== 0) {
    throw new SallyportError('config.invalid', `the socket of data folder ${data} belongs to another user`, {
      fix: 'run this as the user that Sallyport runs as',
    });
  }
  return { base: 'http://localhost', socket, token: undefined, unreachable };
}

function urlTarget(values: ServerValues, text: string, io: Io): Target {
  if (values.data !== undefined) throw contradiction('--url and --data exclude each other');
  const url = URL.parse(text);
  const plain = url?.protocol === 'http:' && LOOPBACK.has(url.hostname);
  if (!url || (url.protocol !== 'https:' && !plain) || url.origin !== text.replace(/\/$/, '')) {
    throw new SallyportError('config.invalid', '--url is not the address of an admin listener', {
      fix: 'write it like http://127.0.0.1:4142; beyond this machine only https is used',
    });
  }
  return {
    base: url.origin,
    socket: undefined,
    token: readToken(values['admin-token-file'], io),
    unreachable: () =>
      new SallyportError('admin.unreachable', `nothing answers at ${url.origin}`, {
        fix: 'check the address, and that Sallyport runs there',
      }),
  };
}

function readToken(file: string | undefined, io: Io): string {
  const text = file === undefined ? io.env['SALLYPORT_ADMIN_TOKEN'] : readTokenFile(file);
  const token = text?.trim();
  if (token !== undefined && /^sallyp_m[0-9A-Za-z_]{51}$/.test(token)) return token;
  const where = file === undefined ? 'SALLYPORT_ADMIN_TOKEN' : '--admin-token-file';
  throw new SallyportError('config.invalid', `--url needs an admin token; ${where} holds none`, {
    fix: 'issue one: sallyport token issue --type admin --scope SCOPE',
  });
}

function readTokenFile(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    throw new SallyportError('config.invalid', `${path} cannot be read`, { fix: 'name a file of your own' });
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || (stats.mode & 0o077) !== 0) {
      throw new SallyportError('config.invalid', `others on this machine can read ${path}`, {
        fix: `run: chmod 600 ${path}`,
      });
    }
    const bytes = Buffer.alloc(MAX_TOKEN_FILE_BYTES);
    return bytes.toString('utf8', 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

function pathOf(name: RouteName, params: Readonly<Record<string, string>> | undefined): string {
  return ROUTES[name].path.replaceAll(/:([a-z]+)/g, (_, param: string) =>
    encodeURIComponent(params?.[param] ?? ''),
  );
}

function queryOf(query: Readonly<Record<string, unknown>> | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (typeof value === 'string' || typeof value === 'number') search.set(name, String(value));
  }
  return search.size === 0 ? '' : `?${search.toString()}`;
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw notUnderstood();
  }
}

function refusal(status: number, body: unknown): SallyportError {
  const error = (body as { error?: { code?: unknown; message?: unknown; fix?: unknown } } | null)?.error;
  if (typeof error?.code !== 'string' || typeof error.message !== 'string') return notUnderstood();
  const code = error.code as ErrorCode;
  return new SallyportError(code, error.message, {
    detail: `status ${status}`,
    ...(typeof error.fix === 'string' ? { fix: error.fix } : {}),
  });
}

function contradiction(message: string): SallyportError {
  return new SallyportError('config.invalid', message, { fix: 'leave one of them out' });
}

function notUnderstood(): SallyportError {
  return new SallyportError('admin.unreachable', 'the answer is not one that this version understands', {
    fix: 'check that the address is that of an admin listener, and that both sides have the same version',
  });
}
