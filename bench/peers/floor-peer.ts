/** The floor as a peer. */
import { join } from 'node:path';
import { BUN, Lines, start, stop } from '../process.ts';
import { CHAT_PATH, CLIENT_HEADERS, type Peer } from './peer.ts';

export async function startFloor(upstream: string, key: string): Promise<Peer> {
  const child = start([...BUN, join(import.meta.dir, 'floor.ts'), upstream]);
  const { url } = (await new Lines(child).next()) as { url: string };
  return {
    name: 'floor',
    pid: child.pid,
    target: { url: url + CHAT_PATH, headers: { ...CLIENT_HEADERS, authorization: `Bearer ${key}` } },
    pingUrl: `${url}/healthz`,
    weight: 1,
    [Symbol.asyncDispose]: () => stop(child),
  };
}
