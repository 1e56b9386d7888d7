/**
 * The fake provider's own price list and arithmetic.
 * It shares nothing with the ledger, so that a wrong price or a wrong formula on either side shows up as
 * two bills that disagree.
 */
import { createHash } from 'node:crypto';

/** What one call used, as the provider counts it. `cachedTokens` are part of `promptTokens`. */
export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** One row of the price list. Prices are pico-USD per token: $0.15 per million tokens is 150000n. */
export interface Model {
  readonly id: string;
  readonly ownedBy: string;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly inputPicoUsd: bigint;
  /** `null`: no discount, cached tokens cost what any input token costs. */
  readonly cachedPicoUsd: bigint | null;
  readonly outputPicoUsd: bigint;
  /** Answers with a probability instead of prose. */
  readonly classifier: boolean;
  /** `system_fingerprint` of its replies. */
  readonly systemFingerprint: string;
}

type Row = readonly [
  id: string,
  ownedBy: string,
  context: number,
  maxOutput: number,
  input: bigint,
  cached: bigint | null,
  output: bigint,
];

const ROWS: readonly Row[] = [
  ['openai/gpt-oss-120b', 'OpenAI', 131_072, 65_536, 150_000n, 75_000n, 600_000n],
  ['openai/gpt-oss-20b', 'OpenAI', 131_072, 65_536, 75_000n, 37_500n, 300_000n],
  ['openai/gpt-oss-safeguard-20b', 'OpenAI', 131_072, 65_536, 75_000n, 37_500n, 300_000n],
  ['qwen/qwen3.6-27b', 'Alibaba Cloud', 131_072, 16_384, 600_000n, 300_000n, 3_000_000n],
  ['qwen/qwen3.8-27b', 'Alibaba Cloud', 131_042, 16_384, 800_000n, null, 4_000_000n],
  ['meta-llama/llama-prompt-guard-2-22m', 'Meta', 512, 512, 30_000n, null, 30_000n],
  ['meta-llama/llama-prompt-guard-2-86m', 'Meta', 512, 512, 40_000n, null, 40_000n],
];

/** Every model this provider serves, by id, in listing order. */
export const MODELS: ReadonlyMap<string, Model> = new Map(
  ROWS.map(([id, ownedBy, contextTokens, maxOutputTokens, inputPicoUsd, cachedPicoUsd, outputPicoUsd]) => [
    id,
    {
      id,
      ownedBy,
      contextTokens,
      maxOutputTokens,
      inputPicoUsd,
      cachedPicoUsd,
      outputPicoUsd,
      classifier: id.includes('prompt-guard'),
      systemFingerprint: `fp_${createHash('sha256').update(id).digest('hex').slice(0, 10)}`,
    },
  ]),
);

/** The exact price of a call in pico-USD. Every price is a whole number per token, so nothing is rounded. */
export function pricePicoUsd(model: Model, usage: Usage): bigint {
  const fresh = BigInt(usage.promptTokens - usage.cachedTokens);
  const cached = BigInt(usage.cachedTokens);
  return (
    fresh * model.inputPicoUsd +
    cached * (model.cachedPicoUsd ?? model.inputPicoUsd) +
    BigInt(usage.completionTokens) * model.outputPicoUsd
  );
}

/** One item of `GET /models`; the `new` shape adds the fields seen in 2026 listings. */
export function modelItem(model: Model, shape: 'old' | 'new'): Record<string, unknown> {
  const item = {
    id: model.id,
    object: 'model',
    created: 1_754_407_957,
    owned_by: model.ownedBy,
    active: true,
    context_window: model.contextTokens,
    public_apps: null,
    max_completion_tokens: model.maxOutputTokens,
  };
  if (shape === 'old') return item;
  return {
    ...item,
    name: model.id.slice(model.id.indexOf('/') + 1),
    input_modalities: ['text'],
    output_modalities: ['text'],
    supported_features: model.classifier ? [] : ['tools', 'json_mode'],
  };
}
