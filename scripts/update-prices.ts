/**
 * Rewrites the OpenAI and Anthropic rows of src/ledger/prices.json from the data inside @pydantic/genai-prices; rows by hand stay and
 * win. Run after updating that package (`npm run prices`) and review the diff: nothing is fetched, neither here nor at build time.
 * Left out: models without a known context (their output has no bound), with prices that are not whole pico-USD per token, with more
 * than one long-context tier, that are not priced by text tokens alone, or whose price the package took from a reseller.
 */
import { calcPrice, findProvider, type MatchLogic, type ModelInfo } from '@pydantic/genai-prices';
import { readFileSync, writeFileSync } from 'node:fs';
import { PriceTable, type PriceRow } from '../src/ledger/price.ts';

type Prices = ReturnType<typeof pricesOf>[number]['prices'];
type Tiered = Exclude<Prices[string], number | undefined>;
type Rates = Pick<PriceRow, 'input' | 'cachedInput' | 'cacheWrite' | 'cacheWrite1h' | 'output'>;

const FILE = new URL('../src/ledger/prices.json', import.meta.url);
const PACKAGE = '@pydantic/genai-prices';
/** When each version's data was collected; the package does not say. */
const COLLECTED: Readonly<Record<string, string>> = { '0.1.8': '2026-09-23' };
const PROVIDERS = ['anthropic', 'openai'] as const;
const NOT_TEXT_CHAT =
  /audio|realtime|transcribe|tts|image|embedding|moderation|instruct|search-preview|deep-research|computer-use|^ft:/;
/** Real names that the package's rules match by prefix without spelling them out. */
const MORE_NAMES = ['claude-sonnet-4-20250514'];
/** Spellings of resellers, and prefixes that end inside a date. */
const NO_NAME = /^claude.*\.|-20\d\d$/;
/** Fees for tools that a call may switch on: no part of a token's price. */
const FEE_KEYS = new Set(['web_searches_kcount', 'storage_searches_kcount']);
const RATE_KEYS = {
  input: 'input_mtok',
  cachedInput: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
  output: 'output_mtok',
} as const;

/** The whole table: rows by hand as they are, generated ones anew. */
export function regenerate(rows: readonly PriceRow[], version: string): PriceRow[] {
  const asOf = COLLECTED[version];
  if (!asOf)
    throw new Error(`Add the date of ${PACKAGE} ${version} to COLLECTED in scripts/update-prices.ts.`);
  const byHand = rows.filter((row) => !row.source.startsWith(PACKAGE));
  const taken = new Set(byHand.map((row) => `${row.provider} ${row.model}`));
  const generated = PROVIDERS.flatMap((provider) =>
    (findProvider({ providerId: provider })?.models ?? []).flatMap((model) =>
      rowsOf(provider, model, `${PACKAGE}@${version}`, asOf),
    ),
  );
  const order = (row: PriceRow): string => `${row.provider}\n${row.model}\n${row.effectiveFrom}`;
  return [...byHand, ...generated.filter((row) => !taken.has(`${row.provider} ${row.model}`))].sort((a, b) =>
    order(a) < order(b) ? -1 : 1,
  );
}

