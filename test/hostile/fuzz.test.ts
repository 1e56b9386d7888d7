import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { scanObject } from '../../src/core/json-scan.ts';
import { splice } from '../../src/core/splice.ts';
import { StreamMeter } from '../../src/gateway/stream-meter.ts';
import { capEdit, includeUsageEdit, readChatRequest } from '../../src/providers/openai-request.ts';
import { isStreamError, isUsageOnly, readUsage } from '../../src/providers/openai-answer.ts';
import { SallyportError } from '../../src/core/errors.ts';
import { REQUESTS, STREAMS } from '../support/fuzz-corpus.ts';
import { type Dice, diceOf, fuzz } from '../support/fuzz.ts';
import { referenceEvents } from '../support/reference-sse.ts';

/** The suite takes a fixed number of inputs from a fixed seed; `bun run fuzz` takes minutes from a new one. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 0);
const SEED = Number(process.env['FUZZ_SEED'] ?? (SECONDS > 0 ? Date.now() % 2 ** 31 : 1));
const TIMEOUT_MS = (SECONDS + 60) * 1000;

type Json = Record<string, unknown>;

/** What JSON.parse and a count of what stands outside strings say: the oracle for the scanner. */
function oracle(input: Buffer): { parsed: Json; duplicates: boolean; depth: number } | null {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null;
  const bare = text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '');
  let depth = 0;
  let deepest = 0;
  for (const char of bare) {
    if (char === '{' || char === '[') deepest = Math.max(deepest, (depth += 1));
    if (char === '}' || char === ']') depth -= 1;
  }
  // Every member has one colon outside strings; of members with the same name only one is left.
  return {
    parsed: parsed as Json,
    duplicates: bare.split(':').length - 1 !== countMembers(parsed),
    depth: deepest,
  };
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value).reduce<number>((sum, item) => sum + countMembers(item), 0);
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

/** What `run` returns, or null when it refuses; any other error is thrown. */
function orRefused<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'request.invalid') return null;
    throw error;
  }
}

function checkScan(input: Buffer): void {
  const expected = oracle(input);
  const scan = orRefused(() => scanObject(input));
  expect(scan !== null).toBe(expected !== null && !expected.duplicates && expected.depth <= 64);
  if (scan === null || expected === null) return;
  expect([...scan.members.keys()].sort()).toEqual(Object.keys(expected.parsed).sort());
  for (const [name, { start, end }] of scan.members) {
    const own = Object.getOwnPropertyDescriptor(expected.parsed, name)?.value as unknown;
    expect(JSON.parse(input.toString('utf8', start, end))).toEqual(own as never);
  }
}

/** The edits that the pipeline makes, and the object that must come out. */
function checkSplice(input: Buffer, dice: Dice): void {
  const asked = orRefused(() => readChatRequest(input));
  if (asked === null) return;
  const parsed = JSON.parse(input.toString('utf8')) as Json;
  const wanted: Json = { ...parsed };
  const edits = [];
  const cap = 1 + dice(100_000);
  if (asked.outputCap === null) {
    edits.push(capEdit(asked, cap));
    wanted['max_completion_tokens'] = cap;
  }
  if (!asked.includeUsage) {
    edits.push(includeUsageEdit(input, asked));
    wanted['stream_options'] = { ...(parsed['stream_options'] as Json | null), include_usage: true };
  }
  const spliced = splice(input, edits);
  expect(JSON.parse(spliced.toString('utf8'))).toEqual(wanted);
  const again = readChatRequest(spliced);
  expect({ ...again, places: null, promptTokens: 0 }).toEqual({
    ...asked,
    places: null,
    promptTokens: 0,
    outputCap: asked.outputCap ?? cap,
    includeUsage: true,
  });
}

interface Metered {
  readonly meter: StreamMeter;
  readonly passed: Buffer;
}

function meterAll(input: Buffer, dropUsageChunk: boolean, cuts: readonly number[]): Metered {
  const meter = new StreamMeter({ dropUsageChunk });
  const at = [0, ...cuts.toSorted((a, b) => a - b), input.length];
  const passed = at.slice(1).map((to, index) => Buffer.from(meter.read(input.subarray(at[index], to))));
  return { meter, passed: Buffer.concat([...passed, meter.end()]) };
}

