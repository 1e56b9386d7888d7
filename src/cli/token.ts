/** `token`: access tokens. */
import { DEFAULT_LIFETIME_MS, type RouteReply } from '../admin/contract.ts';
import { onCap, period, tokenType } from '../admin/shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { choice, duration, integer, usd } from './args.ts';
import { AdminClient, type CallInput, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import { note, orDash, printFields, printJson, printTable } from './output.ts';

type Token = RouteReply<'token.show'>;
type IssueBody = NonNullable<CallInput<'token.issue'>['body']>;

const ISSUE_OPTIONS = {
  team: { type: 'string', value: 'TEAM', help: 'whose calls it makes (needed, but not for --type admin)' },
  env: { type: 'string', value: 'ENV', help: 'its environment; a new one is added' },
  scope: {
    type: 'string',
    multiple: true,
    value: 'SCOPE',
    help: "what it allows, such as 'call:groq/*'; repeatable",
  },
  expires: {
    type: 'string',
    value: 'TIME',
    help: `how long it lives: 15m, 12h, 30d (default ${defaults()})`,
  },
  name: { type: 'string', value: 'TEXT', help: 'what it is for' },
  project: { type: 'string', value: 'P', help: 'project of the team' },
  type: { type: 'string', value: 'TYPE', help: 'service (default), personal, ci, agent or admin' },
  cidr: { type: 'string', multiple: true, value: 'RANGE', help: 'only from these addresses; repeatable' },
  'default-provider': { type: 'string', value: 'ID', help: 'for paths that name no provider' },
  'browser-safe': { type: 'boolean', help: 'may be used from a web page, where everybody can read it' },
  rpm: { type: 'string', value: 'N', help: 'calls per minute' },
  concurrency: { type: 'string', value: 'N', help: 'calls at the same time' },
  'budget-usd': { type: 'string', value: 'X', help: 'a budget of its own' },
  'budget-period': { type: 'string', value: 'P', help: 'day, week, month or total (default total)' },
  'on-cap': { type: 'string', value: 'RULE', help: 'pause (default) or refuse when its budget is used up' },
} as const satisfies OptionSpecs;

export const tokenIssue = defineCommand({
  name: 'token issue',
  summary: 'Issue an access token and print it once.',
  options: { ...ISSUE_OPTIONS, ...SERVER_OPTIONS },
  examples: [
    "sallyport token issue --team chat --env dev --scope 'call:groq/*' --expires 30d --budget-usd 5",
    "sallyport token issue --type admin --scope 'audit:read' --scope 'usage:read' --expires 7d",
    "sallyport token issue --type admin --scope 'metrics:read' --name prometheus --expires 90d",
  ],
  notes: ['The token stands alone on standard output; what is said about it goes to standard error.'],
  run: async ({ values, io }) => {
    const body = issueBody(values);
    const issued = await AdminClient.open(values, io).call('token.issue', { body });
    if (issued.environmentAdded) note(io, `the environment ${issued.environment} is new and has been added`);
    if (values.json) {
      printJson(io, issued);
      return EXIT.ok;
    }
    const team = issued.team === null ? '' : ` of team ${issued.team}`;
    note(
      io,
      `${issued.type} token ${issued.id}${team}, valid until ${issued.expiresAt}; it is not shown again`,
    );
    io.out(`${issued.token}\n`);
    return EXIT.ok;
  },
});

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

function issueBody(values: Values<typeof ISSUE_OPTIONS>): IssueBody {
  const body: IssueBody = {
    type: values.type === undefined ? undefined : choice('--type', values.type, tokenType.options),
    name: values.name,
    team: values.team,
    project: values.project,
    environment: values.env,
    scopes: [...values.scope],
    lifetimeMs: values.expires === undefined ? undefined : duration('--expires', values.expires),
    defaultProvider: values['default-provider'],
    cidrs: [...values.cidr],
    browserSafe: values['browser-safe'],
    rateLimitRPM: values.rpm === undefined ? undefined : integer('--rpm', values.rpm, 0, 1_000_000),
    concurrency:
      values.concurrency === undefined ? undefined : integer('--concurrency', values.concurrency, 0, 100_000),
    budget: budgetOf(values),
  };
  return body;
}

function budgetOf(values: Values<typeof ISSUE_OPTIONS>): IssueBody['budget'] {
  const amount = values['budget-usd'];
  const rule = values['on-cap'];
  if (amount === undefined) {
    if (values['budget-period'] === undefined && rule === undefined) return undefined;
    throw new SallyportError('input.invalid', '--budget-period and --on-cap need --budget-usd', {
      fix: 'add the amount, for example --budget-usd 5',
    });
  }
  return {
    limitPicoUsd: usd('--budget-usd', amount).toString(),
    period: choice('--budget-period', values['budget-period'] ?? 'total', period.options),
    onCap: rule === undefined ? undefined : choice('--on-cap', rule, onCap.options),
  };
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
    ['issued', `${token.createdAt} by ${token.issuedBy}`],
    ['expires', token.expiresAt],
    ['state', token.state],
    ...ended,
  ];
}

function defaults(): string {
  return Object.entries(DEFAULT_LIFETIME_MS)
    .map(([type, ms]) => `${type} ${spell(ms)}`)
    .join(', ');
}

function spell(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes % 1440 === 0) return `${minutes / 1440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
