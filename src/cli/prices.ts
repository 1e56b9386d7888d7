/** `prices`: what a model costs here. */
import type { PriceShape } from '../admin/shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { printJson, printTable } from './output.ts';

export const pricesShow = defineCommand({
  name: 'prices show',
  summary: 'Show the price rows of a model, which of them applies, and where each comes from.',
  args: ['MODEL'],
  options: {
    provider: { type: 'string', value: 'ID', help: 'of this provider only' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport prices show openai/gpt-oss-20b', 'sallyport prices show gpt-4o-mini --json'],
  notes: [
    'Prices are dollars per million tokens. SALLYPORT_PRICES=FILE adds rows of your own to `sallyport up`; from its date on, an own row applies before any bundled one.',
  ],
  run: async ({ values, args: [model = ''], io }) => {
    const query = { model, provider: values.provider };
    const { prices } = await AdminClient.open(values, io).call('price.list', { query });
    if (prices.length === 0) {
      throw new SallyportError('not_found', 'there is no price for this model, so calls of it are refused', {
        fix: 'add a row to the file that SALLYPORT_PRICES names',
      });
    }
    if (values.json) printJson(io, prices);
    else printTable(io, HEADER, prices.map(cells), '');
    return EXIT.ok;
  },
});

const HEADER = [
  '',
  'provider',
  'row',
  'from',
  'since',
  'input',
  'cached',
  'output',
  'context',
  'max output',
  'source',
];

function cells(row: PriceShape): string[] {
  const perMillion = (pico: string): string => `$${formatUsd(BigInt(pico) * 1_000_000n)}`;
  return [
    row.applies ? 'applies' : '-',
    row.provider,
    row.model,
    row.file ?? 'bundled',
    row.effectiveFrom.slice(0, 10),
    perMillion(row.inputPicoUsd),
    perMillion(row.cachedPicoUsd),
    perMillion(row.outputPicoUsd),
    String(row.contextTokens),
    String(row.maxOutputTokens),
    `${row.source} (${row.asOf})`,
  ];
}