/** One row a line, so that a changed price is one changed line. */
export function print(rows: readonly PriceRow[]): string {
  return `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
}

function rowsOf(provider: string, model: ModelInfo, source: string, asOf: string): PriceRow[] {
  const contextTokens = model.context_window;
  const resold = model.price_comments?.includes('OpenRouter') ?? false;
  if (!contextTokens || resold || NOT_TEXT_CHAT.test(model.id)) return [];
  const dated = pricesOf(model).map(({ start, prices }) => ({ start, rates: exactRates(prices) }));
  return [...new Set([model.id, ...namesIn(model.match), ...MORE_NAMES])]
    .filter((name) => !NOT_TEXT_CHAT.test(name) && !NO_NAME.test(name) && isPricedAs(provider, name, model))
    .flatMap((name) =>
      dated.flatMap(({ start, rates }) => {
        if (!rates || start === null) return [];
        const datedSnapshots = ['-20990101', '-2099-01-01'].some((date) =>
          isPricedAs(provider, `${name}${date}`, model),
        );
        const { longContext, ...base } = rates;
        const bounds = { contextTokens, maxOutputTokens: contextTokens, longContext, datedSnapshots };
        return [{ provider, model: name, ...base, ...bounds, effectiveFrom: start, source, asOf }];
      }),
    );
}

/** A model's prices with the day each begins; null for one that holds at certain hours only. */
function pricesOf(model: ModelInfo) {
  if (!Array.isArray(model.prices)) return [{ start: '1970-01-01', prices: model.prices }];
  return model.prices.map(({ constraint, prices }) => {
    if (!constraint) return { start: '1970-01-01', prices };
    return { start: constraint.type === 'start_date' ? constraint.start_date.slice(0, 10) : null, prices };
  });
}

/** Null unless all rates are whole pico-USD per text token, with at most one tier that begins at the same prompt size for each. */
function exactRates(prices: Prices): (Rates & Pick<PriceRow, 'longContext'>) | null {
  const { input_mtok: input, output_mtok: output, ...others } = prices;
  if (input === undefined || output === undefined) return null;
  const isRate = (key: string): boolean => Object.values<string>(RATE_KEYS).includes(key);
  if (Object.keys(others).some((key) => !isRate(key) && !FEE_KEYS.has(key))) return null;
  const tiered = Object.keys(prices).flatMap((key) => {
    const price = prices[key];
    return isRate(key) && typeof price === 'object' ? [price] : [];
  });
  const starts = new Set(tiered.flatMap((price) => price.tiers.map((tier) => tier.start)));
  const [aboveTokens, ...more] = [...starts];
  const base = ratesAt(prices, (price) => price.base);
  const long = ratesAt(prices, (price) => price.tiers[0]?.price ?? price.base);
  if (!base || !long || more.length > 0) return null;
  return { ...base, longContext: aboveTokens === undefined ? null : { aboveTokens, ...long } };
}

function ratesAt(prices: Prices, tier: (price: Tiered) => number): Rates | null {
  const exact = new Map<string, string | null>();
  for (const [name, key] of Object.entries(RATE_KEYS)) {
    const price = prices[key];
    const digits = price === undefined ? null : perToken(typeof price === 'number' ? price : tier(price));
    if (digits === undefined) return null;
    exact.set(name, digits);
  }
  return Object.fromEntries(exact) as Rates;
}

/** USD per million tokens as pico-USD per token: the decimal point moves six places. Undefined for zero, or when digits would be lost. */
function perToken(usdPerMillion: number): string | undefined {
  const match = /^(\d+)(?:\.(\d{1,6}))?$/.exec(String(usdPerMillion));
  if (!match || usdPerMillion === 0) return undefined;
  return BigInt(`${match[1] ?? ''}${(match[2] ?? '').padEnd(6, '0')}`).toString();
}

/** The exact names that a match rule spells out; a prefix counts when it is a whole name. */
function namesIn(match: MatchLogic): string[] {
  if ('or' in match) return match.or.flatMap(namesIn);
  if ('equals' in match) return [match.equals];
  return 'starts_with' in match && /[a-z0-9]$/.test(match.starts_with) ? [match.starts_with] : [];
}

function isPricedAs(provider: string, name: string, model: ModelInfo): boolean {
  return calcPrice({ input_tokens: 1 }, name, { providerId: provider })?.model.id === model.id;
}

if (import.meta.main) {
  const manifest = new URL('../package.json', import.meta.resolve(PACKAGE));
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const rows = regenerate(JSON.parse(readFileSync(FILE, 'utf8')) as PriceRow[], version);
  PriceTable.parse(rows);
  writeFileSync(FILE, print(rows));
  process.stdout.write(`${rows.length} prices written to ${FILE.pathname}\n`);
}
