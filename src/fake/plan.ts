/**
 * Decides, before the first byte, everything a reply will say and cost. The rest only carries it out.
 */
import type { Knobs } from './knobs.ts';
import { pricePicoUsd } from './rates.ts';
import type { ChatRequest, FunctionTool } from './request.ts';
import { attackProbability, replyWords, thoughtWords, toolArguments, type Words } from './text.ts';

export interface Plan {
  readonly request: ChatRequest;
  readonly cachedTokens: number;
  /** Completion tokens, reasoning included; never above the request's cap. */
  readonly tokens: number;
  /** The first so many of them are reasoning. */
  readonly reasoningTokens: number;
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
  readonly thoughts: Words;
  readonly say: Saying;
}

/** What follows the reasoning: text, or one call of a function with its arguments cut into tokens. */
export type Saying =
  | { readonly kind: 'text'; readonly words: Pick<Words, 'at' | 'jsonAt'> }
  | {
      readonly kind: 'tool';
      readonly name: string;
      readonly callId: string;
      /** Piece 0 belongs to the token that opens the call. */
      readonly pieces: readonly string[];
    };

export function planReply(request: ChatRequest, knobs: Knobs, demo: boolean): Plan {
  const words = replyWords({ demo, unicode: knobs.unicode });
  const tool = knobs.toolCall || request.toolForced ? request.tool : null;
  const wanted = wantedTokens(request, knobs, demo ? words.length : null);
  const tokens = Math.min(wanted, request.capTokens);
  const spoken = tool === null ? 0 : 1;
  const reasoning = request.model.classifier ? 0 : Math.min(knobs.reasoningTokens, wanted - spoken);
  const natural = tool === null ? 'stop' : 'tool_calls';
  return {
    request,
    cachedTokens: Math.min(knobs.cachedTokens, request.promptTokens),
    tokens,
    reasoningTokens: Math.min(reasoning, tokens),
    finishReason: wanted > tokens ? 'length' : natural,
    thoughts: thoughtWords(),
    say: saying(request, tool, words, wanted - reasoning),
  };
}

/** The price of the plan when `generated` of its completion tokens were made. */
export function planPicoUsd(plan: Plan, generated: number): bigint {
  const { model, promptTokens } = plan.request;
  return pricePicoUsd(model, { promptTokens, cachedTokens: plan.cachedTokens, completionTokens: generated });
}

function wantedTokens(request: ChatRequest, knobs: Knobs, demoLength: number | null): number {
  if (request.model.classifier) return 1;
  if (knobs.completionTokens !== null) return knobs.completionTokens;
  return (demoLength ?? 16 + (request.promptTokens % 48)) + knobs.reasoningTokens;
}

function saying(request: ChatRequest, tool: FunctionTool | null, words: Words, tokens: number): Saying {
  if (request.model.classifier) {
    const text = attackProbability(request.text());
    return { kind: 'text', words: { at: () => text, jsonAt: () => JSON.stringify(text) } };
  }
  if (tool === null) return { kind: 'text', words };
  const pieces = cutArguments(toolArguments(tool.parameters), tokens);
  return { kind: 'tool', name: tool.name, callId: `call_${crypto.randomUUID().slice(0, 8)}`, pieces };
}

/** Spreads the arguments over `tokens` pieces; the first is empty, unless it is the only one. */
function cutArguments(text: string, tokens: number): string[] {
  if (tokens === 1) return [text];
  const characters = Array.from(text);
  const parts = tokens - 1;
  const cut = (index: number): number => Math.floor((index * characters.length) / parts);
  const rest = Array.from({ length: parts }, (_, i) => characters.slice(cut(i), cut(i + 1)).join(''));
  return ['', ...rest];
}
