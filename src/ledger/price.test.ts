import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { calcPrice } from '@pydantic/genai-prices';
import * as fc from 'fast-check';
import { type ModelPrice, PriceTable, type PriceRow, costOf, priceOf, worstCase } from './price.ts';
import { print, regenerate } from '../../scripts/update-prices.ts';
import bundledRows from './prices.json' with { type: 'json' };

const NOW = Date.parse('2026-11-21');
const ROW: PriceRow = {
  provider: 'p',
  model: 'm',
  input: '100',
  cachedInput: '50',
  cacheWrite: '125',
  cacheWrite1h: '200',
  output: '400',
  contextTokens: 1000,
  maxOutputTokens: 500,
  longContext: null,
  datedSnapshots: false,
  effectiveFrom: '1970-01-01',
  source: 'test',
  asOf: '2026-11-21',
};
const LONG = {
  aboveTokens: 100,
  input: '200',
  cachedInput: null,
  cacheWrite: null,
  cacheWrite1h: null,
  output: '600',
};

function priced(provider: string, model: string, atMs = NOW): ModelPrice {
  const price = priceOf(provider, model, atMs);
  if (!price) throw new Error(`${provider} ${model} has no price`);
  return price;
}

function parsed(row: Partial<PriceRow>): ModelPrice {
  const price = PriceTable.parse([{ ...ROW, ...row }]).priceOf('p', 'm', NOW);
  if (!price) throw new Error('no price');
  return price;
}

test('Groq prices are the published ones, exact to the pico-dollar', () => {
  const usage = { promptTokens: 1_000_000, cachedTokens: 0, completionTokens: 1_000_000 };
  expect(costOf(priced('groq', 'openai/gpt-oss-120b'), usage)).toBe(750_000_000_000n as never);
  expect(costOf(priced('groq', 'openai/gpt-oss-20b'), { ...usage, cachedTokens: 1 })).toBe(
    374_999_962_500n as never,
  );
  expect(priced('groq', 'qwen/qwen3.8-27b').maxOutputTokens).toBe(131_042);
});

test('a model without a published token price has none, so that it is refused', () => {
  for (const model of [
    'groq/compound',
    'whisper-large-v3',
    'canopylabs/orpheus-v1-english',
    'allam-2-7b',
    '',
    'no-such',
  ]) {
    expect(priceOf('groq', model, NOW)).toBeNull();
  }
  for (const model of [
    'gpt-4o-audio-preview',
    'text-embedding-3-small',
    'gpt-image-1',
    'gpt-oss-120b',
    'o3-deep-research',
  ]) {
    expect(priceOf('openai', model, NOW)).toBeNull();
  }
  expect(priceOf('nobody', 'openai/gpt-oss-120b', NOW)).toBeNull();
});

test('names of objects are no models', () => {
  for (const name of ['constructor', '__proto__', 'toString']) expect(priceOf(name, name, NOW)).toBeNull();
});

test('a dated snapshot costs what its model costs only where the provider says so', () => {
  expect(priced('anthropic', 'claude-sonnet-4-5-20250929').base.inputPicoUsd).toBe(3_000_000n);
  expect(priced('anthropic', 'claude-sonnet-4-20250514').base.inputPicoUsd).toBe(3_000_000n);
  expect(priced('openai', 'gpt-4o-2024-05-13').base.inputPicoUsd).toBe(5_000_000n);
  expect(priceOf('openai', 'gpt-4o-2031-01-01', NOW)).toBeNull();
  expect(priceOf('anthropic', 'claude-sonnet-4-5-large', NOW)).toBeNull();
});

