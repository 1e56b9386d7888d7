import { afterEach, describe, expect, test } from 'bun:test';
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenRequest } from '../access/tokens.ts';
import { silentLog } from '../core/log.ts';
import { SallyportError } from '../core/errors.ts';
import { LOCAL } from './principal.ts';
import { type AdminServer, serveAdmin } from './server.ts';
import { type AdminRig, adminRig } from './test-rig.ts';

interface Served extends AdminRig {
  readonly server: AdminServer;
  readonly socket: string;
  /** Issues a token and returns its text. */
  readonly token: (request: Partial<TokenRequest>) => Promise<string>;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Reply>;
}

interface Reply {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
  readonly requestId: string | null;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-admin-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function served(): Promise<Served> {
  const rig = await adminRig();
  const socket = join(folder(), 'admin.sock');
  const listen = { unixPath: socket, hostname: '127.0.0.1', port: 0 };
  const server = await serveAdmin(listen, rig.app, rig.deps.tokens, silentLog);
  cleanups.push(() => server.stop());
  await rig.deps.teams.add('local', 'chat');
  const token: Served['token'] = async (request) => {
    const base = {
      type: 'admin',
      team: null,
      environment: 'prod',
      scopes: ['teams:read'],
      lifetimeMs: 60_000,
    };
    const { text } = await rig.deps.tokens.issue({ principal: LOCAL.id, scopes: LOCAL.scopes }, {
      ...base,
      ...request,
    } as TokenRequest);
    return text;
  };
  const get: Served['get'] = async (path, headers = {}) =>
    readReply(await fetch(`${server.url}${path}`, { headers, keepalive: false }));
  return { ...rig, server, socket, token, get };
}

async function readReply(response: Response): Promise<Reply> {
  const text = await response.text();
  const { error } = JSON.parse(text) as { error?: { code?: string } };
  return {
    status: response.status,
    code: error?.code,
    text,
    requestId: response.headers.get('x-request-id'),
  };
}

/** The code of the error that a start ends with; undefined when it starts. */
async function refusalOf(start: Promise<AdminServer>): Promise<string | undefined> {
  try {
    const server = await start;
    cleanups.push(() => server.stop());
    return undefined;
  } catch (error) {
    if (error instanceof SallyportError) return error.code;
    throw error;
  }
}

const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` });

describe('the TCP listener', () => {
  test('takes an admin token within its scopes, and names it as the principal', async () => {
    const { get, token, server, journal } = await served();
    const text = await token({ scopes: ['teams:read', 'teams:write'] });
    expect((await get('/v1/teams', bearer(text))).status).toBe(200);
    expect((await get('/v1/keys', bearer(text))).code).toBe('admin.forbidden');
    await fetch(`${server.url}/v1/environments`, {
      method: 'POST',
      headers: { ...bearer(text), 'content-type': 'application/json' },
      body: '{"id":"preview"}',
    });
    expect(journal.at(-1)?.principal).toBe(`admin:${text.slice(8, 20)}`);
  });

  test('refuses no token, a malformed, revoked or expired one with 401, another kind with 403', async () => {
    const { get, token, deps, clock } = await served();
    const refusal = async (headers: Record<string, string>): Promise<unknown> => {
      const { status, code, requestId } = await get('/v1/teams', headers);
      expect(requestId).toMatch(/^adm_/);
      return [status, code];
    };
    const unauthorized = [401, 'admin.unauthorized'];
    expect(await refusal({})).toEqual(unauthorized);
    expect(await refusal(bearer('nonsense'))).toEqual(unauthorized);
    expect(await refusal({ authorization: `Basic ${btoa('admin:admin')}` })).toEqual(unauthorized);
    const good = await token({});
    expect(await refusal(bearer(`${good}, Bearer ${good}`))).toEqual(unauthorized);
    expect(await refusal(bearer(`${good.slice(0, -1)}_`))).toEqual(unauthorized);
    const service = await token({ type: 'service', team: 'chat', scopes: ['call:groq/*'] });
    expect(await refusal(bearer(service))).toEqual([403, 'admin.forbidden']);
    const far = await token({ cidrs: ['10.0.0.0/8'] });
    expect(await refusal(bearer(far))).toEqual([403, 'admin.forbidden']);
    const revoked = await token({});
    await deps.tokens.revoke('local', revoked.slice(8, 20), null);
    expect(await refusal(bearer(revoked))).toEqual(unauthorized);
    clock.nowMs += 60_000;
    expect(await refusal(bearer(good))).toEqual(unauthorized);
  });

  test('never repeats a credential', async () => {
    const { get, token } = await served();
    const text = await token({ type: 'service', team: 'chat', scopes: ['call:groq/*'] });
    const { text: answer } = await get('/v1/teams', bearer(text));
    expect(answer).not.toContain(text.slice(21));
  });

  test('refuses a name that is pointed at this machine, whatever the token', async () => {
    const { get, token, server } = await served();
    const headers = bearer(await token({}));
    const { port } = new URL(server.url);
    for (const host of ['evil.example', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, 'a, b']) {
      const { status, code } = await get('/v1/teams', { ...headers, host });
      expect([host, status, code]).toEqual([host, 403, 'admin.forbidden']);
    }
    for (const host of [`localhost:${port}`, `[::1]:${port}`, '127.0.0.1']) {
      expect([host, (await get('/v1/teams', { ...headers, host })).status]).toEqual([host, 200]);
    }
  });

  test('refuses what a web page sends', async () => {
    const { get, token } = await served();
    const headers = bearer(await token({}));
    for (const extra of [{ origin: 'http://127.0.0.1' }, { origin: 'null' }, { 'sec-fetch-site': 'none' }]) {
      expect((await get('/v1/teams', { ...headers, ...extra })).status).toBe(403);
    }
  });

  test('answers a body above 1 MiB with an error of its own', async () => {
    const { token, server } = await served();
    const headers = {
      ...bearer(await token({ scopes: ['teams:write'] })),
      'content-type': 'application/json',
    };
    const response = await fetch(`${server.url}/v1/teams`, {
      method: 'POST',
      headers,
      body: `{"id":"${'x'.repeat(1_048_576)}"}`,
    });
    expect(await readReply(response)).toMatchObject({ status: 413, code: 'request.too_large' });
  });
});

describe('the unix socket', () => {
  test('is for its owner only, and whoever opens it is local', async () => {
    const { socket, journal } = await served();
    expect(lstatSync(socket).mode & 0o777).toBe(0o600);
    const response = await fetch('http://localhost/v1/environments', {
      unix: socket,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"id":"preview"}',
    });
    expect(response.status).toBe(200);
    expect(journal.at(-1)).toMatchObject({ action: 'environment.add', principal: 'local' });
  });

  test('takes the place of one that a dead process left', async () => {
    const { app, deps } = await adminRig();
    const path = join(folder(), 'admin.sock');
    const script = `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); process.kill(process.pid, 'SIGKILL');`;
    await Bun.spawn([process.execPath, '-e', script]).exited;
    expect(lstatSync(path).isSocket()).toBe(true);
    const listen = { unixPath: path, hostname: '127.0.0.1', port: 0 };
    const server = await serveAdmin(listen, app, deps.tokens, silentLog);
    cleanups.push(() => server.stop());
    expect((await fetch('http://localhost/v1/teams', { unix: path })).status).toBe(200);
  });

  test('never takes the place of a living one, nor of a file', async () => {
    const { socket, app, deps } = await served();
    const listen = { unixPath: socket, hostname: '127.0.0.1', port: 0 };
    expect(await refusalOf(serveAdmin(listen, app, deps.tokens, silentLog))).toBe('data.locked');
    expect((await fetch('http://localhost/v1/teams', { unix: socket })).status).toBe(200);
    const file = join(folder(), 'admin.sock');
    writeFileSync(file, 'keep me');
    const other = serveAdmin({ ...listen, unixPath: file }, app, deps.tokens, silentLog);
    expect(await refusalOf(other)).toBe('config.invalid');
    expect(lstatSync(file).isFile()).toBe(true);
  });

  test('is gone after a stop', async () => {
    const { socket, server } = await served();
    await server.stop();
    expect(lstatSync(socket, { throwIfNoEntry: false })).toBeUndefined();
  });
});

test('listens on loopback only', async () => {
  const { app, deps } = await adminRig();
  const listen = { unixPath: join(folder(), 'admin.sock'), hostname: '0.0.0.0', port: 0 };
  expect(await refusalOf(serveAdmin(listen, app, deps.tokens, silentLog))).toBe('config.invalid');
});

test('a port that is taken leaves no socket behind', async () => {
  const { server, app, deps } = await served();
  const path = join(folder(), 'admin.sock');
  const listen = { unixPath: path, hostname: '127.0.0.1', port: Number(new URL(server.url).port) };
  expect(await refusalOf(serveAdmin(listen, app, deps.tokens, silentLog))).toBe('config.invalid');
  expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
});
