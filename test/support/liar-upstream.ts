/** An upstream on a bare socket that takes whole requests and answers each with exactly the bytes that it was told to. */
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface Lie {
  /** Written one after the other, `gapMs` apart. */
  readonly pieces: readonly (string | Buffer)[];
  readonly gapMs?: number;
  /** What becomes of the connection: kept (default), closed in order, or reset. */
  readonly ending?: 'keep' | 'close' | 'reset';
}

export interface LiarUpstream extends AsyncDisposable {
  readonly url: string;
  /** What every request is answered with from now on. */
  lie: Lie;
  /** Requests that came in whole. */
  readonly requests: number;
  /** Connections that are open. */
  readonly open: number;
}

export async function startLiarUpstream(): Promise<LiarUpstream> {
  const sockets = new Set<Socket>();
  let requests = 0;
  let lie: Lie = { pieces: [] };
  const answer = async (socket: Socket): Promise<void> => {
    const { pieces, gapMs = 0, ending = 'keep' } = lie;
    for (const piece of pieces) {
      if (socket.destroyed) return;
      socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
      if (gapMs > 0) await Bun.sleep(gapMs);
    }
    if (ending === 'close') socket.end();
    if (ending === 'reset') {
      // What was written has to leave first.
      await Bun.sleep(20);
      socket.resetAndDestroy();
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (piece: Buffer) => {
      received += piece.toString('latin1');
      for (let size = requestBytes(received); size > 0; size = requestBytes(received)) {
        received = received.slice(size);
        requests += 1;
        void answer(socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lie() {
      return lie;
    },
    set lie(next: Lie) {
      lie = next;
    },
    get requests() {
      return requests;
    },
    get open() {
      return sockets.size;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bytes of the first whole request, 0 when there is none yet. */
function requestBytes(received: string): number {
  const head = received.indexOf('\r\n\r\n') + 4;
  if (head < 4) return 0;
  const length = Number(/^content-length: *(\d+)\r$/im.exec(received.slice(0, head))?.[1] ?? 0);
  return received.length >= head + length ? head + length : 0;
}
