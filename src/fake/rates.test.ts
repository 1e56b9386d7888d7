import { expect, test } from 'bun:test';
import { MODELS, pricePicoUsd, type Model } from './rates.ts';

function model(id: string): Model {
  return MODELS.get(id)!;
}

const usage = { promptTokens: 1_000_000, cachedTokens: 0, completionTokens: 0 };
const output = { promptTokens: 0, cachedTokens: 0, completionTokens: 1_000_000 };
const cached = { promptTokens: 1_000_000, cachedTokens: 1_000_000, completionTokens: 0 };

test.each([
  ['openai/gpt-oss-120b', 0.15, 0.075, 0.6],
  ['openai/gpt-oss-20b', 0.075, 0.0375, 0.3],
  ['openai/gpt-oss-safeguard-20b', 0.075, 0.0375, 0.3],
  ['qwen/qwen3.6-27b', 0.6, 0.3, 3],
  ['qwen/qwen3.8-27b', 0.8, 0.8, 4],
  ['meta-llama/llama-prompt-guard-2-22m', 0.03, 0.03, 0.03],
  ['meta-llama/llama-prompt-guard-2-86m', 0.04, 0.04, 0.04],
])('a million tokens of %s cost the published dollars', (id, input, cachedInput, out) => {
  const dollars = (value: number): bigint => BigInt(Math.round(value * 1e6)) * 1_000_000n;
  expect(pricePicoUsd(model(id), usage)).toBe(dollars(input));
  expect(pricePicoUsd(model(id), cached)).toBe(dollars(cachedInput));
  expect(pricePicoUsd(model(id), output)).toBe(dollars(out));
});

test('cached tokens are part of the prompt, not added to it', () => {
  const mixed = { promptTokens: 100, cachedTokens: 40, completionTokens: 10 };
  expect(pricePicoUsd(model('openai/gpt-oss-20b'), mixed)).toBe(
    60n * 75_000n + 40n * 37_500n + 10n * 300_000n,
  );
});

test('amounts beyond 2^53 stay exact', () => {
  const huge = { promptTokens: 0, cachedTokens: 0, completionTokens: 9_007_199_254_740_991 };
  expect(pricePicoUsd(model('qwen/qwen3.8-27b'), huge)).toBe(9_007_199_254_740_991n * 4_000_000n);
});

test('a system fingerprint is fp_ and ten hex digits, one per model', () => {
  const all = [...MODELS.values()].map((row) => row.systemFingerprint);
  for (const fingerprint of all) expect(fingerprint).toMatch(/^fp_[0-9a-f]{10}$/);
  expect(new Set(all).size).toBe(MODELS.size);
});
