/**
 * The OpenAI wire dialect, as Groq and OpenAI speak it: what of a chat request moves cost or reach, and where an answer states its
 * usage. Reads; never rewrites: changes are byte edits, fields that are not read here pass untouched.
 */
import { SallyportError } from '../core/errors.ts';
import { scanObject, type ScannedObject } from '../core/json-scan.ts';
import type { Edit } from '../core/splice.ts';

export interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  /** The caller asked for the extra usage chunk of a stream. */
  readonly includeUsage: boolean;
  /** Output tokens per choice asked for at most; null when there is no cap. */
  readonly outputCap: number | null;
  readonly choices: number;
  /** What it uses whose cost or reach we cannot bound, such as `tool:browser_search`. */
  readonly features: readonly string[];
  /** Upper bound of the prompt's tokens; Infinity when only the model's context window bounds it (images). */
  readonly promptTokens: number;
  /** The end user that the caller names, or null. */
  readonly user: string | null;
  readonly scan: ScannedObject;
}

/** Token counts as the provider states them. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
}

/** Byte-level vocabularies never make more tokens than bytes; the chat template adds a few per message. */
const TOKENS_PER_MESSAGE = 16;
const TOKENS_PER_REQUEST = 64;
const MAX_CHOICES = 128;
const MAX_CAP = 10_000_000;
const PLAIN_TIERS: ReadonlySet<unknown> = new Set([undefined, null, 'auto', 'default', 'on_demand', 'flex']);
const PLAIN_TOOLS: ReadonlySet<unknown> = new Set(['function', 'custom']);
const PLAIN_PARTS: ReadonlySet<unknown> = new Set(['text', 'refusal', 'image_url']);
/** Parameters that make the provider search, speak, run code or bill by another measure. */
const PRICED_PARAMETERS = [
  'web_search_options',
  'compound_custom',
  'search_settings',
  'audio',
  'prediction',
] as const;

/**
 * The members that are read here, by the object that has them. There are parsers that ignore case in names (Go's, by default): another
 * spelling beside one of these would be read there and not here.
 */
const READ = {
  request: new Set([
    'model',
    'messages',
    'stream',
    'stream_options',
    'max_completion_tokens',
    'max_tokens',
    'n',
    'tools',
    'service_tier',
    'modalities',
    'safety_identifier',
    'user',
    ...PRICED_PARAMETERS,
  ]),
  message: new Set(['content']),
  typed: new Set(['type']),
  streamOptions: new Set(['include_usage']),
} as const;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws `request.invalid` for a body that is not one JSON object in UTF-8, or whose fields have types that no provider takes. */
export function readChatRequest(bytes: Buffer): ChatRequest {
  const scan = scanObject(bytes);
  const body = parse(bytes);
  checkSpelling(body, READ.request);
  const messages = body['messages'];
  if (!Array.isArray(messages)) throw invalid('messages', 'must be an array');
  const parts = messages.flatMap((message: unknown) => contentParts(message));
  const bounded = bytes.length + TOKENS_PER_MESSAGE * messages.length + TOKENS_PER_REQUEST;
  return {
    model: readModel(body['model']),
    stream: readBoolean('stream', body['stream']),
    includeUsage: readIncludeUsage(body['stream_options']),
    outputCap: readCap(body),
    choices: readInteger('n', body['n'], MAX_CHOICES) ?? 1,
    features: [...new Set(readFeatures(body, parts))],
    promptTokens: parts.some((part) => part['type'] === 'image_url') ? Infinity : bounded,
    user: readUser(body['safety_identifier']) ?? readUser(body['user']),
    scan,
  };
}

/** The edit that caps the output, for a request that has no cap of its own. */
export function capEdit(request: ChatRequest, tokens: number): Edit {
  // A cap of null is none, but its key is there already.
  const present = request.scan.members.get('max_completion_tokens');
  if (present) return { ...present, text: String(tokens) };
  return insert(request.scan.bodyStart, `"max_completion_tokens":${tokens},`);
}

