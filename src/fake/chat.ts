/**
 * One chat call, from its body to its reply: read, plan, open the bill, then answer whole or streamed.
 */
import { plainBody, stampReply, streamEvents } from './bodies.ts';
import { errorReply, type ErrorFacts, type Reply } from './errors.ts';
import type { Knobs } from './knobs.ts';
import { acceptedLimits } from './limits.ts';
import type { OpenRecord } from './log.ts';
import { Meter } from './meter.ts';
import { planReply, type Plan } from './plan.ts';
import { readChat } from './request.ts';
import { eventStream, piecemeal, sleep } from './wire.ts';
import type { World } from './world.ts';

/** A call that has been logged and authenticated. */
export interface Exchange {
  readonly world: World;
  /** Those in force when the call arrived. */
  readonly knobs: Knobs;
  readonly record: OpenRecord;
  readonly keyFingerprint: string;
  readonly requestId: string;
  readonly facts: ErrorFacts;
  /** The JSON body, or null if it is none. */
  readonly body: Record<string, unknown> | null;
  /** Fires when the client leaves. */
  readonly gone: AbortSignal;
  /** The client takes, or is forced to take, a gzip reply. */
  readonly gzip: boolean;
}

/** A reply whose body is still being made. */
export interface StreamReply extends Omit<Reply, 'body'> {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

export async function answerChat(call: Exchange): Promise<Reply | StreamReply> {
  const { knobs, world, record, gone } = call;
  const request = readChat(call.body, call.facts, knobs.promptTokens);
  if ('status' in request) return request;
  if (knobs.keys[call.keyFingerprint] === 'blocked_project')
    return errorReply('403_model_project', call.facts);
  if (knobs.keys[call.keyFingerprint] === 'spend_blocked') return errorReply('400_spend', call.facts);

  const plan = planReply(request, knobs, world.demo);
  const meter = new Meter(plan, world.bill.open(call.keyFingerprint), record, knobs);
  if (gone.aborted) meter.abort();
  else gone.addEventListener('abort', () => meter.abort(), { once: true });

  await sleep(knobs.ttftMs, gone);
  if (request.stream && knobs.silentReasoning) await think(plan, meter, call);
  return request.stream ? streamed(call, plan, meter) : await whole(call, plan, meter);
}

/** Tokens so many milliseconds from now, at the pace of the knobs. */
function byTheClock(tokensPerSecond: number): () => number {
  const startMs = performance.now();
  return () => ((performance.now() - startMs) * tokensPerSecond) / 1000;
}

/** Makes the reasoning of a stream that does not send it. */
async function think(plan: Plan, meter: Meter, { knobs, gone }: Exchange): Promise<void> {
  const { reasoningTokens } = plan;
  if (knobs.tokensPerSecond > 0) {
    const made = byTheClock(knobs.tokensPerSecond);
    meter.follow(() => Math.min(made(), reasoningTokens));
    await sleep((reasoningTokens * 1000) / knobs.tokensPerSecond, gone);
    if (gone.aborted) return;
    meter.follow(null);
  }
  meter.generate(reasoningTokens);
}

function streamed(call: Exchange, plan: Plan, meter: Meter): StreamReply {
  const { knobs } = call;
  const events = streamEvents(plan, knobs, stampReply(call.requestId));
  if ((knobs.generatesAhead || knobs.abortDelayMs > 0) && knobs.tokensPerSecond > 0 && !call.gone.aborted) {
    const made = byTheClock(knobs.tokensPerSecond);
    const before = meter.generated;
    meter.follow(() => before + made());
  }
  return {
    status: 200,
    contentType: 'text/event-stream',
    headers: acceptedLimits(plan.request.promptTokens),
    body: eventStream(events, meter, { ...call, released: call.world.released }, call.gzip),
  };
}

async function whole(call: Exchange, plan: Plan, meter: Meter): Promise<Reply | StreamReply> {
  const { knobs, gone } = call;
  if (knobs.tokensPerSecond > 0) {
    meter.follow(byTheClock(knobs.tokensPerSecond));
    await sleep((plan.tokens * 1000) / knobs.tokensPerSecond, gone);
  }
  if (!gone.aborted) meter.finish();
  const reply = {
    status: 200,
    contentType: 'application/json',
    headers: acceptedLimits(plan.request.promptTokens),
  };
  const body = plainBody(plan, knobs, stampReply(call.requestId));
  if (knobs.stall === null && knobs.resetAfterChunks === null && knobs.chunkSplit === 0)
    return { ...reply, body };
  const bytes = new TextEncoder().encode(body);
  return { ...reply, body: piecemeal(call.gzip ? Bun.gzipSync(bytes) : bytes, knobs, gone) };
}
