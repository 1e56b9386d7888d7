import { expect, test } from 'bun:test';
import { HOLD, openCall, type OpenCallRig } from '../../test/support/open-calls.ts';
import { rejectionOf, thrownBy } from '../../test/support/refusal.ts';
import type { CallProgress } from '../audit/entry.ts';
import { SallyportError } from '../core/errors.ts';
import { Relay } from './relay.ts';
import { StreamMeter } from './stream-meter.ts';

const line = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;
const text = (content: string): string => line({ choices: [{ index: 0, delta: { content } }] });
const USAGE = line({ choices: [], usage: { prompt_tokens: 50, completion_tokens: 20 } });
const DONE = 'data: [DONE]\n\n';
/** Tokens that may be on their way when a stream is given up. */
const IN_FLIGHT = 100;

/** A provider whose chunks come when the test says so. */
class Provider {
  readonly #chunks: (string | Error | null)[] = [];
  #waiting: { resolve: (chunk: string | Error | null) => void } | undefined;
  /** How often we have asked it for more. */
  reads = 0;

  /** A chunk, an error, or null for the end. */
  send(...chunks: (string | Error | null)[]): this {
    for (const chunk of chunks) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting) waiting.resolve(chunk);
      else this.#chunks.push(chunk);
    }
    return this;
  }

  /** Settled at once for what is there, as the runtime's. */
  read(): Promise<Uint8Array | null> {
    this.reads += 1;
    const ready = this.#chunks.shift();
    if (ready !== undefined) return asRead(ready);
    return new Promise((resolve) => {
      this.#waiting = { resolve: (chunk) => resolve(asRead(chunk)) };
    });
  }
}

function asRead(chunk: string | Error | null): Promise<Uint8Array | null> {
  if (chunk instanceof Error) return Promise.reject(chunk);
  return Promise.resolve(chunk === null ? null : new TextEncoder().encode(chunk));
}

interface Rig extends OpenCallRig {
  readonly provider: Provider;
  readonly relay: Relay;
  readonly progress: CallProgress[];
}

function rig(options: { readonly dropUsageChunk?: boolean } = {}): Rig {
  const open = openCall();
  const provider = new Provider();
  const progress: CallProgress[] = [];
  const relay = new Relay(
    {
      monotonicMs: () => open.clock.monotonicMs(),
      record: (entry) => progress.push(entry),
    },
    open.call,
    new StreamMeter({ dropUsageChunk: options.dropUsageChunk ?? false }),
    provider,
  );
  // As the network does: an abort breaks the read that waits.
  open.call.abort.onAbort(() => provider.send(new Error('aborted')));
  return Object.assign(open, { provider, relay, progress });
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

async function drain(reader: Reader): Promise<string> {
  let all = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return all;
    all += new TextDecoder().decode(value);
  }
}

test('what the provider sends arrives, and the call ends with the usage it stated', async () => {
  const it = rig();
  it.provider.send(text('a'), text('b'), USAGE, DONE).send(null);
  // The rig hands out what is there before it waits, so the end comes last.
  const reader = it.relay.body(await it.relay.next()).getReader();
  expect(await drain(reader)).toBe(text('a') + text('b') + USAGE + DONE);
  expect(it.ends).toMatchObject([
    { result: 'success', basis: 'usage', promptTokens: 50, completionTokens: 20 },
  ]);
  expect(it.unwound).toBe(1);
});

