/** A scripted upstream that keeps what it received, byte for byte: for what the fake provider cannot say or show. */

export interface Captured {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface Capture extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly Captured[];
}

/** Answers every request with what `answer` returns. The caller must dispose it. */
export function startCapture(answer: (request: Captured) => Response | Promise<Response>): Capture {
  const requests: Captured[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    fetch: async (request) => {
      const captured = {
        method: request.method,
        path: new URL(request.url).pathname,
        headers: request.headers,
        body: Buffer.from(await request.arrayBuffer()),
      };
      requests.push(captured);
      return await answer(captured);
    },
    error: () => new Response('capture fault', { status: 500 }),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
