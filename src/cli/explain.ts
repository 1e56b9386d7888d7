/** `explain`: what would happen to a call, and why. */
import type { Explanation } from '../admin/explain-shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { integer } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { dollars, orDash, printFields, printJson } from './output.ts';
import { tokenId } from './token.ts';

export const explain = defineCommand({
  name: 'explain',
  summary: 'Say whether a call would be let through now, what it could cost, and which key would pay.',
  options: {
    token: { type: 'string', value: 'ID', help: 'id of the token (needed)' },
    model: { type: 'string', value: 'MODEL', help: 'model as the caller names it (needed)' },
    provider: { type: 'string', value: 'ID', help: "provider (default: the token's own)" },
    'max-tokens': { type: 'string', value: 'N', help: 'output cap that the request states' },
    n: { type: 'string', value: 'N', help: 'choices asked for' },
    'prompt-bytes': { type: 'string', value: 'N', help: 'size of the prompt (default 1000)' },
    feature: { type: 'string', multiple: true, value: 'F', help: 'such as tool:browser_search; repeatable' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport explain --token 0aB1cD2eF3gH --model openai/gpt-oss-20b --max-tokens 500'],
  notes: ['Exit code 0 means allowed, 1 refused. Nothing is sent, counted or recorded.'],
  run: async ({ values, io }) => {
    const { token, model, n } = values;
    if (token === undefined || model === undefined) {
      throw new SallyportError('input.invalid', '--token and --model are needed', {
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
      promptBytes: bytes === undefined ? undefined : integer('--prompt-bytes', bytes, 0, 4_194_304),
      features: [...values.feature],
    };
    const reply = await AdminClient.open(values, io).call('call.explain', { body });
    if (values.json) printJson(io, reply);
    else printFields(io, fields(reply));
    return reply.allowed ? EXIT.ok : EXIT.refused;
  },
});

function fields(reply: Explanation): [string, string][] {
  const { refusal, obligations, worstCasePicoUsd, keySlot, rate, tokenRate } = reply;
  const cap = obligations?.injectCap ?? null;
  return [
    ['decision', reply.allowed ? 'allowed' : 'refused'],
    ...(refusal ? ([['reason', `${refusal.message} (${refusal.code})`]] as [string, string][]) : []),
    ...(refusal && refusal.fix !== null ? ([['now', refusal.fix]] as [string, string][]) : []),
    ['call', `${orDash(reply.provider)}/${reply.model}`],
    ['injected output cap', cap === null ? 'none' : `${cap} tokens`],
    ['prompt at most', reply.promptTokensBound === null ? '-' : `${reply.promptTokensBound} tokens`],
    ['worst case', worstCasePicoUsd === null ? '-' : dollars(worstCasePicoUsd)],
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
