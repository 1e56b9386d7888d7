/**
 * Everything a test can turn on the fake: pace, token counts, shape of the byte stream, faults, errors.
 * Knobs are frozen values: a call uses those in force when it arrived, whatever is set later.
 *
 * A "chunk" in a knob's name is a token chunk: `resetAfterChunks: 5` breaks the stream when five tokens have
 * been sent, so exactly five are billed. 0 means before the first byte of the body; a count that the reply
 * does not reach has no effect.
 */
import { ERROR_ROWS, type ErrorRow } from './errors.ts';

export const KEY_STATES = [
  'valid',
  'dead',
  'blocked_project',
  'spend_blocked',
  'restricted_org',
  'wrong_network',
] as const;
export type KeyState = (typeof KEY_STATES)[number];

export interface Knobs {
  /** Silence before the response headers. */
  readonly ttftMs: number;
  /** 0: as fast as possible. */
  readonly tokensPerSecond: number;

  /** null: counted from the request. */
  readonly promptTokens: number | null;
  /** null: derived from the prompt (in demo mode, the length of the demo text). The caller's cap always wins. */
  readonly completionTokens: number | null;
  /** How many of the completion tokens are reasoning. */
  readonly reasoningTokens: number;
  /** Of a stream: they are made at `tokensPerSecond` before its first byte, billed, and never sent. */
  readonly silentReasoning: boolean;
  /** How many of the prompt tokens came from the cache. */
  readonly cachedTokens: number;

  /** Call the first function tool, if the request has one. */
  readonly toolCall: boolean;
  /** Multi-byte words in the reply. */
  readonly unicode: boolean;
  /** `include_usage`: the extra usage chunk if the request asks for it; `mirrored` never sends it. */
  readonly streamVariant: 'include_usage' | 'mirrored' | 'x_groq_only' | 'x_groq_error';
  /** Where `x_groq_error` stops; null: half-way. */
  readonly xGroqErrorAfterChunks: number | null;
  /** No usage anywhere. */
  readonly missingUsage: boolean;
  readonly modelsShape: 'old' | 'new';

  /** Bytes per write, cutting through UTF-8 and lines; 0: no cutting. */
  readonly chunkSplit: number;
  /** Events per write; 0: no pause between events, so that the socket merges them (cheapest). */
  readonly coalesce: number;
  readonly crlf: boolean;
  /** A `: ping` comment before every event. */
  readonly comments: boolean;
  /** `always` compresses even for a client that asked for identity. */
  readonly gzip: 'off' | 'if-accepted' | 'always';
  /** One SSE line of exactly this many bytes, after the first event; 0: none. */
  readonly hugeLineBytes: number;
  readonly omitDone: boolean;

  /** Silence mid-stream. A plain reply is silent half-way through its body, whatever the count. */
  readonly stall: { readonly afterChunks: number; readonly ms: number } | null;
  /** Silence in a stream until the fake is told to let go; null: none. */
  readonly holdAfterChunks: number | null;
  /** Close the socket without a terminator. A plain reply breaks half-way through its body. */
  readonly resetAfterChunks: number | null;
  /** `data: {"error":...}`, then a clean close without `[DONE]`. */
  readonly sseErrorAfterChunks: number | null;

  readonly error: ErrorRow | null;
  /** Calls still to fail before `error` turns itself off; null: for ever. */
  readonly errorCount: number | null;
  readonly errorOn: 'chat' | 'all';
  /** Refusals quote the received key in the body and in `x-debug-key`. */
  readonly errorEchoesKey: boolean;

  readonly abortBilling: 'generated' | 'full';
  /** Tokens of a stream are made at `tokensPerSecond`, whether or not anybody reads them. */
  readonly generatesAhead: boolean;
  /** How long a stream is generated at `tokensPerSecond` for a client that has left. */
  readonly abortDelayMs: number;
  /** By key fingerprint; merged, `null` forgets one. Other keys are valid. */
  readonly keys: Readonly<Record<string, KeyState>>;
}

export const DEFAULT_KNOBS: Knobs = Object.freeze({
  ttftMs: 0,
  tokensPerSecond: 0,
  promptTokens: null,
  completionTokens: 24,
  reasoningTokens: 0,
  silentReasoning: false,
  cachedTokens: 0,
  toolCall: false,
  unicode: false,
  streamVariant: 'include_usage',
  xGroqErrorAfterChunks: null,
  missingUsage: false,
  modelsShape: 'old',
  chunkSplit: 0,
  coalesce: 1,
  crlf: false,
  comments: false,
  gzip: 'off',
  hugeLineBytes: 0,
  omitDone: false,
  stall: null,
  holdAfterChunks: null,
  resetAfterChunks: null,
  sseErrorAfterChunks: null,
  error: null,
  errorCount: null,
  errorOn: 'chat',
  errorEchoesKey: false,
  abortBilling: 'generated',
  generatesAhead: false,
  abortDelayMs: 0,
  keys: Object.freeze({}),
});

/** A knob that does not exist or a value it cannot take. The message never quotes the value. */
export class KnobError extends Error {
  override readonly name = 'KnobError';
}

