/**
 * What a token costs, and what a call may cost at most. Prices are integer pico-USD per token in prices.json: rows by hand with their
 * source, and rows that scripts/update-prices.ts generates. A model without a row has no price: null, which the caller refuses,
 * never zero.
 */
import { z } from 'zod';
import { SallyportError } from '../core/errors.ts';
import { type PicoUsd, picoUsd } from '../core/money.ts';
import bundledRows from './prices.json' with { type: 'json' };

/** Pico-USD per token. Where a provider states no price of its own for cached tokens, they cost what any input token costs. */
export interface TokenRates {
  readonly inputPicoUsd: bigint;
  readonly cachedPicoUsd: bigint;
  readonly cacheWritePicoUsd: bigint;
  /** Writes to a cache that lives for an hour. */
  readonly cacheWrite1hPicoUsd: bigint;
  readonly outputPicoUsd: bigint;
}

export interface ModelPrice {
  readonly provider: string;
  /** The model of the row, which for a dated snapshot is its undated name. */
  readonly model: string;
  readonly base: TokenRates;
  /** The rates of the whole call once its prompt has more than `aboveTokens` tokens. */
  readonly longContext: (TokenRates & { readonly aboveTokens: number }) | null;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly effectiveFromMs: number;
  readonly source: string;
  readonly asOf: string;
}

export interface TokenBound {
  readonly promptTokens: number;
  /** Of one choice. */
  readonly completionTokens: number;
  /** How many answers are asked for; 1 by default. */
  readonly choices?: number;
}

/** Tokens as a provider reports them. The cached and cache-write tokens are part of `promptTokens`. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens?: number;
  readonly cacheWrite1hTokens?: number;
  readonly completionTokens: number;
}

const INT64_MAX = 2n ** 63n - 1n;
const MAX_TOKENS = 2 ** 40;

// Up to $10,000 a million tokens and 100 million tokens of context: so no worst case leaves int64.
const perToken = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, 'whole pico-USD per token above zero, as a string: no model is free');
const tokens = z.int().min(1).max(100_000_000);
const rates = {
  input: perToken,
  cachedInput: perToken.nullable(),
  cacheWrite: perToken.nullable(),
  cacheWrite1h: perToken.nullable(),
  output: perToken,
};
const priceRow = z
  .strictObject({
    provider: z.string().min(1),
    model: z.string().min(1),
    ...rates,
    contextTokens: tokens,
    maxOutputTokens: tokens,
    longContext: z.strictObject({ aboveTokens: tokens, ...rates }).nullable(),
    /** True when `<model>-YYYYMMDD` and `<model>-YYYY-MM-DD` cost the same. */
    datedSnapshots: z.boolean(),
    /** 1970-01-01 when the provider gives no date. */
    effectiveFrom: z.iso.date(),
    source: z.string().min(1),
    asOf: z.iso.date(),
  })
  .refine((row) => row.maxOutputTokens <= row.contextTokens, 'maxOutputTokens is above contextTokens');
export type PriceRow = z.infer<typeof priceRow>;

interface PricedModel {
  readonly datedSnapshots: boolean;
  /** Newest first. */
  readonly prices: ModelPrice[];
}

const SNAPSHOT_DATE = /-(?:\d{8}|\d{4}-\d{2}-\d{2})$/;

export class PriceTable {
  readonly #models = new Map<string, Map<string, PricedModel>>();

  /** Throws `config.invalid` and names the first row that is malformed or states a model's price for the same date twice. */
  static parse(rows: readonly unknown[]): PriceTable {
    const table = new PriceTable();
    for (const [index, row] of rows.entries()) {
      const parsed = priceRow.safeParse(row);
      if (!parsed.success) throw badRow(index, row, z.prettifyError(parsed.error));
      table.#add(parsed.data, index);
    }
    return table;
  }

  /** The price of a model at a wall-clock time, or null when it has none: then no call may be made. */
  priceOf(provider: string, model: string, atMs: number): ModelPrice | null {
    return this.#find(provider, model)?.prices.find((price) => price.effectiveFromMs <= atMs) ?? null;
  }

  /** Every row that is about a model, whichever provider has it, newest first. */
  rowsOf(model: string): ModelPrice[] {
    return this.providers().flatMap((provider) => this.#find(provider, model)?.prices ?? []);
  }

  providers(): string[] {
    return [...this.#models.keys()];
  }

  #find(provider: string, model: string): PricedModel | undefined {
    const models = this.#models.get(provider);
    return models?.get(model) ?? snapshotOf(models, model);
  }

  #add(row: PriceRow, index: number): void {
    const models = this.#models.get(row.provider) ?? new Map<string, PricedModel>();
    this.#models.set(row.provider, models);
    const priced = models.get(row.model) ?? { datedSnapshots: row.datedSnapshots, prices: [] };
    models.set(row.model, priced);
    const price = toPrice(row);
    if (priced.prices.some(({ effectiveFromMs }) => effectiveFromMs === price.effectiveFromMs)) {
      throw badRow(index, row, `a second price from ${row.effectiveFrom}`);
    }
    if (priced.datedSnapshots !== row.datedSnapshots) {
      throw badRow(index, row, 'datedSnapshots differs between rows of one model');
    }
    priced.prices.push(price);
    priced.prices.sort((a, b) => b.effectiveFromMs - a.effectiveFromMs);
  }
}

