import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SallyportError } from '../core/errors.ts';
import { priceOf, type PriceRow } from './price.ts';
import { Prices, readPriceFile } from './prices.ts';

const NOW = Date.parse('2026-11-21');
const MODEL = 'openai/gpt-oss-20b';
const PROVIDERS = ['groq', 'openai'];
const ROW: PriceRow = {
  provider: 'groq',
  model: MODEL,
  input: '1000',
  cachedInput: null,
  cacheWrite: null,
  cacheWrite1h: null,
  output: '4000',
  contextTokens: 1000,
  maxOutputTokens: 500,
  longContext: null,
  datedSnapshots: false,
  effectiveFrom: '2026-11-01',
  source: 'our contract',
  asOf: '2026-11-01',
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-prices-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(content: unknown): string {
  const path = join(folder, 'prices.json');
  rmSync(path, { force: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return path;
}

function prices(...changes: Partial<PriceRow>[]): Prices {
  const rows: PriceRow[] = [];
  for (const change of changes) rows.push({ ...ROW, ...change });
  return new Prices(readPriceFile(file(rows), PROVIDERS));
}

function refusal(path: string): SallyportError {
  try {
    readPriceFile(path, PROVIDERS);
  } catch (error) {
    return error as SallyportError;
  }
  throw new Error('expected a refusal');
}

test('an own row applies from its date on, before any bundled one; what has no own row is as bundled', () => {
  const own = prices({}, { effectiveFrom: '2026-12-01', input: '2000' });
  expect(own.priceOf('groq', MODEL, NOW)?.base.inputPicoUsd).toBe(1000n);
  expect(own.priceOf('groq', MODEL, Date.parse('2026-12-01'))?.base.inputPicoUsd).toBe(2000n);
  const before = Date.parse('2026-10-31');
  expect(own.priceOf('groq', MODEL, before)).toEqual(priceOf('groq', MODEL, before));
  expect(own.priceOf('groq', 'openai/gpt-oss-120b', NOW)).toEqual(
    priceOf('groq', 'openai/gpt-oss-120b', NOW),
  );
});

test('an own row gives a model its first price, and never to another provider', () => {
  const own = prices({ model: 'house/model' });
  expect(own.priceOf('groq', 'house/model', NOW)?.source).toBe('our contract');
  expect(own.priceOf('openai', 'house/model', NOW)).toBeNull();
  expect(own.priceOf('groq', 'house/other', NOW)).toBeNull();
});

test('exactly one row a provider applies, and it says where it is from', () => {
  const rows = prices({}, { effectiveFrom: '2026-12-01' }).rowsOf(MODEL, NOW);
  expect(rows.map(({ price, applies, file }) => [price.effectiveFromMs, applies, file !== null])).toEqual([
    [Date.parse('2026-12-01'), false, true],
    [Date.parse('2026-11-01'), true, true],
    [0, false, false],
  ]);
  expect(new Prices(null).rowsOf(MODEL, NOW)).toMatchObject([{ applies: true, file: null }]);
  expect(new Prices(null).rowsOf('no-such-model', NOW)).toEqual([]);
});

test.each([
  ['a free input', [{ ...ROW, input: '0' }], 'no model is free'],
  ['a free output', [{ ...ROW, output: '0' }], 'no model is free'],
  ['free cached tokens', [{ ...ROW, cachedInput: '0' }], 'no model is free'],
  ['a negative price', [{ ...ROW, input: '-1' }], 'no model is free'],
  ['a price in dollars', [{ ...ROW, input: '0.15' }], 'no model is free'],
  ['a price that is a number', [{ ...ROW, input: 150_000 }], 'row 1 (groq openai/gpt-oss-20b)'],
  ['an unknown field', [{ ...ROW, inputs: '1' }], 'inputs'],
  ['a missing field', [{ ...ROW, maxOutputTokens: undefined }], 'maxOutputTokens'],
  ['two prices from one date', [ROW, { ...ROW, input: '7' }], 'a second price from 2026-11-01'],
  [
    'snapshots that are and are not',
    [ROW, { ...ROW, effectiveFrom: '2026-12-01', datedSnapshots: true }],
    'differs',
  ],
  ['a date that there is not', [{ ...ROW, effectiveFrom: '2026-02-30' }], 'effectiveFrom'],
  ['a provider that there is not', [{ ...ROW, provider: 'grok' }], '"grok"'],
  ['no list', ROW, 'not a JSON list'],
  ['no JSON', '[{]', 'is not JSON'],
])('%s is refused at start', (_, content, reason) => {
  const error = refusal(file(content));
  expect([error.code, error.message]).toEqual(['config.invalid', expect.stringContaining(reason)]);
  expect(error.message).toContain('SALLYPORT_PRICES');
});

test('a file that is missing, too large or that others can change is refused', () => {
  expect(refusal(join(folder, 'nothing.json')).message).toContain('cannot be read');
  const path = file([ROW]);
  chmodSync(path, 0o666);
  expect(refusal(path).message).toContain('changed by others');
  expect(refusal(file(' '.repeat(1_048_577))).message).toContain('larger than');
});
