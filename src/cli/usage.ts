/** `usage`: calls, tokens and cost by team, token, model, environment or end user. */
import type { RouteReply } from '../admin/contract.ts';
import { usageBy } from '../admin/shapes.ts';
import { formatUsd } from '../core/money.ts';
import { choice, pastTime } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { formatCsv, printJson, printTable } from './output.ts';
import { SallyportError } from '../core/errors.ts';

export const usage = defineCommand({
  name: 'usage',
  summary: 'Sum up calls, tokens and cost.',
  options: {
    by: { type: 'string', value: 'WHAT', help: 'team (default), token, model, env or user' },
    since: { type: 'string', value: 'TIME', help: '1h, 7d, or an ISO time (default 30d)' },
    until: { type: 'string', value: 'TIME', help: 'likewise; its own moment is not included' },
    csv: { type: 'boolean', help: 'print CSV' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport usage --by model --since 7d', 'sallyport usage --by user --csv'],
  run: async ({ values, io }) => {
    if (values.csv && values.json) {
      throw new SallyportError('input.invalid', '--csv and --json exclude each other', {
        fix: 'leave one out',
      });
    }
    const by = choice('--by', values.by ?? 'team', usageBy.options);
    const query = {
      by,
      since: pastTime('--since', values.since ?? '30d', io.wallMs()),
      until: values.until === undefined ? undefined : pastTime('--until', values.until, io.wallMs()),
    };
    const reply = await AdminClient.open(values, io).call('usage.query', { query });
    const { rows } = reply;
    if (values.json) printJson(io, reply);
    else if (values.csv) {
      const header = [by, 'calls', 'errors', 'prompt_tokens', 'completion_tokens', 'cost_usd'];
      io.out(formatCsv([header, ...rows.map((row) => cells(row, row.group ?? '', ''))]));
    } else {
      const header = [by, 'calls', 'errors', 'prompt', 'completion', 'cost'];
      const lines = rows.map((row) => cells(row, row.group ?? '(none)', '$'));
      printTable(io, header, lines, 'there was no call in that time');
    }
    return EXIT.ok;
  },
});

function cells(row: RouteReply<'usage.query'>['rows'][number], group: string, currency: string): string[] {
  const { calls, errors, promptTokens, completionTokens, costPicoUsd } = row;
  const cost = `${currency}${formatUsd(BigInt(costPicoUsd))}`;
  return [group, String(calls), String(errors), String(promptTokens), String(completionTokens), cost];
}
