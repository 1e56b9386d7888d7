/** Clients that open a stream and stop reading, while their provider sends as fast as it can. */
import { expect, test } from 'bun:test';
import { eventually, journaledCalls } from '../support/calls.ts';
import type { OpenGate } from '../support/harness.ts';
import { liveCalls } from '../support/hostile.ts';
import { openOwnProcess } from '../support/own-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { addKey, chatJson, issueToken } from '../support/setup.ts';

const READERS = 200;
const MB = 1024 * 1024;
/** What one of them may cost: a few socket reads on either side. What it is sent would be a hundred times as much. */
const MB_EACH = 3;

/** A provider of endless streams, in large events, so that the flood costs little to make. */
function startFlood(): { readonly origin: string; sentBytes(): number; stop(): Promise<void> } {
  const content = 'x'.repeat(60_000);
  const event = Buffer.from(
    `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${content}"}}]}\n\n`,
  );
  let sent = 0;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    idleTimeout: 0,
    fetch: async (request) => {
      await request.arrayBuffer();
      const body = new ReadableStream<Uint8Array>(
        {
          pull: async (controller) => {
            await new Promise((resolve) => setImmediate(resolve));
            sent += event.length;
            controller.enqueue(event);
          },
        },
        { highWaterMark: 0 },
      );
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    },
  });
  return {
    origin: `http://127.0.0.1:${server.port}`,
    sentBytes: () => sent,
    stop: () => server.stop(true),
  };
}

test('200 clients that stop reading cost bounded memory, and are cut after the stall limit', async () => {
  const flood = startFlood();
  let token = '';
  await using own = await openOwnProcess({
    variables: { SALLYPORT_STALL_SECONDS: '2' },
    prepare: async (gate: OpenGate) => {
      await addKey(gate, { name: 'flood', provider: 'openai', origin: flood.origin });
      token = (await issueToken(gate, { scopes: ['call:openai/*'] })).text;
    },
  });
  const { gate, child, rss } = own;
  const before = rss();
  const body = chatJson({ model: 'gpt-4o-mini', stream: true, max_completion_tokens: 16_000 });
  const clients = Array.from({ length: READERS }, () => new RawClient(child.gateway));
  try {
    for (const client of clients) {
      client.send({ headers: { authorization: `Bearer ${token}` }, body });
      client.socket.once('data', () => client.socket.pause());
    }
    let most = 0;
    const look = (): void => {
      most = Math.max(most, rss());
    };
    await eventually(async () => {
      look();
      return (await liveCalls(gate.data)) === READERS;
    }, 20_000);
    await eventually(async () => {
      look();
      return (await liveCalls(gate.data)) === 0;
    }, 60_000);
    expect(flood.sentBytes()).toBeGreaterThan(READERS * 3 * MB);
    expect(most - before).toBeLessThan(READERS * MB_EACH * MB);
  } finally {
    for (const client of clients) client.socket.destroy();
    await flood.stop();
  }
  await own.end();
  const calls = [...journaledCalls(gate).values()];
  expect(calls).toHaveLength(READERS);
  expect(new Set(calls.map(({ ends }) => ends[0]?.errorCode))).toEqual(new Set(['client.stalled']));
}, 90_000);
