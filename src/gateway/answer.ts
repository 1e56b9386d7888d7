/** Turns a provider's answer into ours: a refusal, a whole JSON answer, or a stream. In each case the call is settled. */
import { asSallyportError, describe, SallyportError } from '../core/errors.ts';
import { readAnsweredModel, readUsage } from '../providers/openai-answer.ts';
import { DEMO_PURPOSE, versionId, type KeySlot } from '../vault/provider-keys.ts';
import type { BegunCall } from './begin-call.ts';
import type { CallContext } from './call-context.ts';
import type { Gate } from './gate.ts';
import type { OpenCall, Outcome } from './open-call.ts';
import { rateHeaders } from './rate-headers.ts';
import { decodedBody } from './http1/decode.ts';
import type { HttpReply, ReplyBody } from './http1/exchange.ts';
import { Relay } from './relay.ts';
import { StreamMeter } from './stream-meter.ts';
import { MAX_ERROR_BYTES, readRefusal } from './upstream-errors.ts';

const FAILED_GENERATION = '"failed_generation"';
/** As for streams that never state their usage. */
const BYTES_PER_TOKEN = 4;
/** A whole answer is read before it is passed on; no model's output comes near this. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface AnswerOptions {
  readonly stream: boolean;
  /** We asked for the usage chunk, the caller did not. */
  readonly dropUsageChunk: boolean;
}

/** Rejects with the error to answer instead; the call is settled then. */
export async function answerTo(
  gate: Gate,
  context: CallContext,
  begun: BegunCall,
  slot: KeySlot,
  reply: HttpReply,
  options: AnswerOptions,
): Promise<Response> {
  const { call } = begun;
  const content = decodedBody(reply.body, reply.headers.get('content-encoding'));
  if (reply.status !== 200) return refused(gate, context, begun, slot, reply, content ?? reply.body);
  if (!content) throw badReply(call, 'The provider answered in an encoding that nobody asked for.');
  const type = (reply.headers.get('content-type') ?? '').toLowerCase();
  if (options.stream && type.startsWith('text/event-stream')) {
    return relayed(gate, context, begun, slot, content, options);
  }
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json\b/.test(type)) {
    throw badReply(call, 'The provider answered with something that is neither JSON nor a stream.');
  }
  const body = await readWhole(call, content, MAX_ANSWER_BYTES);
  const parsed = parseJson(body);
  const usage = readUsage(parsed);
  if (gate.observer.traces) context.answeredModel = () => readAnsweredModel(parsed);
  call.end(usage ? { kind: 'usage', usage } : { kind: 'unknown' }, null);
  await begun.durable;
  return new Response(body, { status: 200, headers: replyHeaders(gate, context, slot, 'application/json') });
}

/** An answer that cannot be metered is not passed on: what it cost is unknown. */
function badReply(call: OpenCall, message: string): SallyportError {
  call.end({ kind: 'unknown' }, 'upstream.bad_reply');
  const error = new SallyportError('upstream.bad_reply', message);
  call.abort.abort(error);
  return error;
}

async function relayed(
  gate: Gate,
  context: CallContext,
  begun: BegunCall,
  slot: KeySlot,
  body: ReplyBody,
  options: AnswerOptions,
): Promise<Response> {
  const { call, durable } = begun;
  const meter = new StreamMeter({ dropUsageChunk: options.dropUsageChunk });
  const relay = new Relay(
    {
      monotonicMs: () => gate.clock.monotonicMs(),
      record: (entry) => gate.late.record(entry),
    },
    call,
    meter,
    body,
  );
  if (gate.observer.traces) context.answeredModel = () => meter.model;
  call.onTick = () => relay.tick();
  call.onLeave = () => relay.clientGone();
  // The runtime sends the status line as soon as we return: both what may still fail must be behind us.
  const first = await relay.next();
  try {
    await durable;
  } catch (error) {
    relay.clientGone();
    throw error;
  }
  const headers = {
    ...replyHeaders(gate, context, slot, 'text/event-stream; charset=utf-8'),
    'cache-control': 'no-cache',
  };
  return new Response(relay.body(first), { status: 200, headers });
}

