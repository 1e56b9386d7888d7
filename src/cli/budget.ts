/** `budget`: hard limits of money, of a token, a team, a project, an environment or everything. */
import type { BudgetShape } from '../admin/shapes.ts';
import { onCap, period as periodSchema } from '../admin/shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { choice, signedUsd, usd } from './args.ts';
import { AdminClient, SERVER_OPTIONS, type ServerValues } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { dollars, note, printFields, printJson, printTable } from './output.ts';
import { tokenId } from './token.ts';

const WHICH = {
  team: { type: 'string', value: 'TEAM', help: 'the budget of a team' },
  token: { type: 'string', value: 'ID', help: 'the budget of a token' },
  project: { type: 'string', value: 'P', help: 'the budget of a project' },
  env: { type: 'string', value: 'TEAM/ENV', help: "the budget of a team's environment, such as chat/prod" },
  org: { type: 'boolean', help: 'the budget of everything that goes through this gateway' },
  period: {
    type: 'string',
    value: 'P',
    help: 'day, week, month or total (default: the only one, else month)',
  },
} as const satisfies OptionSpecs;

type Which = Values<typeof WHICH> & ServerValues;

export const budgetSet = defineCommand({
  name: 'budget set',
  summary: 'Set a budget; calls that could take spending above it are refused.',
  args: ['[BUDGET]'],
  options: {
    ...WHICH,
    'limit-usd': { type: 'string', value: 'X', help: 'the limit (needed)' },
    'on-cap': {
      type: 'string',
      value: 'RULE',
      help: 'pause: the first refusal stops all calls until a resume (default); refuse: only what does not fit',
    },
    zone: { type: 'string', value: 'ZONE', help: 'whose calendar it follows: Europe/Berlin (default UTC)' },
    ...SERVER_OPTIONS,
  },
  examples: [
    'sallyport budget set --team chat --period month --limit-usd 250',
    'sallyport budget set --env chat/prod --period day --limit-usd 40 --zone Europe/Berlin',
    'sallyport budget set --org --period week --limit-usd 2000 --on-cap refuse',
  ],
  notes: [
    'A call counts for the budgets of its token, team, project, environment and organization; each may have one per period, and all must have room.',
    'A week begins on Monday. In the zone, a day has 23 or 25 hours when clocks change.',
  ],
  run: async ({ values, args: [id], io }) => {
    const { 'limit-usd': limit, 'on-cap': rule } = values;
    if (limit === undefined)
      throw new SallyportError('input.invalid', '--limit-usd is missing', { fix: 'add it' });
    const limitPicoUsd = usd('--limit-usd', limit).toString();
    const named =
      id === undefined ? { subject: subjectOf(values), period: periodOf(values) ?? 'month' } : undefined;
    const setting = {
      limitPicoUsd,
      zone: values.zone,
      onCap: rule === undefined ? undefined : choice('--on-cap', rule, onCap.options),
    };
    const client = AdminClient.open(values, io);
    const { subject, period } = named ?? (await find(client, values, id));
    const budget = await client.call('budget.set', { body: { ...setting, subject, period } });
    show(budget, values.json, io);
    return EXIT.ok;
  },
});

export const budgetShow = defineCommand({
  name: 'budget show',
  summary: 'Show what of a budget is spent and held.',
  args: ['[BUDGET]'],
  options: { ...WHICH, ...SERVER_OPTIONS },
  examples: ['sallyport budget show --team chat', 'sallyport budget show team-chat-month --json'],
  run: async ({ values, args: [id], io }) => {
    show(await find(AdminClient.open(values, io), values, id), values.json, io);
    return EXIT.ok;
  },
});

export const budgetList = defineCommand({
  name: 'budget list',
  summary: 'List the budgets.',
  options: SERVER_OPTIONS,
  examples: ['sallyport budget list'],
  run: async ({ values, io }) => {
    const { budgets } = await AdminClient.open(values, io).call('budget.list');
    if (values.json) {
      printJson(io, budgets);
      return EXIT.ok;
    }
    const rows = budgets.map((budget) => [
      budget.id,
      budget.subject,
      budget.window,
      dollars(budget.limitPicoUsd),
      dollars(budget.spentPicoUsd),
      dollars(budget.heldPicoUsd),
      budget.state,
    ]);
    printTable(
      io,
      ['budget', 'of', 'period', 'limit', 'spent', 'held', 'state'],
      rows,
      'there is no budget yet',
    );
    return EXIT.ok;
  },
});

export const budgetResume = defineCommand({
  name: 'budget resume',
  summary: 'Let calls in again after a budget was paused or exhausted.',
  args: ['[BUDGET]'],
  options: { ...WHICH, ...SERVER_OPTIONS },
  examples: ['sallyport budget resume --team chat'],
  run: async ({ values, args: [id], io }) => {
    const client = AdminClient.open(values, io);
    const { id: budget } = await find(client, values, id);
    const resumed = await client.call('budget.resume', { params: { budget } });
    if (!resumed.resumed) note(io, `${budget} was not paused; nothing was changed`);
    show(resumed.budget, values.json, io);
    return EXIT.ok;
  },
});