test('nothing is read before the client asks for it, and not a chunk ahead', async () => {
  const it = rig();
  it.provider.send(text('a'), text('b'), text('c'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await Bun.sleep(1);
  expect(it.provider.reads).toBe(1);
  await reader.read();
  await Bun.sleep(1);
  expect(it.provider.reads).toBe(1);
  expect(it.call.phase).toBe('client');
  await reader.read();
  expect(it.provider.reads).toBe(2);
});

test('while the provider thinks the call waits for it, while a chunk lies unread for the client', async () => {
  const it = rig();
  it.provider.send(text('a'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  const second = reader.read();
  await Bun.sleep(1);
  expect(it.call.phase).toBe('provider');
  it.provider.send(text('b'));
  await second;
  expect(it.call.phase).toBe('client');
});

test('a usage chunk that the caller did not ask for is read and not passed on', async () => {
  const it = rig({ dropUsageChunk: true });
  it.provider.send(text('a'), USAGE.slice(0, 30), USAGE.slice(30) + DONE.slice(0, 5), DONE.slice(5), null);
  const reader = it.relay.body(await it.relay.next()).getReader();
  expect(await drain(reader)).toBe(text('a') + DONE);
  expect(it.ends).toMatchObject([{ basis: 'usage', completionTokens: 20 }]);
});

test('a last line without its line feed is passed on before the end', async () => {
  const it = rig({ dropUsageChunk: true });
  it.provider.send(text('a'), 'data: [DONE]', null);
  const reader = it.relay.body(await it.relay.next()).getReader();
  expect(await drain(reader)).toBe(`${text('a')}data: [DONE]`);
  expect(it.ends).toHaveLength(1);
});

test('a stream that ends before its first byte is an empty answer, charged for its prompt', async () => {
  const it = rig();
  it.provider.send(null);
  const reader = it.relay.body(await it.relay.next()).getReader();
  expect(await drain(reader)).toBe('');
  expect(it.ends).toMatchObject([{ basis: 'delivered', completionTokens: 0, promptTokens: 100 }]);
});

test('a provider that breaks before the first byte can still be answered with an error', async () => {
  const it = rig();
  it.provider.send(new Error('ECONNRESET'));
  expect(await rejectionOf(it.relay.next())).toMatchObject({ code: 'upstream.bad_reply', retryable: true });
  expect(it.ends).toMatchObject([{ errorCode: 'upstream.bad_reply', basis: 'delivered' }]);
});

test('a provider that breaks off in the middle breaks the answer too: no clean end, charged for what passed', async () => {
  const it = rig();
  it.provider.send(text('a'), text('b'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  await reader.read();
  const third = reader.read();
  it.provider.send(new Error('ECONNRESET'));
  expect(await rejectionOf(third)).toMatchObject({ code: 'upstream.bad_reply' });
  expect(it.ends).toMatchObject([
    { errorCode: 'upstream.bad_reply', basis: 'delivered', completionTokens: 2 + IN_FLIGHT },
  ]);
  expect(it.unwound).toBe(1);
});

test('a client that leaves stops the provider and is charged for what was delivered, once', async () => {
  const it = rig();
  it.provider.send(text('a'), text('b'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  const pending = reader.read();
  await pending;
  await reader.cancel();
  expect(it.call.abort.aborted).toBe(true);
  expect(it.ends).toMatchObject([
    { errorCode: 'client.aborted', basis: 'delivered', completionTokens: 2 + IN_FLIGHT },
  ]);
  await Bun.sleep(1);
  expect([it.ends.length, it.settled.length, it.unwound]).toEqual([1, 1, 1]);
});

test('a client that leaves while the provider is being read is charged once as well', async () => {
  const it = rig();
  it.provider.send(text('a'));
  const body = it.relay.body(await it.relay.next());
  const reader = body.getReader();
  await reader.read();
  const pending = thrownBy(reader.read());
  await Bun.sleep(1);
  await reader.cancel();
  await pending;
  await Bun.sleep(1);
  expect(it.ends).toMatchObject([{ errorCode: 'client.aborted', completionTokens: 1 + IN_FLIGHT }]);
  expect(it.settled).toHaveLength(1);
});

test('a client that closes right behind the usage chunk has not aborted', async () => {
  const it = rig();
  it.provider.send(text('a'), USAGE);
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  await reader.read();
  await reader.cancel();
  expect(it.ends).toMatchObject([{ result: 'success', basis: 'usage' }]);
});

const revoked = new SallyportError('token.invalid', 'The access token was revoked.');

test('an abort ends the call at once, though the client reads nothing and nothing is being read', async () => {
  const it = rig();
  it.provider.send(text('a'));
  const body = it.relay.body(await it.relay.next());
  const reader = body.getReader();
  await reader.read();
  it.call.abort.abort(revoked);
  expect(it.ends).toMatchObject([
    { errorCode: 'token.invalid', basis: 'delivered', completionTokens: 1 + IN_FLIGHT },
  ]);
  expect(it.unwound).toBe(1);
  // And the client sees a broken answer as soon as it looks again.
  expect(await rejectionOf(reader.read())).toBe(revoked);
});

test('an abort before the answer began ends the call too', async () => {
  const it = rig();
  it.provider.send(text('a'));
  const first = await it.relay.next();
  it.call.abort.abort(revoked);
  const reader = it.relay.body(first).getReader();
  expect(await rejectionOf(drain(reader))).toBe(revoked);
  expect(it.ends).toMatchObject([{ errorCode: 'token.invalid' }]);
});

test('a chunk that comes at the very moment of an abort is not passed on, and breaks nothing', async () => {
  const it = rig();
  it.provider.send(text('a'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  const pending = thrownBy(reader.read());
  await Bun.sleep(1);
  it.provider.send(text('late'));
  it.call.abort.abort(revoked);
  expect(await pending).toBe(revoked);
  await Bun.sleep(1);
  expect(it.ends).toMatchObject([{ errorCode: 'token.invalid' }]);
  expect(it.ends).toHaveLength(1);
});

const late = new SallyportError('upstream.timeout', 'waited');

test('of a client that leaves a chunk unread for too long, what was sent already is read and charged by its usage, and both sides are cut', async () => {
  const it = rig();
  it.provider.send(text('a'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  expect(it.call.phase).toBe('client');
  it.clock.pass(120_000);
  it.provider.send(text('b'), text('c'), USAGE, DONE);
  it.call.onStall?.(late);
  expect(await rejectionOf(drain(reader))).toBe(late);
  expect(it.ends).toMatchObject([{ errorCode: 'client.stalled', basis: 'usage', completionTokens: 20 }]);
  expect(it.call.abort.reason).toBe(late);
  expect([it.settled.length, it.unwound]).toEqual([1, 1]);
});

test('a client that wakes up while its stream is read on gets nothing out of order, and leaving then changes nothing', async () => {
  const it = rig();
  it.provider.send(text('a'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  it.call.onStall?.(late);
  const woken = thrownBy(reader.read());
  it.provider.send(text('b'));
  await Bun.sleep(1);
  await reader.cancel();
  await woken;
  expect(it.ends).toMatchObject([{ errorCode: 'client.aborted', completionTokens: 2 + IN_FLIGHT }]);
  await Bun.sleep(1);
  expect([it.ends.length, it.settled.length, it.unwound]).toEqual([1, 1, 1]);
});

test('what a provider can have made while its client did not read is charged, until it is known to be read', async () => {
  const it = rig();
  it.provider.send(text('a'), text('b'));
  const reader = it.relay.body(await it.relay.next()).getReader();
  await reader.read();
  it.clock.pass(500);
  const ready = it.call.unseenTokens(1);
  await reader.read();
  // Read at once, so that there may be more behind it.
  expect([ready, it.call.unseenTokens(2)]).toEqual([1000 + IN_FLIGHT, 1000 + IN_FLIGHT]);
  const third = reader.read();
  await Bun.sleep(1);
  it.provider.send(text('c'));
  await third;
  expect(it.call.unseenTokens(3)).toBe(IN_FLIGHT);
});

test('a client that leaves while its first chunk waits for the disk is charged by what came', async () => {
  const it = rig();
  it.provider.send(text('a').repeat(400));
  await it.relay.next();
  it.relay.clientGone();
  expect(it.ends).toMatchObject([{ errorCode: 'client.aborted', completionTokens: 400 + IN_FLIGHT }]);
});

test('a stream that says itself that it failed is an error, charged by the usage it states', async () => {
  const it = rig();
  it.provider.send(
    text('a'),
    line({
      object: 'chat.completion.chunk',
      choices: [],
      x_groq: { error: 'x', usage: { prompt_tokens: 9, completion_tokens: 1 } },
    }),
    null,
  );
  await drain(it.relay.body(await it.relay.next()).getReader());
  expect(it.ends).toMatchObject([
    { result: 'error', errorCode: 'upstream.stream_error', basis: 'usage', promptTokens: 9 },
  ]);
});

test('a stream whose lines cannot be read costs the whole hold', async () => {
  const it = rig();
  it.provider.send(`data: ${'x'.repeat(2_000_000)}`, '\n\n', null);
  await drain(it.relay.body(await it.relay.next()).getReader());
  expect(it.ends).toMatchObject([{ basis: 'hold', costPicoUsd: HOLD.toString() }]);
});

test('progress is on record every 64 KB, before the bytes it stands for leave', async () => {
  const it = rig();
  const chunk = text('word').repeat(100);
  let passed = 0;
  for (let n = 0; n < 60; n += 1) {
    it.provider.send(chunk);
    const bytes = await it.relay.next();
    passed += bytes?.length ?? 0;
    expect(it.progress).toHaveLength(Math.floor(passed / (Math.ceil(65_536 / chunk.length) * chunk.length)));
  }
  expect(it.progress.length).toBeGreaterThan(2);
  const bounds = it.progress.map(({ boundPicoUsd }) => BigInt(boundPicoUsd));
  expect(bounds).toEqual(bounds.toSorted((a, b) => Number(a - b)));
});

test('the bound on record holds until the next one: a crash in between never charges less than was delivered', async () => {
  const it = rig();
  const chunk = text('word').repeat(50);
  for (let n = 0; n < 100; n += 1) {
    it.provider.send(chunk);
    await it.relay.next();
    const last = it.progress.at(-1);
    if (last) expect(BigInt(last.boundPicoUsd)).toBeGreaterThanOrEqual(it.call.deliveredCost((n + 1) * 50));
  }
  expect(it.progress.length).toBeGreaterThan(1);
});

test('a slow stream has progress on record every five seconds, an idle or ended one has none', async () => {
  const it = rig();
  it.clock.pass(60_000);
  it.relay.tick();
  expect(it.progress).toEqual([]);
  it.provider.send(text('a'));
  await it.relay.next();
  it.relay.tick();
  expect(it.progress).toHaveLength(1);
  it.clock.pass(60_000);
  it.relay.tick();
  expect(it.progress).toHaveLength(1);
  it.provider.send(text('b'));
  await it.relay.next();
  it.clock.pass(4999);
  it.relay.tick();
  it.relay.clientGone();
  it.clock.pass(5000);
  it.relay.tick();
  expect(it.progress.length).toBeLessThanOrEqual(2);
  expect(it.progress[0]).toMatchObject({ action: 'call.progress', id: 'req_1' });
});