export const BUNDLED = PriceTable.parse(bundledRows);

/** The bundled price of a model at a wall-clock time, or null when it has none: then no call may be made. */
export function priceOf(provider: string, model: string, atMs: number): ModelPrice | null {
  return BUNDLED.priceOf(provider, model, atMs);
}

/**
 * The most that a call can cost: every prompt token at the dearest input rate, every completion token used, the long-context rates as
 * soon as the prompt's bound reaches them. A bound that is no count of tokens is taken as the model's maximum.
 */
export function worstCase(price: ModelPrice, bound: TokenBound): PicoUsd {
  const promptTokens = boundedTokens(bound.promptTokens, price.contextTokens);
  const completionTokens =
    boundedTokens(bound.completionTokens, price.maxOutputTokens) * (bound.choices ?? 1);
  const base = callCost(price.base, promptTokens, completionTokens);
  const long = price.longContext;
  if (!long || promptTokens <= long.aboveTokens) return picoUsd(base);
  const crossed = callCost(long, promptTokens, completionTokens);
  return picoUsd(crossed > base ? crossed : base);
}

/**
 * The exact cost of what a provider reports. Null when the report cannot be true (no prompt at all, negative or fractional counts, parts
 * larger than the whole, counts above 2^40, a sum beyond int64): the caller then charges the whole hold.
 */
export function costOf(price: ModelPrice, usage: TokenUsage): PicoUsd | null {
  const { promptTokens, cachedTokens, completionTokens } = usage;
  const written = usage.cacheWriteTokens ?? 0;
  const written1h = usage.cacheWrite1hTokens ?? 0;
  if (![promptTokens, cachedTokens, written, written1h, completionTokens].every(isCount)) return null;
  const plain = promptTokens - cachedTokens - written - written1h;
  if (plain < 0 || promptTokens === 0) return null;
  const long = price.longContext;
  const at = long && promptTokens > long.aboveTokens ? long : price.base;
  const cost =
    BigInt(plain) * at.inputPicoUsd +
    BigInt(cachedTokens) * at.cachedPicoUsd +
    BigInt(written) * at.cacheWritePicoUsd +
    BigInt(written1h) * at.cacheWrite1hPicoUsd +
    BigInt(completionTokens) * at.outputPicoUsd;
  return cost > INT64_MAX ? null : picoUsd(cost);
}

function callCost(at: TokenRates, promptTokens: number, completionTokens: number): bigint {
  let dearest = at.inputPicoUsd;
  for (const rate of [at.cachedPicoUsd, at.cacheWritePicoUsd, at.cacheWrite1hPicoUsd]) {
    if (rate > dearest) dearest = rate;
  }
  return BigInt(promptTokens) * dearest + BigInt(completionTokens) * at.outputPicoUsd;
}

function boundedTokens(count: number, maximum: number): number {
  return isCount(count) && count < maximum ? count : maximum;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS;
}

function snapshotOf(models: Map<string, PricedModel> | undefined, model: string): PricedModel | undefined {
  const undated = model.replace(SNAPSHOT_DATE, '');
  const priced = undated === model ? undefined : models?.get(undated);
  return priced?.datedSnapshots ? priced : undefined;
}

function toPrice(row: PriceRow): ModelPrice {
  const { provider, model, contextTokens, maxOutputTokens, source, asOf, longContext } = row;
  return {
    provider,
    model,
    contextTokens,
    maxOutputTokens,
    source,
    asOf,
    base: toRates(row),
    longContext: longContext && { aboveTokens: longContext.aboveTokens, ...toRates(longContext) },
    effectiveFromMs: Date.parse(row.effectiveFrom),
  };
}

function toRates(row: Pick<PriceRow, keyof typeof rates>): TokenRates {
  const cacheWrite = row.cacheWrite ?? row.input;
  return {
    inputPicoUsd: BigInt(row.input),
    cachedPicoUsd: BigInt(row.cachedInput ?? row.input),
    cacheWritePicoUsd: BigInt(cacheWrite),
    cacheWrite1hPicoUsd: BigInt(row.cacheWrite1h ?? cacheWrite),
    outputPicoUsd: BigInt(row.output),
  };
}

function badRow(index: number, row: unknown, detail: string): SallyportError {
  const named = z.looseObject({ provider: z.string(), model: z.string() }).safeParse(row);
  const name = named.success ? ` (${named.data.provider} ${named.data.model})` : '';
  return new SallyportError('config.invalid', `Price row ${index + 1}${name} is not valid: ${detail}`, {
    fix: 'Correct the row. Prices are whole pico-USD per token, written as decimal strings.',
  });
}