/** A rule says whether a value is allowed, and how to put it in words. */
interface Rule {
  readonly allows: (value: unknown) => boolean;
  readonly expected: string;
}

const RULES: Readonly<Record<keyof Knobs, Rule>> = {
  ttftMs: number(600_000),
  tokensPerSecond: number(1_000_000),
  promptTokens: orNull(integer(0, 10_000_000)),
  completionTokens: orNull(integer(1, 10_000_000)),
  reasoningTokens: integer(0, 10_000_000),
  silentReasoning: flag(),
  cachedTokens: integer(0, 10_000_000),
  toolCall: flag(),
  unicode: flag(),
  streamVariant: oneOf(['include_usage', 'mirrored', 'x_groq_only', 'x_groq_error']),
  xGroqErrorAfterChunks: orNull(integer(0, 10_000_000)),
  missingUsage: flag(),
  modelsShape: oneOf(['old', 'new']),
  chunkSplit: integer(0, 1_000_000),
  coalesce: integer(0, 1_000_000),
  crlf: flag(),
  comments: flag(),
  gzip: oneOf(['off', 'if-accepted', 'always']),
  hugeLineBytes: integer(0, 256 * 1024 * 1024),
  omitDone: flag(),
  stall: orNull({ allows: isStall, expected: '{"afterChunks": <integer>, "ms": <number>}' }),
  holdAfterChunks: orNull(integer(0, 10_000_000)),
  resetAfterChunks: orNull(integer(0, 10_000_000)),
  sseErrorAfterChunks: orNull(integer(0, 10_000_000)),
  error: orNull(oneOf(ERROR_ROWS)),
  errorCount: orNull(integer(1, 10_000_000)),
  errorOn: oneOf(['chat', 'all']),
  errorEchoesKey: flag(),
  abortBilling: oneOf(['generated', 'full']),
  generatesAhead: flag(),
  abortDelayMs: number(600_000),
  keys: { allows: isKeyPatch, expected: `{"<16 hex fingerprint>": ${oneOf(KEY_STATES).expected} or null}` },
};

/** A change of knobs; `keys` may use null to forget a key. */
export type KnobPatch = Partial<Omit<Knobs, 'keys'>> & {
  readonly keys?: Readonly<Record<string, KeyState | null>>;
};

/** Knobs with the patch merged in. Throws KnobError, changing nothing, if any part of the patch is wrong. */
export function mergeKnobs(current: Knobs, patch: unknown): Knobs {
  if (!isRecord(patch)) throw new KnobError('knobs must be a JSON object');
  for (const [name, value] of Object.entries(patch)) {
    if (!isKnob(name)) throw new KnobError(`unknown knob; did you mean "${nearestKnob(name)}"?`);
    if (!RULES[name].allows(value)) throw new KnobError(`knob "${name}" must be ${RULES[name].expected}`);
  }
  const checked = patch as KnobPatch;
  const keys = { ...current.keys, ...checked.keys };
  const kept = Object.entries(keys).filter((entry): entry is [string, KeyState] => entry[1] !== null);
  return Object.freeze({ ...current, ...checked, keys: Object.freeze(Object.fromEntries(kept)) });
}

/** The knobs after one call has failed by the `error` knob: counts it, and turns the error off after the last. */
export function afterError(knobs: Knobs): Knobs {
  if (knobs.errorCount === null) return knobs;
  return knobs.errorCount > 1
    ? { ...knobs, errorCount: knobs.errorCount - 1 }
    : { ...knobs, error: null, errorCount: null };
}

function isKnob(name: string): name is keyof Knobs {
  return Object.hasOwn(RULES, name);
}

function nearestKnob(name: string): string {
  const wanted = name.slice(0, 64).toLowerCase();
  const scored = Object.keys(RULES).map((knob) => [distance(wanted, knob.toLowerCase()), knob] as const);
  return scored.reduce((best, next) => (next[0] < best[0] ? next : best))[1];
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

function integer(min: number, max: number): Rule {
  return {
    allows: (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
    expected: `an integer from ${min} to ${max}`,
  };
}

function number(max: number): Rule {
  return {
    allows: (value) => typeof value === 'number' && value >= 0 && value <= max,
    expected: `a number from 0 to ${max}`,
  };
}

function flag(): Rule {
  return { allows: (value) => typeof value === 'boolean', expected: 'true or false' };
}

function oneOf(values: readonly string[]): Rule {
  return {
    allows: (value) => typeof value === 'string' && values.includes(value),
    expected: `one of ${values.map((value) => `"${value}"`).join(', ')}`,
  };
}

function orNull(rule: Rule): Rule {
  return { allows: (value) => value === null || rule.allows(value), expected: `${rule.expected}, or null` };
}

function isStall(value: unknown): boolean {
  if (!isRecord(value) || Object.keys(value).length !== 2) return false;
  return integer(0, 10_000_000).allows(value['afterChunks']) && number(600_000).allows(value['ms']);
}

function isKeyPatch(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const state = orNull(oneOf(KEY_STATES));
  return Object.entries(value).every(([name, entry]) => /^[0-9a-f]{16}$/.test(name) && state.allows(entry));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
