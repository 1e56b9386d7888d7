/**
 * Reads a chat request as the provider does: JSON, known model, messages, one choice, a sane cap.
 */
import { badRequest, contextExceeded, errorReply, type ErrorFacts, type Reply } from './errors.ts';
import { isRecord } from './knobs.ts';
import { MODELS, type Model } from './rates.ts';

/** The parts of a valid request that shape the reply. */
export interface ChatRequest {
  readonly model: Model;
  readonly promptTokens: number;
  /** Most completion tokens allowed: the caller's cap, the model's maximum and the room left in its context. */
  readonly capTokens: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Function to call, when `tools` has one. */
  readonly tool: FunctionTool | null;
  /** `tool_choice` leaves the model no other way. */
  readonly toolForced: boolean;
  readonly serviceTier: string;
  readonly seed: number;
  /** All text of the messages, for a classifier to read. */
  readonly text: () => string;
}

export interface FunctionTool {
  readonly name: string;
  readonly parameters: Record<string, unknown>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The body as an object, or null if it is not a JSON object in UTF-8. */
export function parseBody(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

/** A valid request, or the reply that refuses it. `forcedPromptTokens` replaces the provider's own count. */
export function readChat(
  body: Record<string, unknown> | null,
  facts: ErrorFacts,
  forcedPromptTokens: number | null,
): ChatRequest | Reply {
  if (body === null) return badRequest(`could not parse the request body as a JSON object${facts.echo}`);
  if (typeof body['model'] !== 'string') return badRequest(`property 'model' is missing${facts.echo}`);
  const model = MODELS.get(facts.model);
  if (model === undefined) return errorReply('404_model', facts);
  const fault = fieldFault(body);
  if (fault !== null) return badRequest(fault + facts.echo);

  const messages = body['messages'] as Record<string, unknown>[];
  const promptTokens = forcedPromptTokens ?? countPrompt(body, messages);
  const room = model.contextTokens - promptTokens;
  if (room < 1 && forcedPromptTokens === null) return contextExceeded(facts.echo);
  const asked = Number(body['max_completion_tokens'] ?? body['max_tokens'] ?? model.maxOutputTokens);
  const options = body['stream_options'];
  return {
    model,
    promptTokens,
    capTokens: Math.min(asked, model.maxOutputTokens, Math.max(1, room)),
    stream: body['stream'] === true,
    includeUsage: isRecord(options) && options['include_usage'] === true,
    ...toolOf(body),
    serviceTier: body['service_tier'] === 'flex' ? 'flex' : 'on_demand',
    seed: Number.isSafeInteger(body['seed']) ? Number(body['seed']) : 1_762_000_000,
    text: () => messages.flatMap((message) => textsOf(message['content'])).join('\n'),
  };
}

function fieldFault(body: Record<string, unknown>): string | null {
  const messages = body['messages'];
  if (!Array.isArray(messages)) return "property 'messages' is missing";
  if (messages.length === 0) return "'messages' : minimum number of items is 1";
  const bad = messages.findIndex((message) => !isRecord(message) || typeof message['role'] !== 'string');
  if (bad !== -1) return `'messages.${bad}' : discriminator property 'role' is missing`;
  const choices = body['n'] ?? 1;
  if (choices !== 1) return "'n' : number must be at most 1";
  for (const name of ['max_completion_tokens', 'max_tokens']) {
    const cap = body[name] ?? 1;
    if (!Number.isSafeInteger(cap) || Number(cap) < 1)
      return `'${name}' : value must be an integer of at least 1`;
  }
  return null;
}

/**
 * Prompt tokens: a quarter of the text's UTF-8 bytes (messages, tools, response format), plus four tokens a
 * message and three for the reply's start. Always below bytes + 16 per message + 64.
 */
function countPrompt(body: Record<string, unknown>, messages: readonly Record<string, unknown>[]): number {
  let bytes = 0;
  for (const message of messages) {
    for (const text of textsOf(message['content'])) bytes += byteLength(text);
    for (const name of ['tool_calls', 'reasoning', 'name']) bytes += jsonBytes(message[name]);
  }
  bytes += jsonBytes(body['tools']) + jsonBytes(body['response_format']);
  return Math.ceil(bytes / 4) + 4 * messages.length + 3;
}

function textsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: unknown) =>
    isRecord(part) && typeof part['text'] === 'string' ? [part['text']] : [],
  );
}

function jsonBytes(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return byteLength(typeof value === 'string' ? value : JSON.stringify(value));
}

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

function toolOf(body: Record<string, unknown>): Pick<ChatRequest, 'tool' | 'toolForced'> {
  const tools: unknown = body['tools'];
  const choice: unknown = body['tool_choice'];
  const named = isRecord(choice) && isRecord(choice['function']) ? choice['function']['name'] : undefined;
  const found = (Array.isArray(tools) ? tools : []).find(
    (tool: unknown) =>
      isRecord(tool) &&
      tool['type'] === 'function' &&
      isRecord(tool['function']) &&
      (named === undefined || tool['function']['name'] === named),
  ) as { function: Record<string, unknown> } | undefined;
  if (found === undefined || choice === 'none') return { tool: null, toolForced: false };
  const parameters = isRecord(found.function['parameters']) ? found.function['parameters'] : {};
  const name = typeof found.function['name'] === 'string' ? found.function['name'] : 'function';
  return { tool: { name, parameters }, toolForced: choice === 'required' || named !== undefined };
}