function readings({ meter }: Metered): unknown {
  const { usage, failed, unreadable, bytes } = meter;
  return { usage, failed, unreadable, bytes, tokens: meter.completionTokens() };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkMeter(input: Buffer, dice: Dice): void {
  const cuts = Array.from({ length: dice(8) }, () => dice(input.length + 1));
  const atOnce = meterAll(input, false, []);
  const cut = meterAll(input, false, cuts);
  expect(cut.passed.equals(input)).toBe(true);
  expect(readings(cut)).toEqual(readings(atOnce));
  const dropped = meterAll(input, true, cuts);
  expect(readings(dropped)).toEqual(readings(atOnce));
  expect(dropped.passed.equals(meterAll(input, true, []).passed)).toBe(true);

  const events = referenceEvents(input);
  const { usage, failed, unreadable } = atOnce.meter;
  const said = events.filter(({ data }) => data !== '' && data !== '[DONE]');
  // No byte of an answer goes by unmetered.
  if (said.length > 0) expect(usage !== null || unreadable || atOnce.meter.completionTokens() > 0).toBe(true);
  if (!events.every(({ plain }) => plain)) return;
  const stated = said.map(({ data }) => parse(data));
  expect(usage).toEqual(stated.map((event) => readUsage(event)).findLast((one) => one !== null) ?? null);
  expect(failed).toBe(stated.some(isStreamError));
  const kept = events.filter(({ data }) => !isUsageOnly(parse(data))).map(({ data }) => data);
  expect(referenceEvents(dropped.passed).map(({ data }) => data)).toEqual(kept);
}

test(
  'the scanner agrees with JSON.parse on any bytes',
  () => {
    const runs = fuzz({ corpus: REQUESTS, check: checkScan }, SECONDS, 15_000, SEED);
    expect(runs).toBeGreaterThanOrEqual(15_000);
  },
  TIMEOUT_MS,
);

test(
  'a request that is let through parses, after our edits, to what was asked plus what we put in',
  () => {
    const runs = fuzz({ corpus: REQUESTS, check: checkSplice }, SECONDS, 15_000, SEED);
    expect(runs).toBeGreaterThanOrEqual(15_000);
  },
  TIMEOUT_MS,
);

test(
  'the meter reads what the format says, wherever a stream is cut, and no byte goes by unmetered',
  () => {
    const runs = fuzz({ corpus: STREAMS, check: checkMeter }, SECONDS, 10_000, SEED);
    expect(runs).toBeGreaterThanOrEqual(10_000);
  },
  TIMEOUT_MS,
);

test(
  'requests of any JSON are read or refused, and their edits hold',
  () => {
    const request = fc.record(
      {
        model: fc.constantFrom('m', 'é', '\ud800', '', 1),
        messages: fc.array(fc.record({ role: fc.string(), content: fc.jsonValue() }), { maxLength: 3 }),
        stream: fc.constantFrom(true, false, null, 'true'),
        stream_options: fc.oneof(
          fc.constant(null),
          fc.dictionary(
            fc.constantFrom('include_usage', 'x', '{', '"'),
            fc.oneof(fc.boolean(), fc.jsonValue()),
          ),
        ),
        max_completion_tokens: fc.constantFrom(null, 1, 0, 50, '1', 1.5),
        max_tokens: fc.constantFrom(null, 1, 0, 50),
        user: fc.jsonValue(),
        'a,b:{"': fc.jsonValue(),
      },
      { requiredKeys: ['model', 'messages'] },
    );
    const property = fc.property(request, fc.nat(10), fc.integer(), (body, indent, seed) => {
      const bytes = Buffer.from(JSON.stringify(body, null, indent));
      checkScan(bytes);
      checkSplice(bytes, diceOf(seed));
    });
    const limits =
      SECONDS > 0 ? { interruptAfterTimeLimit: SECONDS * 1000, numRuns: 100_000_000 } : { numRuns: 500 };
    fc.assert(property, { ...limits, seed: SEED });
  },
  TIMEOUT_MS,
);
