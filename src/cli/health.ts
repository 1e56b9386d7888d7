/** `health`: one answer, for supervisors and containers. */
import { describe, SallyportError } from '../core/errors.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { note, printJson } from './output.ts';

const TIMEOUT_MS = 5000;

export const health = defineCommand({
  name: 'health',
  summary: 'Say whether the gateway takes calls: exit 0 if it does, 1 if not.',
  options: {
    data: SERVER_OPTIONS.data,
    url: { type: 'string', value: 'URL', help: 'gateway to ask, instead of the one on the data folder' },
    json: SERVER_OPTIONS.json,
  },
  examples: ['sallyport health', 'sallyport health --url https://llm.example.com'],
  notes: [
    'Without --url the server of the data folder is asked where its gateway is, and then the gateway itself.',
  ],
  run: async ({ values, io }) => {
    if (values.url !== undefined && values.data !== undefined) {
      throw new SallyportError('config.invalid', '--url and --data exclude each other');
    }
    const problem =
      values.url === undefined ? await askLocal(values.data, io) : await ask(gatewayUrl(values.url), true);
    if (values.json) printJson(io, { ready: problem === null, problem });
    else if (problem === null) io.out('ready\n');
    else note(io, `not ready: ${problem}`);
    return problem === null ? EXIT.ok : EXIT.refused;
  },
});

async function askLocal(data: string | undefined, io: Io): Promise<string | null> {
  let url: string;
  try {
    const server = { data, url: undefined, 'admin-token-file': undefined };
    url = (await AdminClient.open(server, io).call('status.show')).gatewayUrl;
  } catch (error) {
    return describe(error);
  }
  // Its certificate is for a public name, not for loopback. The address comes from the server itself, and nothing secret is sent.
  return ask(url, false);
}

/** What is wrong, or null. */
async function ask(origin: string, verify: boolean): Promise<string | null> {
  try {
    const { status } = await fetch(`${origin}/readyz`, {
      tls: { rejectUnauthorized: verify },
      keepalive: false,
      redirect: 'manual',
      verbose: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return status === 200 ? null : `${origin} answers ${status}`;
  } catch (error) {
    return `${origin} does not answer (${describe(error)})`;
  }
}

function gatewayUrl(text: string): string {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, '')) return url.origin;
  throw new SallyportError('config.invalid', '--url is not the address of a gateway', {
    fix: 'write it like https://llm.example.com or http://127.0.0.1:4141',
  });
}
