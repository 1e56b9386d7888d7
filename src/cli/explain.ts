/** `explain`: what would happen to a call, and why. */
import type { Explanation } from '../admin/explain-shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { readPublicFile } from '../core/private-file.ts';
import { integer } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { dollars, orDash, printFields, printJson } from './output.ts';
import { tokenId } from './token.ts';

/** The admin side takes no larger request. */
const MAX_BODY_BYTES = 900_000;

export const explain = defineCommand({
  name: 'explain',
  summary: 'Say whether a call would be let through now, what it could cost, and which key would pay.',
  options: {
    token: { type: 'string', value: 'ID', help: 'id of the token (needed)' },
    model: { type: 'string', value: 'MODEL', help: 'model as the caller names it' },
    body: { type: 'string', value: 'FILE', help: 'a whole request instead of a model; - is standard input' },
    provider: { type: 'string', value: 'ID', help: "provider (default: the token's own)" },
    'max-tokens': { type: 'string', value: 'N', help: 'output cap that the request states' },
    n: { type: 'string', value: 'N', help: 'choices asked for' },
    'prompt-bytes': { type: 'string', value: 'N', help: 'size of each message (default 1000)' },
    messages: { type: 'string', value: 'N', help: 'number of messages (default 1)' },
    feature: { type: 'string', multiple: true, value: 'F', help: 'such as tool:browser_search; repeatable' },
    ...SERVER_OPTIONS,
  },
  examples: [
    'sallyport explain --token 0aB1cD2eF3gH --model openai/gpt-oss-20b --max-tokens 500',
    'sallyport explain --token 0aB1cD2eF3gH --body request.json',
  ],
  notes: ['Exit code 0 means allowed, 1 refused. Nothing is sent, counted or recorded.'],
  run: async ({ values, io }) => {
    const { token, model, n } = values;
    if (token === undefined || (model === undefined) === (values.body === undefined)) {
      throw new SallyportError('input.invalid', '--token is needed, and --model or --body', {
        fix: 'see: sallyport explain --help',
      });
    }
    const cap = values['max-tokens'];
    const bytes = values['prompt-bytes'];
    const body = {
      token: tokenId(token),
      model,
      provider: values.provider,
      maxTokens: cap === undefined ? undefined : integer('--max-tokens', cap, 1, 10_000_000),
      n: n === undefined ? undefined : integer('--n', n, 1, 128),
      body: values.body === undefined ? undefined : await readBody(values.body, io),
      messages: values.messages === undefined ? undefined : integer('--messages', values.messages, 1, 1000),
      promptBytes: bytes === undefined ? undefined : integer('--prompt-bytes', bytes, 0, 4_194_304),
      features: [...values.feature],
    };
    const reply = await AdminClient.open(values, io).call('call.explain', { body });
    if (values.json) printJson(io, reply);
    else printFields(io, fields(reply));
    return reply.allowed ? EXIT.ok : EXIT.refused;
  },
});

async function readBody(path: string, io: Io): Promise<string> {
  try {
    const bytes =
      path === '-' ? await io.readStdin(MAX_BODY_BYTES) : readPublicFile(path, 'the request', MAX_BODY_BYTES);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw new SallyportError('input.invalid', 'the request is not UTF-8, or too large to be asked about', {
      fix: `name a file of at most ${MAX_BODY_BYTES} bytes`,
    });
  }
}

function fields(reply: Explanation): [string, string][] {
  const { refusal, obligations, worstCasePicoUsd, keySlot, rate, tokenRate } = reply;
  const cap = obligations?.injectCap ?? null;
  return [
    ['decision', reply.allowed ? 'allowed' : 'refused'],
    ...(refusal ? ([['reason', `${refusal.message} (${refusal.code})`]] as [string, string][]) : []),
    ...(refusal && refusal.fix !== null ? ([['now', refusal.fix]] as [string, string][]) : []),
    ['call', `${orDash(reply.provider)}/${reply.model}`],
    ['injected output cap', cap === null ? 'none' : `${cap} tokens`],
    ...(obligations && obligations.template !== null
      ? ([['template', obligations.template]] as [string, string][])
      : []),
    ...(obligations && obligations.injection.length > 0
      ? ([['phrases of injection', obligations.injection.join(', ')]] as [string, string][])
      : []),
    ...(obligations && obligations.trimmed.length > 0
      ? ([['trimmed', obligations.trimmed.join(', ')]] as [string, string][])
      : []),
    ['prompt at most', reply.promptTokensBound === null ? '-' : `${reply.promptTokensBound} tokens`],
    ['worst case', worstCasePicoUsd === null ? '-' : dollars(worstCasePicoUsd)],
    ...(reply.waits
      ? ([['waits', `${reply.waits.reason} Up to ${reply.waits.upToMs / 1000} s.`]] as [string, string][])
      : []),
    ['key', keySlot ? `${keySlot.name} version ${keySlot.version}, to ${keySlot.origin}` : '-'],
    ['requests', rate ? `${rate.remaining} of ${rate.limit} left for ${rate.subject}` : 'no limit'],
    [
      'tokens',
      tokenRate ? `${tokenRate.remaining} of ${tokenRate.limit} left for ${tokenRate.subject}` : 'no limit',
    ],
    ...(reply.budgets.length === 0 ? ([['budget', 'none on the path']] as [string, string][]) : []),
    ...reply.budgets.map(({ budget, fits, reason }): [string, string] => [
      `budget ${budget.id}`,
      fits ? 'fits' : `does not fit: ${reason ?? ''}`,
    ]),
  ];
}
