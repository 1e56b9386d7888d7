import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { verifyJournal } from '../../src/audit/verify.ts';
import type { KnobPatch } from '../../src/fake/fake.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { balance, budget, journaledCalls } from '../support/calls.ts';
import { openGate } from '../support/harness.ts';
import { postChat } from '../support/setup.ts';

const ROUNDS = 30;
const CALLS_PER_ROUND = 10;
const MODELS = [
  'openai/gpt-oss-20b',
  'openai/gpt-oss-120b',
  'openai/gpt-oss-safeguard-20b',
  'qwen/qwen3.6-27b',
  'qwen/qwen3.8-27b',
  'meta-llama/llama-prompt-guard-2-22m',
];
const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'f',
      parameters: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    },
  },
];

/** Repeatable: a failure names the seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function knobs(pick: (below: number) => number): KnobPatch {
  const completionTokens = 1 + pick(120);
  return {
    completionTokens,
    reasoningTokens: pick(2) * pick(completionTokens),
    promptTokens: pick(3) === 0 ? 1 + pick(200) : null,
    cachedTokens: pick(2) * pick(300),
    toolCall: pick(4) === 0,
    unicode: pick(2) === 0,
    streamVariant: (['include_usage', 'mirrored', 'x_groq_only'] as const)[pick(3)]!,
    chunkSplit: pick(3) === 0 ? 1 + pick(400) : 0,
    coalesce: pick(6),
    crlf: pick(3) === 0,
    comments: pick(3) === 0,
    gzip: (['off', 'if-accepted', 'always'] as const)[pick(3)]!,
    hugeLineBytes: pick(8) === 0 ? 50_000 : 0,
    omitDone: pick(4) === 0,
    ttftMs: pick(5),
  };
}

function body(pick: (below: number) => number): object {
  return {
    model: MODELS[pick(MODELS.length)],
    messages: [{ role: 'user', content: 'ü'.repeat(1 + pick(300)) }],
    max_completion_tokens: pick(3) === 0 ? undefined : 1 + pick(150),
    stream: pick(3) > 0,
    ...(pick(2) === 0 ? {} : { stream_options: { include_usage: pick(2) === 0 } }),
    ...(pick(3) === 0 ? { tools: TOOLS } : {}),
    ...(pick(4) === 0 ? { service_tier: 'flex' } : {}),
  };
}

test('300 calls of every ordinary kind cost to the pico-USD what the provider bills, in journal, ledger and index', async () => {
  const seed = Date.now() % 2 ** 31;
  const pick = random(seed);
  await using gate = await openGate({ budgetUsd: '1000' });
  for (let round = 0; round < ROUNDS; round += 1) {
    gate.fake.setKnobs(knobs(pick));
    const answers = Array.from({ length: CALLS_PER_ROUND }, async () => {
      const response = await postChat(gate, body(pick));
      return [response.status, (await response.arrayBuffer()).byteLength > 0] as const;
    });
    expect([seed, await Promise.all(answers)]).toEqual([
      seed,
      Array.from({ length: CALLS_PER_ROUND }, () => [200, true] as const),
    ]);
  }
  const total = ROUNDS * CALLS_PER_ROUND;
  const bill = BigInt(gate.fake.bill().picoUsd);
  expect(gate.fake.bill().calls).toBe(total);
  expect(await balance(gate)).toEqual({
    calls: total,
    costPicoUsd: bill,
    spentPicoUsd: bill,
    heldPicoUsd: 0n,
    unsettled: [],
  });
  const calls = journaledCalls(gate);
  for (const { requestId, picoUsd, promptTokens, completionTokens } of gate.fake.calls()) {
    const { start, ends } = calls.get(requestId!)!;
    expect([seed, requestId, ends[0]]).toMatchObject([
      seed,
      requestId,
      { costPicoUsd: picoUsd, promptTokens, completionTokens, basis: 'usage', result: 'success' },
    ]);
    expect(BigInt(start.holdPicoUsd)).toBeGreaterThanOrEqual(BigInt(picoUsd));
    expect(ends[0]!.overrunPicoUsd).toBe('0');
  }

  // The restart reads it all again, from files alone.
  await gate.restart();
  expect(gate.app.recoveredCalls).toBe(0);
  expect<bigint>(budget(gate).spentPicoUsd).toBe(bill);
  expect(verifyJournal(join(gate.data, 'journal'))).toMatchObject({ ok: true, streams: 2 });
  await gate.restart();
  const storage = await openStorage({ file: join(gate.data, 'sallyport.db') });
  const rows = await storage.index.query({ action: 'call', limit: total + 1 });
  const usage = await storage.index.usage('team', 0, Date.now() + 1000);
  await storage.close();
  expect(rows).toHaveLength(total);
  expect(rows.reduce((sum, { costPicoUsd }) => sum + costPicoUsd, 0n)).toBe(bill);
  expect(usage).toMatchObject([{ group: 'acme', calls: total, errors: 0, costPicoUsd: bill }]);
});
