/** `audit`: what the journal says. `audit verify` needs the files only; the others ask the server. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyJournal } from '../audit/verify.ts';
import type { AuditEntryShape } from '../admin/shapes.ts';
import { defaultDataFolder } from '../config.ts';
import { SallyportError } from '../core/errors.ts';
import { choice, integer, pastTime } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { follow } from './follow.ts';
import { plain } from '../core/plain.ts';
import { dollars, orDash, printJson, printTable } from './output.ts';
import { tokenId } from './token.ts';

const RESULTS = ['success', 'error'] as const;

export const auditTail = defineCommand({
  name: 'audit tail',
  summary: 'Print the newest entries, oldest first.',
  options: {
    lines: { type: 'string', short: 'n', value: 'N', help: 'how many (default 20)' },
    follow: { type: 'boolean', short: 'f', help: 'go on with what comes; calls appear when they end' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport audit tail -n 50', 'sallyport audit tail --follow'],
  notes: ['With --json, one JSON object a line.'],
  run: async ({ values, io }) => {
    const limit = integer('--lines', values.lines ?? '20', 1, 1000);
    const print = (entry: AuditEntryShape): void =>
      values.json ? printJson(io, entry) : io.out(`${entryLine(entry)}\n`);
    const client = AdminClient.open(values, io);
    if (values.follow) {
      await follow(client, limit, print, io);
      return EXIT.ok;
    }
    const { entries } = await client.call('audit.query', { query: { limit } });
    for (const entry of entries.toReversed()) print(entry);
    return EXIT.ok;
  },
});

export const auditQuery = defineCommand({
  name: 'audit query',
  summary: 'Search the entries, newest first.',
  options: {
    team: { type: 'string', value: 'TEAM', help: 'of this team' },
    env: { type: 'string', value: 'ENV', help: 'of this environment' },
    token: { type: 'string', value: 'ID', help: 'of this token' },
    model: { type: 'string', value: 'MODEL', help: 'calls of this model' },
    action: { type: 'string', value: 'ACTION', help: 'such as call, call.refused or control.token.issue' },
    result: { type: 'string', value: 'RESULT', help: 'success or error' },
    error: { type: 'string', value: 'CODE', help: 'with this error code, such as budget.exceeded' },
    overrun: { type: 'boolean', help: 'calls that cost more than was held for them' },
    call: { type: 'string', value: 'ID', help: "one call, by the reply's x-request-id" },
    since: { type: 'string', value: 'TIME', help: '1h, 7d, or an ISO time' },
    until: { type: 'string', value: 'TIME', help: 'likewise; its own moment is not included' },
    limit: { type: 'string', value: 'N', help: 'at most so many (default 100, most 1000)' },
    ...SERVER_OPTIONS,
  },
  examples: [
    'sallyport audit query --team chat --result error --since 24h',
    'sallyport audit query --overrun --since 30d',
  ],
  run: async ({ values, io }) => {
    const { since, until, result, token, limit } = values;
    const query = {
      team: values.team,
      environment: values.env,
      token: token === undefined ? undefined : tokenId(token),
      model: values.model,
      action: values.action,
      result: result === undefined ? undefined : choice('--result', result, RESULTS),
      errorCode: values.error,
      overrun: values.overrun ? ('true' as const) : undefined,
      call: values.call,
      since: since === undefined ? undefined : pastTime('--since', since, io.wallMs()),
      until: until === undefined ? undefined : pastTime('--until', until, io.wallMs()),
      limit: integer('--limit', limit ?? '100', 1, 1000),
    };
    const { entries } = await AdminClient.open(values, io).call('audit.query', { query });
    if (values.json) printJson(io, entries);
    else printTable(io, HEADER, entries.map(entryCells), 'no entry matches');
    return EXIT.ok;
  },
});

export const auditVerify = defineCommand({
  name: 'audit verify',
  summary: 'Check the journal offline, from the files alone; no server is asked.',
  options: {
    data: SERVER_OPTIONS.data,
    json: SERVER_OPTIONS.json,
  },
  examples: ['sallyport audit verify --data /var/lib/sallyport'],
  notes: [
    'Exit code 0 means unbroken, 1 broken. While nothing outside this machine anchors the journal, a chain that was rewritten from some entry to its end, or cut at its end, cannot be told from a true one.',
  ],
  run: async ({ values, io }) => {
    const data = values.data ?? defaultDataFolder(io.env);
    const folder = join(data, 'journal');
    if (!existsSync(folder)) {
      throw new SallyportError('config.invalid', `there is no journal in data folder ${data}`, {
        fix: 'name the folder with --data',
      });
    }
    const verified = verifyJournal(folder);
    if (values.json) printJson(io, verified);
    else io.out(`${verdict(verified)}\n`);
    return verified.ok ? EXIT.ok : EXIT.refused;
  },
});

function verdict({ ok, entries, streams, anchored, problem }: ReturnType<typeof verifyJournal>): string {
  const read = `${entries} entries in ${streams} ${streams === 1 ? 'stream' : 'streams'}`;
  if (!ok) return plain(`broken after ${read}: ${problem ?? 'unknown'}`);
  return `${read}: unbroken, ${anchored ? 'anchored' : 'not anchored'}`;
}

const HEADER = ['time', 'action', 'result', 'who', 'team', 'env', 'what', 'tokens', 'cost', 'id'];

function entryCells(entry: AuditEntryShape): string[] {
  const running = entry.action === 'call' && entry.result === null;
  const isCall = entry.action === 'call';
  return [
    entry.timestamp,
    entry.action,
    running ? 'running' : (entry.errorCode ?? orDash(entry.result)) + timesOf(entry),
    entry.userId === null ? orDash(entry.principal) : `${orDash(entry.principal)} for ${entry.userId}`,
    orDash(entry.team),
    orDash(entry.environment),
    entry.model === null
      ? orDash(entry.resource ?? entry.keyId ?? subjectOf(entry))
      : `${orDash(entry.provider)}/${entry.model}`,
    isCall ? `${entry.promptTokens}+${entry.completionTokens}` : '-',
    isCall ? costOf(entry) : '-',
    entry.id,
  ];
}

/** Of refusals that were folded to one entry. */
function timesOf({ metadata: { count } }: AuditEntryShape): string {
  return typeof count === 'number' && count > 1 ? ` (${count} times)` : '';
}

function costOf({ costPicoUsd, overrunPicoUsd }: AuditEntryShape): string {
  const cost = dollars(costPicoUsd);
  return overrunPicoUsd === '0' ? cost : `${cost} (${dollars(overrunPicoUsd)} above the hold)`;
}

/** What an entry that is no call is about. */
function subjectOf({ metadata }: AuditEntryShape): string | null {
  const { budget, records } = metadata;
  if (typeof budget === 'string') return budget;
  if (!Array.isArray(records)) return null;
  return records
    .map((record: { kind?: unknown; id?: unknown }) => `${String(record.kind)}:${String(record.id)}`)
    .join(' ');
}

function entryLine(entry: AuditEntryShape): string {
  return plain(entryCells(entry).join('  '));
}
