/** `token issue`: one access token, or the two of a pair. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CallInput, DEFAULT_LIFETIME_MS, type RouteReply } from '../admin/contract.ts';
import { onCap, period, tokenType } from '../admin/shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { writePrivateFile } from '../core/private-file.ts';
import { choice, duration, integer, usd } from './args.ts';
import { BOUND_HELP, parseBounds, PHRASE_HELP } from './bounds.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { note, printJson, warn } from './output.ts';
import { QUEUE_OPTIONS, queueFrom } from './queue.ts';

export type Issued = RouteReply<'token.issue'>;
type Pair = RouteReply<'token.pair'>;
type IssueBody = NonNullable<CallInput<'token.issue'>['body']>;

/** What a token is like. */
export const TOKEN_OPTIONS = {
  team: { type: 'string', value: 'TEAM', help: 'whose calls it makes (needed, but not for --type admin)' },
  env: { type: 'string', value: 'ENV', help: 'its environment; a new one is added' },
  preset: {
    type: 'string',
    value: 'NAME',
    help: 'backend-chat, agent, batch, dev, staging, prod or your own: see preset list',
  },
  scope: {
    type: 'string',
    multiple: true,
    value: 'SCOPE',
    help: "what it allows, such as 'call:groq/*'; repeatable",
  },
  model: { type: 'string', multiple: true, value: 'MODEL', help: 'the only model it may call; repeatable' },
  bound: { type: 'string', multiple: true, value: 'NAME=VALUE', help: BOUND_HELP },
  phrase: { type: 'string', multiple: true, value: 'TEXT', help: PHRASE_HELP },
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
  ...QUEUE_OPTIONS,
  'budget-usd': { type: 'string', value: 'X', help: 'a budget of its own' },
  'budget-period': { type: 'string', value: 'P', help: 'day, week, month or total (default total)' },
  'on-cap': { type: 'string', value: 'RULE', help: 'pause (default) or refuse when its budget is used up' },
} as const satisfies OptionSpecs;

const ISSUE_OPTIONS = {
  ...TOKEN_OPTIONS,
  pair: { type: 'boolean', help: 'two tokens, as lines for a .env file: one that reads and one that calls' },
  out: { type: 'string', value: 'FILE', help: 'with --pair: a new file, mode 0600, instead of printing' },
} as const satisfies OptionSpecs;

export const tokenIssue = defineCommand({
  name: 'token issue',
  summary: 'Issue an access token and print it once.',
  options: { ...ISSUE_OPTIONS, ...SERVER_OPTIONS },
  examples: [
    "sallyport token issue --team chat --env dev --scope 'call:groq/*' --expires 30d --budget-usd 5",
    'sallyport token issue --team chat --env prod --preset backend-chat --model openai/gpt-oss-20b',
    'sallyport token issue --team chat --preset staging --pair --out .env.staging',
    "sallyport token issue --type admin --scope 'audit:read' --scope 'usage:read' --expires 7d",
    "sallyport token issue --type admin --scope 'metrics:read' --name prometheus --expires 90d",
  ],
  notes: [
    'The token stands alone on standard output; what is said about it goes to standard error.',
    'With --pair, PROVIDER_READ_KEY lists models and reads what the other one does (GET /usage, /audit); it calls nothing. PROVIDER_WRITE_KEY makes the calls.',
  ],
  run: async ({ values, io }) => {
    if (values.pair) return issuePair(values, io);
    if (values.out !== undefined) {
      throw new SallyportError('input.invalid', '--out is for --pair', {
        fix: 'send the output to a file: (umask 077; sallyport token issue ... > FILE)',
      });
    }
    const body = issueBody(values);
    const issued = await AdminClient.open(values, io).call('token.issue', { body });
    warnUnbounded(io, issued);
    if (values.json) {
      printJson(io, issued);
      return EXIT.ok;
    }
    describeIssued(io, issued);
    io.out(`${issued.token}\n`);
    return EXIT.ok;
  },
});

