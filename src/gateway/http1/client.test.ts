import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, expect, test } from 'bun:test';
import { makeCertificate } from '../../../test/support/certificate.ts';
import { eventually } from '../../../test/support/calls.ts';
import { thrownBy } from '../../../test/support/refusal.ts';
import { Abort } from '../../core/abort.ts';
import { HttpClient, type HttpRequest } from './client.ts';
import { HttpError, type HttpReply } from './exchange.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-http1-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A server on a bare socket: every whole request is answered by `answer`. */
class Peer implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  readonly #server: Server;

  constructor(server: Server, answer: (socket: Socket, request: string) => void) {
    this.#server = server;
    const arrived = (socket: Socket): void => {
      this.connections += 1;
      this.sockets.add(socket);
      let received = '';
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('data', (piece: Buffer) => {
        received += piece.toString('latin1');
        const end = received.indexOf('\r\n\r\n') + 4;
        const length = Number(/content-length: (\d+)/.exec(received)?.[1] ?? 0);
        if (end < 4 || received.length < end + length) return;
        this.requests.push(received.slice(0, end + length));
        received = received.slice(end + length);
        answer(socket, this.requests.at(-1)!);
      });
    };
    server.on('secureConnection', arrived);
    server.on('connection', (socket: Socket) => {
      if (!('setSecureContext' in server)) arrived(socket);
    });
    server.on('tlsClientError', () => undefined);
  }

  static async start(
    answer: (socket: Socket, request: string) => void,
    server = createServer(),
  ): Promise<Peer> {
    const peer = new Peer(server, answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
let nowMs = 0;
const newClient = (): HttpClient => new HttpClient({ monotonicMs: () => nowMs });

function post(origin: string, change: Partial<HttpRequest> = {}): HttpRequest {
  return { origin, method: 'POST', path: '/x', headers: {}, body: Buffer.from('{}'), ...change };
}

async function textOf(reply: HttpReply): Promise<string> {
  const parts: Uint8Array[] = [];
  for (let part = await reply.body.read(); part !== null; part = await reply.body.read()) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

async function failure(promise: Promise<unknown>): Promise<{ code: string; sent: boolean }> {
  const error = await thrownBy(promise);
  if (!(error instanceof HttpError)) throw new Error(`no HttpError: ${String(error)}`);
  return { code: error.code, sent: error.sent };
}

test('a request goes out as it was given, with our own host and length, and nothing else', async () => {
  await using peer = await Peer.start((socket) => socket.write(OK));
  const request = post(peer.origin, {
    path: '/a?b=%20',
    headers: { 'x-a': 'b', accept: '*/*' },
    body: Buffer.from('é'),
  });
  const reply = await newClient().request(request, new Abort());
  expect({ status: reply.status, text: await textOf(reply) }).toEqual({ status: 200, text: 'ok' });
  expect(peer.requests).toEqual([
    `POST /a?b=%20 HTTP/1.1\r\nhost: 127.0.0.1:${peer.port}\r\nx-a: b\r\naccept: */*\r\ncontent-length: 2\r\n\r\n\xc3\xa9`,
  ]);
});

test('a request without a body says so where one could be expected', async () => {
  await using peer = await Peer.start((socket) => socket.write(OK));
  const client = newClient();
  await textOf(await client.request(post(peer.origin, { body: null }), new Abort()));
  await textOf(await client.request(post(peer.origin, { method: 'GET', body: null }), new Abort()));
  expect(peer.requests.map((request) => request.includes('content-length: 0'))).toEqual([true, false]);
});

test('a close takes what is idle, and a response under way comes to its end', async () => {
  await using peer = await Peer.start((socket) => socket.write(OK));
  const client = newClient();
  const reply = await client.request(post(peer.origin), new Abort());
  client.close();
  expect(await textOf(reply)).toBe('ok');
  await textOf(await client.request(post(peer.origin), new Abort()));
  client.close();
  await eventually(() => peer.sockets.size === 0);
});

test.each([
  ['a path with a line break', { path: '/x\r\nhost: evil' }],
  ['a path with a space', { path: '/x HTTP/1.1' }],
  ['a path that is none', { path: 'x' }],
  ['a line break in a value', { headers: { 'x-a': 'b\r\nx-b: c' } }],
  ['a line feed in a value', { headers: { 'x-a': 'b\nc' } }],
  ['NUL in a value', { headers: { 'x-a': 'b\0' } }],
  ['a letter beyond latin-1', { headers: { 'x-a': 'Ā' } }],
  ['a name with a colon', { headers: { 'x-a: b\r\nx': 'c' } }],
] as const)('%s sends nothing', async (_name, change) => {
  await using peer = await Peer.start((socket) => socket.write(OK));
  expect(await thrownBy(newClient().request(post(peer.origin, change), new Abort()))).toBeInstanceOf(
    TypeError,
  );
  expect(peer.connections).toBe(0);
});

test('a large body goes out whole, in the order of its bytes', async () => {
  const body = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => 97 + (index % 23)));
  await using peer = await Peer.start((socket) => socket.write(OK));
  expect(await textOf(await newClient().request(post(peer.origin, { body }), new Abort()))).toBe('ok');
  expect(peer.requests[0]!.endsWith(body.toString('latin1'))).toBe(true);
});

test('one connection serves one call after the other, and a second one only a call beside it', async () => {
  await using peer = await Peer.start((socket) => socket.write(OK));
  const client = newClient();
  for (let n = 0; n < 5; n += 1) await textOf(await client.request(post(peer.origin), new Abort()));
  expect(peer.connections).toBe(1);
  const both = [
    client.request(post(peer.origin), new Abort()),
    client.request(post(peer.origin), new Abort()),
  ];
  for (const reply of both) expect(await textOf(await reply)).toBe('ok');
  expect(peer.connections).toBe(2);
});

test('an idle connection is used for its time only, and for less when its server says so', async () => {
  const hint = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nkeep-alive: timeout=3, max=5\r\n\r\nok';
  await using peer = await Peer.start((socket, request) =>
    socket.write(request.includes('/hint') ? hint : OK),
  );
  const client = newClient();
  const ask = async (path: string): Promise<number> => {
    await textOf(await client.request(post(peer.origin, { path }), new Abort()));
    return peer.connections;
  };
  nowMs = 0;
  expect(await ask('/x')).toBe(1);
  nowMs += 3999;
  expect(await ask('/x')).toBe(1);
  nowMs += 4000;
  expect(await ask('/hint')).toBe(2);
  nowMs += 2000;
  expect(await ask('/x')).toBe(3);
});

test('a connection that its server closes while idle is not used again', async () => {
  await using peer = await Peer.start((socket) => socket.write(OK));
  const client = newClient();
  await textOf(await client.request(post(peer.origin), new Abort()));
  for (const socket of peer.sockets) socket.end();
  await eventually(() => peer.sockets.size === 0);
  expect(await textOf(await client.request(post(peer.origin), new Abort()))).toBe('ok');
  expect(peer.requests).toHaveLength(2);
});

test.each([
  ['closes without an answer', '', { code: 'ECONNRESET', sent: true }],
  ['closes in its answer', 'HTTP/1.1 200', { code: 'ECONNRESET', sent: true }],
  ['speaks no HTTP', 'hello\r\n\r\n', { code: 'HTTP_PROTOCOL', sent: true }],
] as const)('a server that %s gets the request once', async (_name, text, expected) => {
  await using peer = await Peer.start((socket) => socket.end(text));
  const client = newClient();
  expect(await failure(client.request(post(peer.origin), new Abort()))).toEqual(expected);
  await eventually(() => peer.sockets.size === 0);
  expect(peer.requests).toHaveLength(1);
});

test('on a connection that breaks under a second request that request is not sent again', async () => {
  let answered = 0;
  await using peer = await Peer.start((socket) => {
    answered += 1;
    if (answered === 1) socket.write(OK);
    else socket.resetAndDestroy();
  });
  const client = newClient();
  await textOf(await client.request(post(peer.origin), new Abort()));
  expect(await failure(client.request(post(peer.origin), new Abort()))).toMatchObject({ sent: true });
  expect(peer.requests).toHaveLength(2);
});

test('where nobody listens nothing was sent', async () => {
  const peer = await Peer.start(() => undefined);
  const { origin } = peer;
  await peer[Symbol.asyncDispose]();
  expect(await failure(newClient().request(post(origin), new Abort()))).toEqual({
    code: 'ECONNREFUSED',
    sent: false,
  });
  expect(await failure(newClient().request(post('http://nowhere.invalid'), new Abort()))).toMatchObject({
    sent: false,
  });
});

test('a certificate that is not trusted, or of another name, is not sent a byte of a request', async () => {
  const made = makeCertificate(folder, 'untrusted', 'localhost');
  const server = createTlsServer({ key: made.keyPem, cert: made.pem });
  await using peer = await Peer.start((socket) => socket.write(OK), server);
  for (const host of ['localhost', '127.0.0.1']) {
    const seen = await failure(newClient().request(post(`https://${host}:${peer.port}`), new Abort()));
    expect(seen).toEqual({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT', sent: false });
  }
  // No TLS at all behind https.
  const plain = createServer((socket) =>
    socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const { port } = plain.address() as AddressInfo;
  expect(await failure(newClient().request(post(`https://127.0.0.1:${port}`), new Abort()))).toMatchObject({
    sent: false,
  });
  plain.close();
  expect(peer.requests).toEqual([]);
});

test('a certificate that the operator trusts serves its own names, and no others', async () => {
  const made = makeCertificate(folder, 'trusted', 'localhost');
  const server = createTlsServer({ key: made.keyPem, cert: made.pem });
  await using peer = await Peer.start((socket) => socket.write(OK), server);
  // The runtime reads the variable at its start.
  const program = `
    import { HttpClient } from ${JSON.stringify(join(import.meta.dir, 'client.ts'))};
    import { Abort } from ${JSON.stringify(join(import.meta.dir, '../../core/abort.ts'))};
    const client = new HttpClient({ monotonicMs: () => performance.now() });
    for (const host of ['localhost', '127.0.0.1', '127.0.0.2']) {
      const request = { origin: 'https://' + host + ':${peer.port}', method: 'POST', path: '/' + host, headers: {}, body: null };
      try {
        const reply = await client.request(request, new Abort());
        console.log(host, reply.status, Buffer.from(await reply.body.read()).toString());
      } catch (error) {
        console.log(host, error.code, error.sent);
      }
    }
    process.exit(0);`;
  const child = Bun.spawn([process.execPath, '-e', program], {
    env: { NODE_EXTRA_CA_CERTS: made.certFile },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines = (await new Response(child.stdout).text()).trim().split('\n');
  // 127.0.0.2 is this machine as well on Linux: the certificate does not name it.
  expect(lines.slice(0, 2)).toEqual(['localhost 200 ok', '127.0.0.1 200 ok']);
  expect(lines[2]).toMatch(
    /^127\.0\.0\.2 (?:ERR_TLS_CERT_ALTNAME_INVALID|ECONNREFUSED|EADDRNOTAVAIL) false$/,
  );
  expect(peer.requests.map((request) => request.split(' ')[1])).toEqual(['/localhost', '/127.0.0.1']);
  expect(readFileSync(made.certFile, 'utf8')).toBe(made.pem);
});

test('an abort ends a request at each of its stages, with its own reason, and closes the connection', async () => {
  let stage = '';
  await using peer = await Peer.start((socket) => {
    if (stage === 'body') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok');
  });
  const client = newClient();
  const why = new Error('enough');
  for (stage of ['before', 'connecting', 'waiting', 'body']) {
    const abort = new Abort();
    if (stage === 'before') abort.abort(why);
    const asked = client.request(post(peer.origin, { path: `/${stage}` }), abort);
    if (stage === 'connecting') abort.abort(why);
    if (stage === 'waiting') {
      const handled = thrownBy(asked);
      await eventually(() => peer.requests.some((request) => request.includes('/waiting')));
      abort.abort(why);
      expect(await handled).toBe(why);
    } else if (stage === 'body') {
      const { body } = await asked;
      expect(Buffer.from((await body.read())!).toString()).toBe('ok');
      const handled = thrownBy(body.read());
      abort.abort(why);
      expect(await handled).toBe(why);
    } else {
      expect(await thrownBy(asked)).toBe(why);
    }
  }
  expect(peer.requests.map((request) => request.split(' ')[1])).toEqual(['/waiting', '/body']);
  client.close();
  await eventually(() => peer.sockets.size === 0);
});

test('a body that nobody reads stops its server, and comes whole when it is read', async () => {
  const total = 20 * 1024 * 1024;
  let written = 0;
  await using peer = await Peer.start((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
    const piece = Buffer.alloc(64 * 1024, 'x');
    const more = (): void => {
      while (written < total) {
        written += piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', more);
          return;
        }
      }
    };
    more();
  });
  const reply = await newClient().request(post(peer.origin), new Abort());
  let last = -1;
  await eventually(async () => {
    const stopped = written === last;
    last = written;
    await Bun.sleep(50);
    return stopped;
  });
  expect(written).toBeLessThan(total);
  let read = 0;
  for (let part = await reply.body.read(); part !== null; part = await reply.body.read()) read += part.length;
  expect(read).toBe(total);
});

test('what came before a break is handed out before the break', async () => {
  await using peer = await Peer.start((socket) => {
    socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n');
  });
  const reply = await newClient().request(post(peer.origin), new Abort());
  await eventually(() => peer.sockets.size === 0);
  expect(Buffer.from((await reply.body.read())!).toString()).toBe('ok');
  expect(await failure(reply.body.read())).toEqual({ code: 'ECONNRESET', sent: true });
});

test('a response that is given up closes its connection', async () => {
  await using peer = await Peer.start((socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok'),
  );
  const reply = await newClient().request(post(peer.origin), new Abort());
  reply.body.cancel();
  await eventually(() => peer.sockets.size === 0);
  expect(await failure(reply.body.read())).toMatchObject({ code: 'ABORTED' });
});

test('an answer that comes before the whole request was taken is read, and the connection not used again', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig');
    });
  });
  let connections = 0;
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = newClient();
  for (let n = 1; n <= 2; n += 1) {
    const reply = await client.request(post(origin, { body: Buffer.alloc(30_000_000) }), new Abort());
    expect([reply.status, await textOf(reply), connections]).toEqual([413, 'big', n]);
  }
  server.close();
});

test('a body is out of memory once its answer has begun, and neither the open exchange nor the idle connection keeps it', async () => {
  await using peer = await Peer.start((socket) =>
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n'),
  );
  const client = newClient();
  const bodies: WeakRef<Buffer>[] = [];
  const begin = async (): Promise<HttpReply> => {
    const body = Buffer.alloc(100_000, 'a');
    bodies.push(new WeakRef(body));
    return client.request(post(peer.origin, { body }), new Abort());
  };
  const replies = await Promise.all(Array.from({ length: 20 }, begin));
  const kept = (): number => {
    Bun.gc(true);
    return bodies.filter((body) => body.deref() !== undefined).length;
  };
  // A collector that looks at the stack may take some number there for one of them.
  await eventually(() => kept() <= 2);
  for (const reply of replies) await reply.body.read();
  for (const socket of peer.sockets) socket.write('0\r\n\r\n');
  for (const reply of replies) expect(await reply.body.read()).toBeNull();
  expect(kept()).toBeLessThanOrEqual(2);
  client.close();
});
