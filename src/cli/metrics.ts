/** `metrics`: what Prometheus reads, for a look at it without a token. */
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { printJson } from './output.ts';

export const metrics = defineCommand({
  name: 'metrics',
  summary: 'Print the metrics of the running gateway, as Prometheus reads them.',
  options: SERVER_OPTIONS,
  examples: ['sallyport metrics', 'sallyport metrics --url http://127.0.0.1:4142 --admin-token-file token'],
  notes: [
    "Prometheus reads the same page at /metrics of the admin listener, with an admin token: sallyport token issue --type admin --scope 'metrics:read' --expires 90d",
  ],
  run: async ({ values, io }) => {
    const text = await AdminClient.open(values, io).metrics();
    if (values.json) printJson(io, { text });
    else io.out(text);
    return EXIT.ok;
  },
});
