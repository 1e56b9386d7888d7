/**
 * Turns a reply into bytes on the socket at the pace and with the faults that the knobs ask for.
 *
 * Streams are pulled one write at a time and wait for a turn of the event loop in between; without that the
 * runtime buffers the whole body and sends it with a Content-Length, which no provider does.
 */
import { constants, createGzip } from 'node:zlib';
import type { ChatEvent } from './bodies.ts';
import type { Knobs } from './knobs.ts';
import type { Meter } from './meter.ts';

/** With `coalesce: 0`, how many events go out before other work gets a turn. */
const EVENTS_PER_TURN = 64;
const encoder = new TextEncoder();

type Bytes = AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;
type Writes = Generator<Uint8Array<ArrayBuffer>, void, undefined>;

/** The failure that cuts a body off. It never leaves the process. */
class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
}

/** What the pace of one reply depends on. */
export interface Pace {
  /** Those in force when the call arrived. */
  readonly knobs: Knobs;
  /** Fires when the client leaves. */
  readonly gone: AbortSignal;
  /** Resolves when streams that are held are let go. */
  readonly released: Promise<void>;
}

/** The body of a streamed reply. The client's disconnect settles the meter, also during silence. */
export function eventStream(
  events: Iterable<ChatEvent>,
  meter: Meter,
  pace: Pace,
  gzip: boolean,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { knobs } = pace;
  const onCancel = (): void => meter.abort();
  const timed = knobs.tokensPerSecond > 0 || knobs.stall !== null || knobs.holdAfterChunks !== null;
  const broken = knobs.resetAfterChunks !== null || knobs.sseErrorAfterChunks !== null;
  if (!timed && !broken && !gzip && knobs.chunkSplit === 0)
    return pulled(promptBytes(events, meter, knobs), onCancel, knobs.coalesce);
  const bytes = eventBytes(events, meter, pace);
  return pulled(split(gzip ? compressed(bytes) : bytes, knobs.chunkSplit), onCancel, knobs.coalesce);
}

/** The body of a plain reply in pieces, when a knob stalls, breaks or cuts it. */
export function piecemeal(
  body: Uint8Array<ArrayBuffer>,
  knobs: Knobs,
  gone: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  async function* halves(): Bytes {
    if (knobs.resetAfterChunks === 0) throw new BrokenBody();
    const middle = Math.ceil(body.length / 2);
    yield body.subarray(0, middle);
    if (knobs.stall !== null) await sleep(knobs.stall.ms, gone);
    if (knobs.resetAfterChunks !== null) throw new BrokenBody();
    yield body.subarray(middle);
  }
  return pulled(split(halves(), knobs.chunkSplit), () => undefined, 1);
}

/** Waits, or returns early when the client leaves. */
export function sleep(ms: number, gone: AbortSignal): Promise<void> {
  if (ms <= 0 || gone.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      gone.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    gone.addEventListener('abort', wake);
  });
}

/** Waits until it is released, or returns early when the client leaves. */
function either(released: Promise<void>, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    gone.addEventListener('abort', () => resolve(), { once: true });
    void released.then(resolve);
  });
}

/** Events of a healthy, unpaced stream: nothing to wait for, so nothing asynchronous (benchmarks use this). */
function* promptBytes(events: Iterable<ChatEvent>, meter: Meter, knobs: Knobs): Writes {
  const frame = framing(knobs);
  const group = Math.max(1, knobs.coalesce);
  let held = '';
  let count = 0;
  for (const event of events) {
    account(event, meter);
    held += frame(event.data);
    count += 1;
    if (count < group) continue;
    yield encoder.encode(held);
    held = '';
    count = 0;
  }
  if (!knobs.omitDone) held += frame('[DONE]');
  if (held !== '') yield encoder.encode(held);
}