test('the price of the day holds: a reduction starts on its date', () => {
  const before = priced('openai', 'gpt-5.6-luna', Date.parse('2026-07-29T23:59:59.999Z'));
  const after = priced('openai', 'gpt-5.6-luna', Date.parse('2026-07-30T00:00:00Z'));
  expect([before.base.outputPicoUsd, after.base.outputPicoUsd]).toEqual([6_000_000n, 1_200_000n]);
  const table = PriceTable.parse([{ ...ROW, effectiveFrom: '2026-12-01' }]);
  expect(table.priceOf('p', 'm', NOW)).toBeNull();
});

test('every generated row gives what the package it comes from calculates', () => {
  const rows = bundledRows.filter((row) => row.source.startsWith('@pydantic'));
  expect(rows.length).toBeGreaterThan(100);
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const run = fc.property(fc.constantFrom(...rows), share, share, share, (row, fill, cached, written) => {
    const promptTokens = 1 + Math.floor(fill * (row.contextTokens - 1));
    const cachedTokens = row.cachedInput === null ? 0 : Math.floor(cached * promptTokens);
    const cacheWriteTokens =
      row.cacheWrite === null ? 0 : Math.floor(written * (promptTokens - cachedTokens));
    const completionTokens = Math.floor(written * row.maxOutputTokens);
    const cost = costOf(priced(row.provider, row.model), {
      promptTokens,
      cachedTokens,
      cacheWriteTokens,
      completionTokens,
    });
    const oracle = calcPrice(
      {
        input_tokens: promptTokens,
        cache_read_tokens: cachedTokens,
        cache_write_tokens: cacheWriteTokens,
        output_tokens: completionTokens,
      },
      row.model,
      { providerId: row.provider, timestamp: new Date(NOW) },
    );
    expect(Number(cost) / 1e12).toBeCloseTo(oracle?.total_price ?? -1, 9);
  });
  fc.assert(run, { numRuns: 2000 });
});

test('prices.json is what its script makes of the installed package, and rows by hand stay', () => {
  const manifest = new URL('../package.json', import.meta.resolve('@pydantic/genai-prices'));
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const file = readFileSync(new URL('prices.json', import.meta.url), 'utf8');
  const rows = JSON.parse(file) as PriceRow[];
  expect(print(regenerate(rows, version))).toBe(file);
  const byHand = { ...ROW, provider: 'openai', model: 'o3' };
  const kept = regenerate([byHand], version).filter((row) => row.model === 'o3');
  expect(kept).toEqual([byHand]);
});

test('no usage within the bound costs more than the worst case', () => {
  const tokens = fc.integer({ min: 1, max: 1000 });
  const run = fc.property(
    tokens,
    tokens,
    fc.array(fc.nat(400), { minLength: 3, maxLength: 3 }),
    fc.boolean(),
    (...given) => {
      const [promptBound, completionBound, [a = 0, b = 0, c = 0], long] = given;
      const price = parsed(long ? { longContext: LONG } : {});
      const promptTokens = Math.min(promptBound, price.contextTokens);
      const parts = [a, b, c].map((part) => Math.floor((part / 1201) * promptTokens));
      const [cachedTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens = 0] = parts;
      const completionTokens = Math.min(completionBound, price.maxOutputTokens);
      const usage = { promptTokens, cachedTokens, cacheWriteTokens, cacheWrite1hTokens, completionTokens };
      const worst = worstCase(price, { promptTokens: promptBound, completionTokens: completionBound });
      expect(costOf(price, usage)).not.toBeNull();
      expect((costOf(price, usage) ?? 0n) <= worst).toBe(true);
    },
  );
  fc.assert(run, { numRuns: 2000 });
});

test('the worst case takes the dearest input rate, the long-context tier from its border, and the model as the bound', () => {
  const price = parsed({ longContext: LONG });
  expect(worstCase(price, { promptTokens: 100, completionTokens: 1 })).toBe(20_400n as never);
  expect(worstCase(price, { promptTokens: 101, completionTokens: 1 })).toBe((101n * 200n + 600n) as never);
  const most = worstCase(price, { promptTokens: 1000, completionTokens: 500 });
  for (const nonsense of [1e15, Number.POSITIVE_INFINITY, Number.NaN, -1, 0.5]) {
    expect(worstCase(price, { promptTokens: nonsense, completionTokens: nonsense })).toBe(most);
  }
});

