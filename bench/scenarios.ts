/** What is measured: the shape of a call, how many of them, and what one unit of the result is. */
import type { KnobPatch } from '../src/fake/knobs.ts';

const MODEL = 'openai/gpt-oss-20b';
const KIB = 1024;

export interface CpuScenario {
  readonly name: 'call' | 'chunk' | 'large';
  readonly title: string;
  readonly knobs: KnobPatch;
  readonly body: string;
  /** Events in each answer, 0 for a plain answer. */
  readonly events: number;
  /** Calls in one measurement of a peer of weight 1, or of every peer when the provider sets the pace. */
  readonly calls: number;
  readonly paced: boolean;
  readonly concurrency: number;
  /** Units of the result in one call. */
  readonly units: number;
}

const CHUNKS = 100;
/** Slow enough that a chunk is read before the next one comes: a flood would be measured by how much one read happens to merge. */
const CHUNKS_PER_SECOND = 200;
/** The opening event, the one with the finish reason and `[DONE]` are chunks as well. */
const FRAME_CHUNKS = 3;

export const CPU_SCENARIOS: readonly CpuScenario[] = [
  {
    name: 'call',
    title: 'plain call: 1 KB request, 1 KB answer; per call',
    knobs: { completionTokens: 100, coalesce: 1 },
    body: chatBody(KIB, {}),
    events: 0,
    calls: 16_000,
    paced: false,
    concurrency: 32,
    units: 1,
  },
  {
    name: 'chunk',
    title: `stream of ${CHUNKS} chunks at ${CHUNKS_PER_SECOND} a second, one a write; per chunk`,
    knobs: { completionTokens: CHUNKS - FRAME_CHUNKS, coalesce: 1, tokensPerSecond: CHUNKS_PER_SECOND },
    body: chatBody(KIB, { stream: true }),
    events: CHUNKS,
    calls: 480,
    paced: true,
    concurrency: 48,
    units: CHUNKS,
  },
  {
    name: 'large',
    title: 'prompt of 150 KB, 1 KB answer; per call',
    knobs: { completionTokens: 100, coalesce: 1 },
    body: chatBody(150 * KIB, {}),
    events: 0,
    calls: 2000,
    paced: false,
    concurrency: 8,
    units: 1,
  },
];

/** The answer's first byte, for latency: a provider that is faster than a disk is none. */
export const FIRST_BYTE_MS = 5;
export const LATENCY_KNOBS: KnobPatch = { completionTokens: 100, ttftMs: FIRST_BYTE_MS };
export const LATENCY_BODY = chatBody(KIB, {});
/** Of each target in each round. */
export const LATENCY_SAMPLES = 150;

/** A chat request of so many bytes, in several messages like a conversation. */
function chatBody(bytes: number, more: object): string {
  const text = 'The quick brown fox jumps over the lazy dog, and says "hello".\n';
  const request = (filler: string): string =>
    JSON.stringify({
      model: MODEL,
      ...more,
      messages: [
        { role: 'system', content: 'Answer briefly.' },
        { role: 'user', content: 'Hello!' },
        { role: 'assistant', content: 'Hello. How can I help?' },
        { role: 'user', content: filler },
      ],
      temperature: 0.2,
      max_completion_tokens: 1000,
    });
  const room = bytes - Buffer.byteLength(request(''));
  const escaped = Buffer.byteLength(JSON.stringify(text)) - 2;
  const filler = text.repeat(Math.floor(room / escaped));
  return request(filler + 'x'.repeat(Math.max(0, bytes - Buffer.byteLength(request(filler)))));
}