async function refused(
  gate: Gate,
  context: CallContext,
  begun: BegunCall,
  slot: KeySlot,
  reply: HttpReply,
  content: ReplyBody,
): Promise<Response> {
  const { call, durable } = begun;
  // A redirect's body is of no interest, and an answer that is no error at all says nothing about cost.
  const early: Outcome = reply.status >= 300 ? { kind: 'free' } : { kind: 'unknown' };
  const body =
    reply.status < 400 ? '' : (await readWhole(call, content, MAX_ERROR_BYTES, early)).toString('utf8');
  const outcome = body.includes(FAILED_GENERATION) ? generatedIn(body) : early;
  const refusal = readRefusal(reply.status, reply.headers, body, (use) =>
    gate.vault.lease(`token:${call.tokenId}`, slot, (key) => key.revealText(use)),
  );
  call.end(outcome, `upstream.${reply.status}`);
  content.cancel();
  if (refusal.aboutOurKey) reportKey(gate, slot, refusal.status, refusal.providerCode);
  await durable;
  if (refusal.answer.kind === 'ours') throw refusal.answer.error;
  const headers = { ...replyHeaders(gate, context, slot, 'application/json'), ...refusal.headers };
  return new Response(refusal.answer.body, { status: reply.status, headers });
}

/** An error that carries what the model wrote (a failed tool call, JSON that did not fit) delivers it all the same. */
function generatedIn(body: string): Outcome {
  return { kind: 'delivered', completionTokens: Math.ceil(Buffer.byteLength(body) / BYTES_PER_TOKEN) };
}

/** Reads the whole body. Rejects, with the call settled as `onFailure`, when it breaks off, waits too long, or is larger than `maxBytes`. */
async function readWhole(
  call: OpenCall,
  content: ReplyBody,
  maxBytes: number,
  onFailure: Outcome = { kind: 'unknown' },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (let part = await content.read(); part !== null; part = await content.read()) {
      call.enter('provider');
      size += part.length;
      if (size > maxBytes)
        throw new SallyportError(
          'upstream.bad_reply',
          `The provider's answer is larger than ${maxBytes} bytes.`,
        );
      parts.push(part);
    }
  } catch (thrown) {
    const { abort } = call;
    const broken = new SallyportError('upstream.bad_reply', 'The provider broke its answer off.', {
      detail: describe(thrown),
      retryable: true,
    });
    const error = abort.aborted
      ? asSallyportError(abort.reason)
      : thrown instanceof SallyportError
        ? thrown
        : broken;
    call.end(onFailure, error.code);
    content.cancel();
    throw error;
  }
  const [first] = parts;
  return first !== undefined && parts.length === 1
    ? Buffer.from(first.buffer, first.byteOffset, size)
    : Buffer.concat(parts);
}

/** The provider refused our key, or our account: on record once a minute and key, because every call would say the same. */
function reportKey(gate: Gate, slot: KeySlot, status: number, errorCode: string | null): void {
  const keyId = versionId(slot.name, slot.activeVersion);
  if (!gate.rejectedKeys.isNew(keyId, gate.clock.monotonicMs())) return;
  gate.log.error('The provider refused the key or its account.', {
    key: keyId,
    provider: slot.provider,
    status,
    errorCode,
  });
  gate.late.record({
    action: 'key.rejected',
    keyId,
    provider: slot.provider,
    status,
    errorCode,
    principal: 'gateway',
  });
}

/** What a reply carries: of the provider's own headers only the content's type. */
export function replyHeaders(
  gate: Gate,
  context: CallContext,
  slot: KeySlot,
  contentType: string,
): Record<string, string> {
  const headers: Record<string, string> = {
    ...context.headers,
    ...rateHeaders(gate.ledger.limits.states(context.path.limits)),
    'content-type': contentType,
  };
  if (context.model !== null) headers['x-sallyport-model'] = encodeURI(context.model);
  if (slot.purpose === DEMO_PURPOSE) headers['x-sallyport-demo'] = 'true';
  return headers;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
