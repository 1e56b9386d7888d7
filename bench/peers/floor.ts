/**
 * The floor: the least that a gateway on this runtime can do. The same listener and client options as ours, the body read, the answer
 * passed on, a stream pulled chunk by chunk; no token, no decision, no money, no record. Runs as a process: `bun floor.ts <upstream>`.
 */

const [, , upstream = ''] = process.argv;
const IDLE_SECONDS = 30;
const MAX_BODY_BYTES = 11 * 1024 * 1024;

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  idleTimeout: IDLE_SECONDS,
  maxRequestBodySize: MAX_BODY_BYTES,
  fetch: async (request, self) => {
    const path = request.url.slice(request.url.indexOf('/', 8));
    if (path === '/healthz') return new Response('{"ok":true}');
    const body = await request.arrayBuffer();
    self.timeout(request, 0);
    const reply = await fetch(upstream + path, {
      method: 'POST',
      headers: {
        authorization: request.headers.get('authorization') ?? '',
        accept: '*/*',
        'accept-encoding': 'identity',
        'content-type': 'application/json',
      },
      body,
      signal: request.signal,
      redirect: 'manual',
      keepalive: true,
      tls: { rejectUnauthorized: true },
      verbose: false,
    });
    const type = reply.headers.get('content-type') ?? '';
    const headers = { 'content-type': type };
    if (type.startsWith('text/event-stream') && reply.body) {
      return new Response(relay(reply.body.getReader()), { status: reply.status, headers });
    }
    return new Response(await reply.arrayBuffer(), { status: reply.status, headers });
  },
  error: () => new Response('{}', { status: 502 }),
});

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array<ArrayBuffer> | undefined }>;
  cancel(): Promise<void>;
}

function relay(reader: Reader): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done || value === undefined) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  );
}

process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.port}` })}\n`);