async function* eventBytes(events: Iterable<ChatEvent>, meter: Meter, pace: Pace): Bytes {
  const { knobs, gone } = pace;
  const frame = framing(knobs);
  const group = Math.max(1, knobs.coalesce);
  // What was made before the first event took its time before it.
  const startMs = performance.now() - (meter.generated * 1000) / (knobs.tokensPerSecond || Infinity);
  let held = '';
  let count = 0;

  if (faultDue(0, knobs) && (yield* faults(0, meter, pace, frame))) return;
  for (const event of events) {
    const token = event.kind === 'token';
    if (token && knobs.tokensPerSecond > 0) {
      const dueMs = startMs + (meter.generated * 1000) / knobs.tokensPerSecond;
      await sleep(dueMs - performance.now(), gone);
    }
    if (gone.aborted) return;
    account(event, meter);
    held += frame(event.data);
    count += 1;
    const due = token && faultDue(meter.generated, knobs);
    if (count < group && !due) continue;
    yield encoder.encode(held);
    held = '';
    count = 0;
    if (due && (yield* faults(meter.generated, meter, pace, frame))) return;
  }
  if (!knobs.omitDone) held += frame('[DONE]');
  if (held !== '') yield encoder.encode(held);
}

/** Tells the meter what is about to be sent. */
function account(event: ChatEvent, meter: Meter): void {
  if (event.kind === 'token') meter.generate(meter.generated + 1);
  else if (event.kind === 'finish') meter.finish();
  else if (event.kind === 'fail') meter.fail();
}

function framing(knobs: Knobs): (data: string) => string {
  const eol = knobs.crlf ? '\r\n' : '\n';
  const head = knobs.comments ? `: ping${eol}${eol}data: ` : 'data: ';
  const tail = eol + eol;
  return (data) => head + data + tail;
}

function faultDue(tokens: number, knobs: Knobs): boolean {
  const { stall, holdAfterChunks, resetAfterChunks, sseErrorAfterChunks } = knobs;
  return [stall?.afterChunks, holdAfterChunks, resetAfterChunks, sseErrorAfterChunks].includes(tokens);
}

/** The faults due when so many tokens have been sent: silence first, then the end. Tells whether it ended. */
async function* faults(
  tokens: number,
  meter: Meter,
  { knobs, gone, released }: Pace,
  frame: (data: string) => string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, boolean, undefined> {
  if (knobs.stall?.afterChunks === tokens) await sleep(knobs.stall.ms, gone);
  if (knobs.holdAfterChunks === tokens) await either(released, gone);
  if (gone.aborted) return true;
  if (knobs.resetAfterChunks === tokens) {
    meter.fail();
    throw new BrokenBody();
  }
  if (knobs.sseErrorAfterChunks !== tokens) return false;
  meter.fail();
  const error = { message: 'Internal Server Error', type: 'internal_server_error', code: 'internal_error' };
  yield encoder.encode(frame(JSON.stringify({ error })));
  return true;
}

/** Compresses so that every write can be decoded at once. */
async function* compressed(source: Bytes): Bytes {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
  let ready: Uint8Array[] = [];
  gzip.on('data', (piece: Uint8Array) => ready.push(piece));
  const take = (): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(Buffer.concat(ready));
    ready = [];
    return bytes;
  };
  for await (const bytes of source) {
    await new Promise<void>((resolve) => gzip.write(bytes, () => resolve()));
    yield take();
  }
  await new Promise<void>((resolve) => gzip.on('end', resolve).end());
  yield take();
}

/** Cuts writes into pieces of at most `size` bytes, through characters and lines alike. */
async function* split(source: Bytes, size: number): Bytes {
  for await (const bytes of source) {
    if (size === 0) yield bytes;
    else for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
}

function pulled(
  source: Bytes | Writes,
  onCancel: () => void,
  coalesce: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stride = coalesce === 0 ? EVENTS_PER_TURN : 1;
  let writes = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        await (writes % stride === 0 ? nextTurn() : undefined);
        writes += 1;
        try {
          const step = source.next();
          const next = step instanceof Promise ? await step : step;
          if (next.done === true) controller.close();
          else controller.enqueue(next.value);
        } catch (error) {
          controller.error(error);
        }
      },
      cancel: onCancel,
    },
    { highWaterMark: 0 },
  );
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
