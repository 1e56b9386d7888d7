/** `team`, `project` and `env`. */
import type { PolicyShape } from '../admin/shapes.ts';
import type { RouteReply } from '../admin/contract.ts';
import { formatUsd } from '../core/money.ts';
import { integerOrNone, list, usd } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { orDash, printFields, printJson, printTable, warn } from './output.ts';

const POLICY_OPTIONS = {
  'allowed-models': {
    type: 'string',
    value: 'A,B',
    help: 'models that may be called; * at the end of a name stands for any rest, none for no model',
  },
  'max-tokens': { type: 'string', value: 'N', help: 'most output tokens of one request, or none' },
  'monthly-budget-usd': { type: 'string', value: 'X', help: 'budget of a calendar month (UTC)' },
  rpm: { type: 'string', value: 'N', help: 'calls per minute of all its tokens together, or none' },
  concurrency: { type: 'string', value: 'N', help: 'calls at the same time, or none' },
} as const satisfies OptionSpecs;

type Team = RouteReply<'team.show'>;
type PolicyChange = { -readonly [F in keyof PolicyShape]?: PolicyShape[F] };

export const teamAdd = defineCommand({
  name: 'team add',
  summary: 'Add a team with its policy.',
  args: ['TEAM'],
  options: { ...POLICY_OPTIONS, ...SERVER_OPTIONS },
  examples: [
    "sallyport team add chat --allowed-models 'openai/gpt-oss-*' --monthly-budget-usd 250 --rpm 120",
  ],
  run: async ({ values, args: [id = ''], io }) => {
    const body = { id, policy: policyFrom(values) };
    const team = await AdminClient.open(values, io).call('team.add', { body });
    showTeam(team, values.json, io);
    return EXIT.ok;
  },
});

export const teamList = defineCommand({
  name: 'team list',
  summary: 'List the teams.',
  options: SERVER_OPTIONS,
  examples: ['sallyport team list'],
  run: async ({ values, io }) => {
    const { teams } = await AdminClient.open(values, io).call('team.list');
    if (values.json) {
      printJson(io, teams);
      return EXIT.ok;
    }
    const rows = teams.map(({ id, policy }) => [id].concat(policyFields(policy).map(([, value]) => value)));
    printTable(
      io,
      ['team', 'models', 'max tokens', 'per month', 'rpm', 'concurrency'],
      rows,
      'there is no team yet',
    );
    return EXIT.ok;
  },
});

export const teamShow = defineCommand({
  name: 'team show',
  summary: 'Show a team and its policy.',
  args: ['TEAM'],
  options: SERVER_OPTIONS,
  examples: ['sallyport team show chat'],
  run: async ({ values, args: [team = ''], io }) => {
    const shown = await AdminClient.open(values, io).call('team.show', { params: { team } });
    showTeam(shown, values.json, io);
    return EXIT.ok;
  },
});

export const teamPolicy = defineCommand({
  name: 'team policy',
  summary: "Show or change a team's policy; what is not named stays as it is.",
  args: ['TEAM'],
  options: { ...POLICY_OPTIONS, ...SERVER_OPTIONS },
  examples: ['sallyport team policy chat --max-tokens 2048', 'sallyport team policy chat --json'],
  run: async ({ values, args: [id = ''], io }) => {
    const client = AdminClient.open(values, io);
    const params = { team: id };
    const change = policyFrom(values);
    const { policy } =
      Object.keys(change).length === 0
        ? await client.call('team.show', { params })
        : await client.call('team.policy', { params, body: change });
    if (values.json) printJson(io, policy);
    else printFields(io, policyFields(policy));
    return EXIT.ok;
  },
});

export const projectAdd = defineCommand({
  name: 'project add',
  summary: 'Add a project of a team.',
  args: ['PROJECT'],
  options: {
    team: { type: 'string', value: 'TEAM', help: 'whose project it is (needed)' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport project add assistant --team chat'],
  run: async ({ values, args: [id = ''], io }) => {
    const body = { id, team: values.team ?? '' };
    const project = await AdminClient.open(values, io).call('project.add', { body });
    if (values.json) printJson(io, project);
    else
      printFields(io, [
        ['project', project.id],
        ['team', project.team],
      ]);
    return EXIT.ok;
  },
});

export const projectList = defineCommand({
  name: 'project list',
  summary: 'List the projects.',
  options: SERVER_OPTIONS,
  examples: ['sallyport project list'],
  run: async ({ values, io }) => {
    const { projects } = await AdminClient.open(values, io).call('project.list');
    if (values.json) printJson(io, projects);
    else
      printTable(
        io,
        ['project', 'team'],
        projects.map(({ id, team }) => [id, team]),
        'there is no project yet',
      );
    return EXIT.ok;
  },
});

export const envAdd = defineCommand({
  name: 'env add',
  summary: 'Add an environment; dev, test, staging and prod are there already.',
  args: ['ENVIRONMENT'],
  options: SERVER_OPTIONS,
  examples: ['sallyport env add preview'],
  run: async ({ values, args: [id = ''], io }) => {
    const environment = await AdminClient.open(values, io).call('environment.add', { body: { id } });
    if (values.json) printJson(io, environment);
    else printFields(io, [['environment', environment.id]]);
    return EXIT.ok;
  },
});

export const envList = defineCommand({
  name: 'env list',
  summary: 'List the environments.',
  options: SERVER_OPTIONS,
  examples: ['sallyport env list'],
  run: async ({ values, io }) => {
    const { environments } = await AdminClient.open(values, io).call('environment.list');
    if (values.json) printJson(io, environments);
    else
      printTable(
        io,
        ['environment'],
        environments.map(({ id }) => [id]),
        'there is no environment',
      );
    return EXIT.ok;
  },
});

function showTeam(team: Team, json: boolean, io: Io): void {
  if (json) printJson(io, team);
  else printFields(io, [['team', team.id], ...policyFields(team.policy), ['created', team.createdAt]]);
  if (team.policy.monthlyBudgetUsd === null) warn(io, `team ${team.id} has no monthly budget`);
}

function policyFields(policy: PolicyShape): [string, string][] {
  const { allowedModels, maxTokensPerRequest, monthlyBudgetUsd, rateLimitRPM, concurrency } = policy;
  return [
    ['allowed models', allowedModels.length === 0 ? 'none' : allowedModels.join(',')],
    ['max tokens per request', orDash(maxTokensPerRequest)],
    ['monthly budget', monthlyBudgetUsd === null ? '-' : `$${monthlyBudgetUsd}`],
    ['calls per minute', orDash(rateLimitRPM)],
    ['concurrency', orDash(concurrency)],
  ];
}

function policyFrom(values: Values<typeof POLICY_OPTIONS>): PolicyChange {
  const change: PolicyChange = {};
  const models = values['allowed-models'];
  if (models !== undefined) change.allowedModels = models === 'none' ? [] : list(models);
  const tokens = values['max-tokens'];
  if (tokens !== undefined) change.maxTokensPerRequest = integerOrNone('--max-tokens', tokens, 1, 10_000_000);
  const budget = values['monthly-budget-usd'];
  if (budget !== undefined) change.monthlyBudgetUsd = formatUsd(usd('--monthly-budget-usd', budget));
  if (values.rpm !== undefined) change.rateLimitRPM = integerOrNone('--rpm', values.rpm, 0, 1_000_000);
  if (values.concurrency !== undefined)
    change.concurrency = integerOrNone('--concurrency', values.concurrency, 0, 100_000);
  return change;
}
