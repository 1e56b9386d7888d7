/**
 * The JSON of chat replies: the plain body, and the events of a stream.
 */
import { completionId } from './ids.ts';
import type { Knobs } from './knobs.ts';
import type { Plan } from './plan.ts';

/** Ids and clock of one reply. */
export interface Stamp {
  readonly completionId: string;
  readonly requestId: string;
  readonly createdS: number;
}

export function stampReply(requestId: string): Stamp {
  return { completionId: completionId(), requestId, createdS: Math.floor(Date.now() / 1000) };
}

/** One event of a stream, as the text of its data line. `kind` says what it means for the bill. */
export interface ChatEvent {
  readonly kind: 'open' | 'token' | 'finish' | 'fail' | 'tail';
  readonly data: string;
}

/** The whole body of a plain reply. */
export function plainBody(plan: Plan, knobs: Knobs, stamp: Stamp): string {
  const { model, serviceTier, seed } = plan.request;
  const usage = knobs.missingUsage ? {} : { usage: usageOf(plan, plan.tokens), usage_breakdown: null };
  return JSON.stringify({
    id: stamp.completionId,
    object: 'chat.completion',
    created: stamp.createdS,
    model: model.id,
    choices: [{ index: 0, message: messageOf(plan), logprobs: null, finish_reason: plan.finishReason }],
    ...usage,
    system_fingerprint: model.systemFingerprint,
    x_groq: { id: stamp.requestId, seed },
    service_tier: serviceTier,
  });
}

/** The events of a streamed reply, lazily, one per token; `[DONE]` is not among them. */
export function* streamEvents(plan: Plan, knobs: Knobs, stamp: Stamp): Generator<ChatEvent> {
  const { model, seed } = plan.request;
  const head = `{"id":"${stamp.completionId}","object":"chat.completion.chunk","created":${stamp.createdS},"model":${JSON.stringify(model.id)},"system_fingerprint":"${model.systemFingerprint}","choices":[`;
  const choice = (delta: string, finish: string, rest = ''): string =>
    `${head}{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]${rest}}`;
  const xGroq = (fields: object): string => `,"x_groq":${JSON.stringify({ id: stamp.requestId, ...fields })}`;

  yield { kind: 'open', data: choice('{"role":"assistant","content":""}', 'null', xGroq({ seed })) };
  if (knobs.hugeLineBytes > 0) yield { kind: 'tail', data: hugeLine(choice, knobs.hugeLineBytes) };

  const failing = knobs.streamVariant === 'x_groq_error';
  const stop = failing ? (knobs.xGroqErrorAfterChunks ?? Math.floor(plan.tokens / 2)) : plan.tokens;
  const tokens = Math.min(stop, plan.tokens);
  const unsent = knobs.silentReasoning ? Math.min(plan.reasoningTokens, tokens) : 0;
  for (let i = unsent; i < tokens; i += 1) yield { kind: 'token', data: choice(deltaJson(plan, i), 'null') };

  if (failing) {
    const usage = tokens > 0 && !knobs.missingUsage ? { usage: usageOf(plan, tokens) } : {};
    const error = 'generation stopped early: internal inference error';
    yield { kind: 'fail', data: choice('{}', 'null', xGroq({ error, ...usage })) };
    return;
  }
  const usage = knobs.missingUsage ? null : usageOf(plan, tokens);
  const mirrored = usage !== null && knobs.streamVariant !== 'x_groq_only';
  const tail = xGroq(usage === null ? {} : { usage }) + (mirrored ? `,"usage":${JSON.stringify(usage)}` : '');
  yield { kind: 'finish', data: choice('{}', JSON.stringify(plan.finishReason), tail) };

  if (usage !== null && knobs.streamVariant === 'include_usage' && plan.request.includeUsage) {
    const tier = JSON.stringify(plan.request.serviceTier);
    yield { kind: 'tail', data: `${head}],"usage":${JSON.stringify(usage)},"service_tier":${tier}}` };
  }
}

/** An event whose line, `data: ` included, is exactly `bytes` long (or as short as its frame allows). */
function hugeLine(choice: (delta: string, finish: string, rest: string) => string, bytes: number): string {
  const frame = choice('{"content":""}', 'null', ',"x_groq":{"debug":""}');
  const filler = 'x'.repeat(Math.max(0, bytes - 'data: '.length - frame.length));
  return choice('{"content":""}', 'null', `,"x_groq":{"debug":"${filler}"}`);
}

function deltaJson(plan: Plan, index: number): string {
  if (index < plan.reasoningTokens)
    return `{"reasoning":${plan.thoughts.jsonAt(index)},"channel":"analysis"}`;
  const spoken = index - plan.reasoningTokens;
  if (plan.say.kind === 'text') return `{"content":${plan.say.words.jsonAt(spoken)}}`;
  const { name, callId, pieces } = plan.say;
  const text = pieces[spoken] ?? '';
  const opening = { index: 0, id: callId, type: 'function', function: { name, arguments: text } };
  const call = spoken === 0 ? opening : { index: 0, function: { arguments: text } };
  return JSON.stringify({ tool_calls: [call] });
}

function messageOf(plan: Plan): Record<string, unknown> {
  const spoken = plan.tokens - plan.reasoningTokens;
  const reasoning =
    plan.reasoningTokens > 0 ? { reasoning: joined(plan.thoughts.at, plan.reasoningTokens) } : {};
  if (plan.say.kind === 'text')
    return { role: 'assistant', content: joined(plan.say.words.at, spoken), ...reasoning };
  if (spoken === 0) return { role: 'assistant', content: null, ...reasoning };
  const { name, callId, pieces } = plan.say;
  const call = {
    id: callId,
    type: 'function',
    function: { name, arguments: pieces.slice(0, spoken).join('') },
  };
  return { role: 'assistant', content: null, ...reasoning, tool_calls: [call] };
}

function joined(at: (index: number) => string, count: number): string {
  let text = '';
  for (let i = 0; i < count; i += 1) text += at(i);
  return text;
}

/** The provider's usage object. Times are in seconds and only look real. */
function usageOf(plan: Plan, completionTokens: number): Record<string, unknown> {
  const { promptTokens } = plan.request;
  const promptTime = seconds(0.002 + promptTokens * 0.000_021);
  const completionTime = seconds(completionTokens * 0.001_037);
  return {
    queue_time: 0.018_263_441,
    prompt_tokens: promptTokens,
    prompt_time: promptTime,
    completion_tokens: completionTokens,
    completion_time: completionTime,
    total_tokens: promptTokens + completionTokens,
    total_time: seconds(promptTime + completionTime),
    ...(plan.cachedTokens > 0 ? { prompt_tokens_details: { cached_tokens: plan.cachedTokens } } : {}),
    ...(plan.reasoningTokens > 0 && {
      completion_tokens_details: { reasoning_tokens: Math.min(plan.reasoningTokens, completionTokens) },
    }),
  };
}

function seconds(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}