test('a tier that is cheaper than the base does not lower the worst case', () => {
  const price = parsed({ longContext: { ...LONG, input: '1', output: '1' } });
  expect(worstCase(price, { promptTokens: 101, completionTokens: 0 })).toBe(20_200n as never);
});

test('tokens without a rate of their own cost what input costs', () => {
  const price = parsed({ cachedInput: null, cacheWrite: null, cacheWrite1h: null });
  const usage = {
    promptTokens: 4,
    cachedTokens: 1,
    cacheWriteTokens: 1,
    cacheWrite1hTokens: 1,
    completionTokens: 0,
  };
  expect(costOf(price, usage)).toBe(400n as never);
});

test('a report that cannot be true has no cost, so that the hold is charged', () => {
  const price = parsed({});
  const good = { promptTokens: 10, cachedTokens: 4, completionTokens: 5 };
  expect(costOf(price, good)).toBe((6n * 100n + 4n * 50n + 5n * 400n) as never);
  for (const bad of [
    { promptTokens: 0, cachedTokens: 0 },
    { promptTokens: -1 },
    { promptTokens: 10.5 },
    { promptTokens: Number.NaN },
    { cachedTokens: 11 },
    { cachedTokens: -1 },
    { cachedTokens: 6, cacheWriteTokens: 5 },
    { cachedTokens: 6, cacheWrite1hTokens: 5 },
    { cacheWriteTokens: -5 },
    { completionTokens: -1 },
    { completionTokens: Number.POSITIVE_INFINITY },
    { completionTokens: 2 ** 40 + 1 },
    { promptTokens: 2 ** 41 },
  ]) {
    expect(costOf(price, { ...good, ...bad })).toBeNull();
  }
});

test('a cost beyond int64 is nonsense, not an overflow', () => {
  const price = parsed({ output: '9999999999' });
  const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 2 ** 40 };
  expect(costOf(price, usage)).toBeNull();
});

test('the largest row that is accepted has a worst case inside int64', () => {
  const dearest = '9999999999';
  const price = parsed({ input: dearest, output: dearest, contextTokens: 1e8, maxOutputTokens: 1e8 });
  expect(worstCase(price, { promptTokens: 1e8, completionTokens: 1e8 })).toBe(
    1_999_999_999_800_000_000n as never,
  );
});

test('a malformed price table refuses to load and names the row', () => {
  const bad: unknown[] = [
    { input: '0' },
    { input: '0.5' },
    { input: 100 },
    { output: '-1' },
    { contextTokens: 0 },
    { maxOutputTokens: 1001 },
    { effectiveFrom: '2026-13-01' },
    { unknown: 1 },
    { longContext: { aboveTokens: 1 } },
  ];
  for (const change of bad) {
    const load = () => PriceTable.parse([ROW, { ...ROW, model: 'odd', ...(change as object) }]);
    expect(load).toThrow(expect.objectContaining({ code: 'config.invalid' }));
    expect(load).toThrow(/row 2 \(p odd\)/);
  }
  expect(() => PriceTable.parse([null])).toThrow(/row 1 is/);
  expect(() => PriceTable.parse([ROW, ROW])).toThrow(/second price/);
});

test('every choice is bounded by the model\u2019s maximum on its own, and the prompt is paid once', () => {
  const price = priceOf('groq', 'openai/gpt-oss-20b', Date.parse('2026-11-01'))!;
  const one = worstCase(price, { promptTokens: 100, completionTokens: 65_536 });
  const three = worstCase(price, { promptTokens: 100, completionTokens: 65_536, choices: 3 });
  expect(three).toBe((one + 2n * 65_536n * price.base.outputPicoUsd) as typeof three);
});