export const budgetAdjust = defineCommand({
  name: 'budget adjust',
  summary: 'Correct what is booked as spent; the correction and its reason go on record.',
  args: ['[BUDGET]'],
  options: {
    ...WHICH,
    'delta-usd': { type: 'string', value: '±X', help: 'amount to add to what is spent (needed)' },
    reason: { type: 'string', value: 'TEXT', help: 'why (needed)' },
    ...SERVER_OPTIONS,
  },
  examples: ["sallyport budget adjust --team chat --delta-usd -1.25 --reason 'refund of invoice 4711'"],
  run: async ({ values, args: [id], io }) => {
    const { 'delta-usd': delta, reason } = values;
    if (delta === undefined || reason === undefined) {
      throw new SallyportError('input.invalid', 'a correction needs --delta-usd and --reason', {
        fix: "for example --delta-usd -1.25 --reason 'refund of invoice 4711'",
      });
    }
    const deltaPicoUsd = signedUsd('--delta-usd', delta).toString();
    const client = AdminClient.open(values, io);
    const { id: budget } = await find(client, values, id);
    const body = { deltaPicoUsd, reason };
    show(await client.call('budget.adjust', { params: { budget }, body }), values.json, io);
    return EXIT.ok;
  },
});

export const budgetClockOk = defineCommand({
  name: 'budget clock-ok',
  summary: 'Confirm the wall clock after it was set: budget periods go on at once.',
  options: SERVER_OPTIONS,
  examples: ['sallyport budget clock-ok'],
  notes: [
    'When the wall clock jumps by more than a minute, no budget period begins or ends until it has agreed with itself for 10 minutes, or until this command.',
  ],
  run: async ({ values, io }) => {
    const reply = await AdminClient.open(values, io).call('budget.clock');
    if (values.json) printJson(io, reply);
    else io.out(reply.resumed ? 'budget periods go on\n' : 'budget periods were not stopped\n');
    return EXIT.ok;
  },
});

/** The budget named by its id, or by subject and period. Throws `not_found`. */
async function find(client: AdminClient, which: Which, id: string | undefined): Promise<BudgetShape> {
  if (id !== undefined) {
    if (subjectsOf(which).length > 0 || which.period !== undefined) {
      throw new SallyportError('input.invalid', 'a budget is named by its id or by whose it is, not both');
    }
    const { budgets } = await client.call('budget.list');
    const named = budgets.find((budget) => budget.id === id);
    if (named) return named;
    throw new SallyportError('not_found', 'there is no budget with this id', {
      fix: 'see: sallyport budget list',
    });
  }
  const subject = subjectOf(which);
  const period = periodOf(which);
  const { budgets } = await client.call('budget.list', { query: { subject } });
  const only = period === undefined && budgets.length === 1 ? budgets[0] : undefined;
  const found = only ?? budgets.find((budget) => budget.period === (period ?? 'month'));
  if (found) return found;
  throw new SallyportError(
    'not_found',
    `${subject} has no budget${period === undefined ? '' : ` per ${period}`}`,
    {
      fix: `set one: sallyport budget set ${optionOf(subject)} --period ${period ?? 'month'} --limit-usd 250`,
    },
  );
}

function subjectOf(which: Which): string {
  const [subject, ...more] = subjectsOf(which);
  if (subject !== undefined && more.length === 0) return subject;
  throw new SallyportError('input.invalid', 'it is not clear whose budget is meant', {
    fix: 'give one of --token, --team, --project, --env and --org',
  });
}

function subjectsOf({ token, team, project, env, org }: Which): string[] {
  return [
    ...(token === undefined ? [] : [`token:${tokenId(token)}`]),
    ...(team === undefined ? [] : [`team:${team}`]),
    ...(project === undefined ? [] : [`project:${project}`]),
    ...(env === undefined ? [] : [`env:${env}`]),
    ...(org ? ['org'] : []),
  ];
}

/** The option that names a subject. */
function optionOf(subject: string): string {
  return `--${subject.replace(':', ' ')}`;
}

function periodOf({ period }: Which): BudgetShape['period'] | undefined {
  return period === undefined ? undefined : choice('--period', period, periodSchema.options);
}

function show(budget: BudgetShape, json: boolean, io: Io): void {
  if (json) {
    printJson(io, budget);
    return;
  }
  printFields(io, [
    ['budget', budget.id],
    ['of', budget.subject],
    ['period', budget.zone === 'UTC' ? budget.window : `${budget.window} (${budget.zone})`],
    ['limit', dollars(budget.limitPicoUsd)],
    ['spent', dollars(budget.spentPicoUsd)],
    ['held', dollars(budget.heldPicoUsd)],
    ['overrun', dollars(budget.overrunPicoUsd)],
    ['state', budget.state],
    ['when used up', budget.onCap],
    ['resets', budget.resetsAt ?? 'never'],
  ]);
}
