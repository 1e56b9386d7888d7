/** `limit`: requests, tokens and calls at once, of a team, a token or a provider key; and who may wait for his turn. */
import type { LimitShape } from '../admin/shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { integer, integerOrNone } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { orDash, printFields, printJson, printTable } from './output.ts';
import { QUEUE_OPTIONS, queueFrom } from './queue.ts';
import { tokenId } from './token.ts';

const WHOSE = {
  team: { type: 'string', value: 'TEAM', help: 'the limits of all calls of a team together' },
  token: { type: 'string', value: 'ID', help: 'the limits of a token' },
  key: { type: 'string', value: 'SLOT', help: 'the limits of a provider key, which all its callers share' },
} as const satisfies OptionSpecs;

export const limitSet = defineCommand({
  name: 'limit set',
  summary: 'Set limits of rate; what is not named stays as it is.',
  options: {
    ...WHOSE,
    rpm: { type: 'string', value: 'N', help: 'requests in any 60 seconds, or none' },
    tpm: { type: 'string', value: 'N', help: 'tokens, prompt and output, in any 60 seconds, or none' },
    rpd: { type: 'string', value: 'N', help: 'requests of a day, or none' },
    concurrency: { type: 'string', value: 'N', help: 'calls at the same time, or none' },
    zone: { type: 'string', value: 'ZONE', help: 'where a day begins: Europe/Berlin (default UTC)' },
    ...QUEUE_OPTIONS,
    'queue-weight': { type: 'string', value: 'W', help: 'of a team: its turns for each one of other teams' },
    ...SERVER_OPTIONS,
  },
  examples: [
    'sallyport limit set --team chat --rpm 120 --tpm 200000',
    'sallyport limit set --token 0aB1cD2eF3gH --rpd 1000 --zone America/New_York',
    'sallyport limit set --key groq --rpm 30 --tpm 8000',
    'sallyport limit set --team chat --queue 100 --queue-wait 20s --queue-weight 2',
  ],
  notes: [
    'With a queue, calls that are over a limit wait for their turn instead of being refused: teams take turns, by weight. What has waited too long, or finds the queue full, gets a 429 with a time to come back.',
    "--rpm and --concurrency are those of the team's policy or of the token. A call counts for --tpm with the most tokens it can use until it ends, then with what it used.",
  ],
  run: async ({ values, io }) => {
    const { rpm, tpm, rpd, concurrency, zone, 'queue-weight': weight } = values;
    const number = (option: string, text: string | undefined, most: number) =>
      text === undefined ? undefined : integerOrNone(option, text, 0, most);
    const body = {
      subject: subjectOf(values),
      rateLimitRPM: number('--rpm', rpm, 1_000_000),
      rateLimitTPM: number('--tpm', tpm, 1_000_000_000),
      rateLimitRPD: number('--rpd', rpd, 100_000_000),
      concurrency: number('--concurrency', concurrency, 100_000),
      zone,
      queue: queueFrom(values),
      queueWeight: weight === undefined ? undefined : integer('--queue-weight', weight, 1, 100),
    };
    show(await AdminClient.open(values, io).call('limit.set', { body }), values.json, io);
    return EXIT.ok;
  },
});

export const limitShow = defineCommand({
  name: 'limit show',
  summary: 'Show the limits of rate of a team, token or provider key.',
  options: { ...WHOSE, ...SERVER_OPTIONS },
  examples: ['sallyport limit show --team chat'],
  run: async ({ values, io }) => {
    const query = { subject: subjectOf(values) };
    const { limits } = await AdminClient.open(values, io).call('limit.list', { query });
    for (const limit of limits) show(limit, values.json, io);
    return EXIT.ok;
  },
});

export const limitList = defineCommand({
  name: 'limit list',
  summary: 'List the teams, active tokens and provider keys that have limits of rate.',
  options: SERVER_OPTIONS,
  examples: ['sallyport limit list'],
  run: async ({ values, io }) => {
    const { limits } = await AdminClient.open(values, io).call('limit.list');
    if (values.json) {
      printJson(io, limits);
      return EXIT.ok;
    }
    const rows = limits.map((limit) => [
      limit.subject,
      orDash(limit.rateLimitRPM),
      orDash(limit.rateLimitTPM),
      orDash(limit.rateLimitRPD),
      orDash(limit.requestsToday),
      orDash(limit.concurrency),
      queueText(limit),
    ]);
    const header = ['of', 'rpm', 'tpm', 'rpd', 'today', 'concurrency', 'queue'];
    printTable(io, header, rows, 'there is no limit yet');
    return EXIT.ok;
  },
});

function subjectOf({ team, token, key }: Values<typeof WHOSE>): string {
  const named = [
    team === undefined ? undefined : `team:${team}`,
    token === undefined ? undefined : `token:${tokenId(token)}`,
    key === undefined ? undefined : `key:${key}`,
  ].filter((subject) => subject !== undefined);
  const [subject] = named;
  if (subject !== undefined && named.length === 1) return subject;
  throw new SallyportError('input.invalid', 'it is not clear whose limits are meant', {
    fix: 'give --team, --token or --key',
  });
}

function queueText({ queue }: LimitShape): string {
  return queue === null ? '-' : `${queue.length} for ${queue.waitMs / 1000} s`;
}

function show(limit: LimitShape, json: boolean, io: Io): void {
  if (json) {
    printJson(io, limit);
    return;
  }
  const { requestsToday, dayEndsAt } = limit;
  printFields(io, [
    ['limits of', limit.subject],
    ['requests per minute', orDash(limit.rateLimitRPM)],
    ['tokens per minute', orDash(limit.rateLimitTPM)],
    ['requests per day', orDash(limit.rateLimitRPD)],
    ...(dayEndsAt === null
      ? []
      : ([['today', `${requestsToday ?? 0} until ${dayEndsAt}`]] as [string, string][])),
    ['concurrency', orDash(limit.concurrency)],
    ['time zone', limit.zone],
    ['may wait', queueText(limit)],
    ...(limit.subject.startsWith('team:')
      ? ([
          ['weight in the queue', String(limit.queueWeight)],
          ['waiting now', String(limit.waiting)],
        ] as [string, string][])
      : []),
  ]);
}
