/** An upstream that takes a whole request and then breaks HTTP. */
import { createServer, type AddressInfo, type Socket } from 'node:net';

const ANSWERS = {
  close: '',
  'half-head': 'HTTP/1.1 200 OK\r\ncontent-ty',
  'half-body': 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id":"x",',
  'stream-head': 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
  garbage: 'this is no HTTP\r\n\r\n',
} as const;

export interface RudeUpstream extends AsyncDisposable {
  readonly url: string;
  /** Requests that came in whole. */
  requests(): number;
}

export async function startRudeUpstream(way: keyof typeof ANSWERS): Promise<RudeUpstream> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      received += piece.toString('latin1');
      if (!received.endsWith('}')) return;
      requests += 1;
      socket.end(ANSWERS[way], () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