/** The edit that makes a stream state its usage. */
export function includeUsageEdit(bytes: Buffer, request: ChatRequest): Edit {
  const options = request.scan.members.get('stream_options');
  if (!options) return insert(request.scan.bodyStart, '"stream_options":{"include_usage":true},');
  const value = bytes.subarray(options.start, options.end);
  if (value.toString('utf8') === 'null') return { ...options, text: '{"include_usage":true}' };
  const inner = scanObject(value);
  const stated = inner.members.get('include_usage');
  if (stated) return { start: options.start + stated.start, end: options.start + stated.end, text: 'true' };
  const comma = inner.members.size > 0 ? ',' : '';
  return insert(options.start + inner.bodyStart, `"include_usage":true${comma}`);
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

function parse(bytes: Buffer): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(utf8.decode(bytes));
  } catch {
    throw new SallyportError('request.invalid', 'The request body is not valid JSON in UTF-8.', {
      fix: 'Send one JSON object.',
    });
  }
  if (!isObject(body)) {
    throw new SallyportError('request.invalid', 'The request body is not a JSON object.', {
      fix: 'Send one JSON object.',
    });
  }
  return body;
}

function readModel(value: unknown): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 200 || /[\p{Cc}\s]/u.test(value)) {
    throw invalid('model', 'must be the name of a model');
  }
  return value;
}

function readCap(body: Record<string, unknown>): number | null {
  const current = readInteger('max_completion_tokens', body['max_completion_tokens'], MAX_CAP);
  const older = readInteger('max_tokens', body['max_tokens'], MAX_CAP);
  // Which of the two a provider heeds is its own affair: the larger one bounds both.
  return current === null ? older : Math.max(current, older ?? 0);
}

function readFeatures(body: Record<string, unknown>, parts: readonly Record<string, unknown>[]): string[] {
  const features: string[] = [];
  const tools = body['tools'] ?? [];
  if (!Array.isArray(tools)) throw invalid('tools', 'must be an array');
  for (const tool of tools as unknown[]) {
    if (isObject(tool)) checkSpelling(tool, READ.typed);
    const type = isObject(tool) ? tool['type'] : undefined;
    if (!PLAIN_TOOLS.has(type)) features.push(`tool:${label(type)}`);
  }
  for (const part of parts)
    if (!PLAIN_PARTS.has(part['type'])) features.push(`content:${label(part['type'])}`);
  if (!PLAIN_TIERS.has(body['service_tier'])) features.push(`service_tier:${label(body['service_tier'])}`);
  for (const name of PRICED_PARAMETERS) if ((body[name] ?? null) !== null) features.push(name);
  const modalities = body['modalities'] ?? ['text'];
  if (!Array.isArray(modalities) || modalities.some((modality) => modality !== 'text'))
    features.push('modalities');
  return features;
}

function contentParts(message: unknown): Record<string, unknown>[] {
  if (!isObject(message)) throw invalid('messages', 'must hold objects');
  checkSpelling(message, READ.message);
  const content = message['content'] ?? '';
  if (typeof content === 'string') return [];
  if (!Array.isArray(content)) throw invalid('messages[].content', 'must be text, an array or null');
  return content.map((part: unknown) => {
    if (!isObject(part)) return { type: typeof part };
    checkSpelling(part, READ.typed);
    return part;
  });
}

function checkSpelling(object: Readonly<Record<string, unknown>>, read: ReadonlySet<string>): void {
  for (const key of Object.keys(object)) {
    if (read.has(key) || /^[a-z0-9_]*$/.test(key)) continue;
    // By way of upper case, so that the long s and the Kelvin sign become letters as well.
    const folded = key.toUpperCase().toLowerCase();
    if (read.has(folded)) throw invalid(folded, `must be spelled like this, not as "${key.slice(0, 64)}"`);
  }
}

function readIncludeUsage(options: unknown): boolean {
  if (options === undefined || options === null) return false;
  if (!isObject(options)) throw invalid('stream_options', 'must be an object');
  checkSpelling(options, READ.streamOptions);
  return readBoolean('stream_options.include_usage', options['include_usage']);
}

function readBoolean(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw invalid(name, 'must be true or false');
  return value;
}

function readInteger(name: string, value: unknown, most: number): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw invalid(name, `must be a whole number from 1 to ${most}`);
  }
  return value;
}

function readUser(value: unknown): string | null {
  return typeof value === 'string' && value.length > 0 ? value.slice(0, 256) : null;
}

function label(type: unknown): string {
  return typeof type === 'string' ? type.replaceAll(/[^A-Za-z0-9_.-]/g, '').slice(0, 40) : 'unknown';
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function insert(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(field: string, problem: string): SallyportError {
  return new SallyportError('request.invalid', `${field} ${problem}.`, {
    fix: `Correct ${field} in the request body.`,
  });
}
