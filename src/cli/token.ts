/** `token`: the access tokens that there are. */
import type { RouteReply } from '../admin/contract.ts';
import { SallyportError } from '../core/errors.ts';
import { boundFields } from './bounds.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { orDash, printFields, printJson, printTable } from './output.ts';

type Token = RouteReply<'token.show'>;
export const tokenList = defineCommand({
  name: 'token list',
  summary: 'List the access tokens.',
  options: { all: { type: 'boolean', help: 'also those that are expired or revoked' }, ...SERVER_OPTIONS },
  examples: ['sallyport token list', 'sallyport token list --all --json'],
  run: async ({ values, io }) => {
    const { tokens } = await AdminClient.open(values, io).call('token.list');
    const wanted = tokens.filter(({ state }) => values.all || state === 'active');
    if (values.json) {
      printJson(io, wanted);
      return EXIT.ok;
    }
    const rows = wanted.map((token) => [
      token.id,
      token.type,
      orDash(token.name),
      orDash(token.team),
      token.environment,
      token.state,
      token.expiresAt,
      token.scopes.join(' '),
    ]);
    const header = ['token', 'type', 'name', 'team', 'env', 'state', 'expires', 'scopes'];
    printTable(io, header, rows, 'there is no active token');
    return EXIT.ok;
  },
});

export const tokenShow = defineCommand({
  name: 'token show',
  summary: 'Show an access token; never its secret.',
  args: ['ID'],
  options: SERVER_OPTIONS,
  examples: ['sallyport token show 0aB1cD2eF3gH'],
  run: async ({ values, args: [id = ''], io }) => {
    const params = { token: tokenId(id) };
    const token = await AdminClient.open(values, io).call('token.show', { params });
    if (values.json) printJson(io, token);
    else printFields(io, tokenFields(token));
    return EXIT.ok;
  },
});

export const tokenRevoke = defineCommand({
  name: 'token revoke',
  summary: 'End an access token for good; its running calls are cut.',
  args: ['ID'],
  options: {
    reason: { type: 'string', value: 'TEXT', help: 'why, for the audit journal' },
    ...SERVER_OPTIONS,
  },
  examples: ["sallyport token revoke 0aB1cD2eF3gH --reason 'laptop stolen'"],
  run: async ({ values, args: [id = ''], io }) => {
    const params = { token: tokenId(id) };
    const body = { reason: values.reason };
    const token = await AdminClient.open(values, io).call('token.revoke', { params, body });
    if (values.json) printJson(io, token);
    else printFields(io, tokenFields(token));
    return EXIT.ok;
  },
});

/** The id in what was given; of a whole token only its public part is used, and it must not have been typed. */
export function tokenId(text: string): string {
  const whole = /^sallyp_[a-z]([0-9A-Za-z]{12})(_.*)?$/.exec(text);
  if (!whole) return text;
  if (whole[2] === undefined) return whole[1] ?? '';
  throw new SallyportError('input.invalid', 'that is a whole token, with its secret', {
    fix: `use its id, ${whole[1] ?? ''}, and revoke it if it is yours: it is now in your shell history`,
  });
}

function tokenFields(token: Token): [string, string][] {
  const { revokedAt, revokedReason } = token;
  const ended: [string, string][] =
    revokedAt === null ? [] : [['revoked', `${revokedAt} (${revokedReason ?? 'no reason given'})`]];
  return [
    ['token', token.id],
    ['type', token.type],
    ['name', orDash(token.name)],
    ['team', orDash(token.team)],
    ['project', orDash(token.project)],
    ['environment', token.environment],
    ['scopes', token.scopes.join(' ')],
    ['default provider', orDash(token.defaultProvider)],
    ['addresses', token.cidrs.length === 0 ? 'any' : token.cidrs.join(' ')],
    ['browser-safe', token.browserSafe ? 'yes' : 'no'],
    ['calls per minute', orDash(token.rateLimitRPM)],
    ['concurrency', orDash(token.concurrency)],
    ['preset', orDash(token.preset)],
    ...boundFields(token.bounds),
    ...(token.readsFor === null ? [] : ([['reads for', token.readsFor]] as [string, string][])),
    ['issued', `${token.createdAt} by ${token.issuedBy}`],
    ['expires', token.expiresAt],
    ['state', token.state],
    ...ended,
  ];
}
