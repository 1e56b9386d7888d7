/** An answer in the OpenAI wire dialect, whole or one event of its stream: what it says of its usage, its model and its end. */

/** Token counts as the provider states them. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
}

/** The usage of a whole answer or of one stream event: top level first, then Groq's `x_groq`. Null when there is none. */
export function readUsage(answer: unknown): TokenUsage | null {
  if (!isObject(answer)) return null;
  const stream =
    answer['object'] === 'chat.completion.chunk' && isObject(answer['x_groq'])
      ? answer['x_groq']['usage']
      : null;
  const usage = isObject(answer['usage']) ? answer['usage'] : stream;
  if (!isObject(usage)) return null;
  const details = isObject(usage['prompt_tokens_details']) ? usage['prompt_tokens_details'] : {};
  const promptTokens = count(usage['prompt_tokens']);
  const completionTokens = count(usage['completion_tokens']);
  const cachedTokens = count(details['cached_tokens'] ?? 0);
  if (
    promptTokens === null ||
    completionTokens === null ||
    cachedTokens === null ||
    cachedTokens > promptTokens
  )
    return null;
  return { promptTokens, completionTokens, cachedTokens };
}

/** The model that a whole answer or a stream event says it comes from. Any text: it is the provider's. */
export function readAnsweredModel(answer: unknown): string | null {
  return isObject(answer) && typeof answer['model'] === 'string' ? answer['model'] : null;
}

/** True for a stream event that says the stream failed. */
export function isStreamError(event: unknown): boolean {
  if (!isObject(event)) return false;
  const groq = isObject(event['x_groq']) ? event['x_groq']['error'] : undefined;
  return (event['error'] ?? groq ?? null) !== null;
}

/** True for the extra chunk that `include_usage` adds: no choices, only usage. */
export function isUsageOnly(event: unknown): boolean {
  return (
    isObject(event) &&
    Array.isArray(event['choices']) &&
    event['choices'].length === 0 &&
    isObject(event['usage'])
  );
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