async function issuePair(
  values: Values<typeof ISSUE_OPTIONS & typeof SERVER_OPTIONS>,
  io: Io,
): Promise<number> {
  const path = values.out === undefined ? null : resolve(values.out);
  if (path !== null && existsSync(path)) {
    throw new SallyportError('conflict', `there is something at ${path} already; it is not overwritten`, {
      fix: 'name another file, or leave --out out',
    });
  }
  const client = AdminClient.open(values, io);
  const pair = await client.call('token.pair', { body: issueBody(values) });
  warnUnbounded(io, pair.writer);
  const lines = dotenv(pair);
  if (path !== null) await write(client, pair, path, lines);
  if (values.json) {
    printJson(
      io,
      path === null
        ? pair
        : { reader: withoutToken(pair.reader), writer: withoutToken(pair.writer), file: path },
    );
    return EXIT.ok;
  }
  describeIssued(io, pair.writer);
  describeIssued(io, pair.reader);
  if (path === null) io.out(lines);
  else note(io, `both are in ${path}, which only you can read; keep it out of version control`);
  return EXIT.ok;
}

/** Tokens that nobody can have seen are ended again. */
async function write(
  client: AdminClient,
  { reader, writer }: Pair,
  path: string,
  lines: string,
): Promise<void> {
  try {
    writePrivateFile(path, Buffer.from(lines));
  } catch (error) {
    for (const { id } of [reader, writer])
      await client.call('token.revoke', {
        params: { token: id },
        body: { reason: 'its file could not be written' },
      });
    throw error;
  }
}

function dotenv({ reader, writer }: Pair): string {
  const provider = (reader.defaultProvider ?? 'llm').toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  return `${provider}_READ_KEY=${reader.token}\n${provider}_WRITE_KEY=${writer.token}\n`;
}

function withoutToken(issued: Issued): Omit<Issued, 'token'> {
  const { token: _, ...rest } = issued;
  return rest;
}

export function describeIssued(io: Io, issued: Issued): void {
  if (issued.environmentAdded) note(io, `the environment ${issued.environment} is new and has been added`);
  for (const text of issued.notes) note(io, text);
  const team = issued.team === null ? '' : ` of team ${issued.team}`;
  note(
    io,
    `${issued.type} token ${issued.id}${team}, valid until ${issued.expiresAt}; it is not shown again`,
  );
}

/** In any form of output: a program's log is where somebody may still see it. */
function warnUnbounded(io: Io, { unbounded, team }: Issued): void {
  if (!unbounded) return;
  const fix = `sallyport budget set --team ${team ?? ''} --period month --limit-usd 100`;
  warn(io, `no budget bounds what this token may spend; set one: ${fix}`);
}

export function issueBody(values: Values<typeof TOKEN_OPTIONS>): IssueBody {
  return {
    type: values.type === undefined ? undefined : choice('--type', values.type, tokenType.options),
    name: values.name,
    team: values.team,
    project: values.project,
    environment: values.env,
    preset: values.preset,
    scopes: [...values.scope],
    models: values.model.length === 0 ? undefined : [...values.model],
    bounds: parseBounds(values.bound, values.phrase),
    lifetimeMs: values.expires === undefined ? undefined : duration('--expires', values.expires),
    defaultProvider: values['default-provider'],
    cidrs: [...values.cidr],
    browserSafe: values['browser-safe'],
    rateLimitRPM: values.rpm === undefined ? undefined : integer('--rpm', values.rpm, 0, 1_000_000),
    concurrency:
      values.concurrency === undefined ? undefined : integer('--concurrency', values.concurrency, 0, 100_000),
    queue: queueFrom(values) ?? undefined,
    budget: budgetOf(values),
  };
}

function budgetOf(values: Values<typeof TOKEN_OPTIONS>): IssueBody['budget'] {
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

function defaults(): string {
  return Object.entries(DEFAULT_LIFETIME_MS)
    .map(([type, ms]) => `${type} ${spell(ms)}`)
    .join(', ');
}

/** A duration as it is typed: 15m, 12h, 30d. */
export function spell(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes % 1440 === 0) return `${minutes / 1440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
