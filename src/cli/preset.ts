/** `preset`: what tokens for a common purpose are issued with. */
import type { CallInput } from '../admin/contract.ts';
import type { PresetShape } from '../admin/preset-shapes.ts';
import { onCap, period } from '../admin/shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { choice, duration, integerOrNone, usd } from './args.ts';
import { BOUND_HELP, boundFields, parseBounds, PHRASE_HELP } from './bounds.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { dollars, orDash, printFields, printJson, printTable } from './output.ts';
import { QUEUE_OPTIONS, queueFrom } from './queue.ts';
import { spell } from './token-issue.ts';

export const presetList = defineCommand({
  name: 'preset list',
  summary: 'List the presets that tokens can be issued with.',
  options: SERVER_OPTIONS,
  examples: ['sallyport preset list'],
  run: async ({ values, io }) => {
    const { presets } = await AdminClient.open(values, io).call('preset.list');
    if (values.json) {
      printJson(io, presets);
      return EXIT.ok;
    }
    const rows = presets.map((preset) => [preset.name, orDash(preset.environment), preset.summary]);
    printTable(io, ['preset', 'env', 'for'], rows, 'there is no preset');
    return EXIT.ok;
  },
});

export const presetShow = defineCommand({
  name: 'preset show',
  summary: 'Show what a preset gives to a token.',
  args: ['PRESET'],
  options: SERVER_OPTIONS,
  examples: ['sallyport preset show backend-chat'],
  run: async ({ values, args: [name = ''], io }) => {
    const preset = await AdminClient.open(values, io).call('preset.show', { params: { preset: name } });
    show(preset, values.json, io);
    return EXIT.ok;
  },
});

const ADD_OPTIONS = {
  from: { type: 'string', value: 'PRESET', help: 'the preset that it is like (needed)' },
  summary: { type: 'string', value: 'TEXT', help: 'what it is for' },
  bound: { type: 'string', multiple: true, value: 'NAME=VALUE', help: BOUND_HELP },
  phrase: { type: 'string', multiple: true, value: 'TEXT', help: PHRASE_HELP },
  scope: { type: 'string', multiple: true, value: 'SCOPE', help: 'scopes of its tokens; repeatable' },
  expires: { type: 'string', value: 'TIME', help: 'how long its tokens live: 15m, 12h, 30d' },
  rpm: { type: 'string', value: 'N', help: 'calls per minute, or none' },
  concurrency: { type: 'string', value: 'N', help: 'calls at the same time, or none' },
  ...QUEUE_OPTIONS,
  'budget-usd': { type: 'string', value: 'X', help: 'a budget of each token, or none' },
  'budget-period': { type: 'string', value: 'P', help: 'day, week, month or total (default total)' },
  'on-cap': { type: 'string', value: 'RULE', help: 'pause (default) or refuse when it is used up' },
  replace: { type: 'boolean', help: 'change the preset of this name, for tokens that are issued later' },
} as const satisfies OptionSpecs;

export const presetAdd = defineCommand({
  name: 'preset add',
  summary: 'Add a preset of your own: like another one, but for what is named.',
  args: ['PRESET'],
  options: { ...ADD_OPTIONS, ...SERVER_OPTIONS },
  examples: [
    "sallyport preset add support-chat --from backend-chat --bound messages=20:trim --summary 'the help desk'",
  ],
  notes: ['Tokens keep what the preset said when they were issued.'],
  run: async ({ values, args: [name = ''], io }) => {
    if (values.from === undefined) {
      throw new SallyportError('input.invalid', '--from is needed', { fix: 'see: sallyport preset list' });
    }
    const body = { name, base: values.from, replace: values.replace, ...changeOf(values) };
    show(await AdminClient.open(values, io).call('preset.add', { body }), values.json, io);
    return EXIT.ok;
  },
});

function changeOf(values: Values<typeof ADD_OPTIONS>): Partial<NonNullable<CallInput<'preset.add'>['body']>> {
  const { summary, scope, expires, rpm, concurrency } = values;
  return {
    summary,
    bounds: parseBounds(values.bound, values.phrase),
    scopes: scope.length === 0 ? undefined : [...scope],
    lifetimeMs: expires === undefined ? undefined : duration('--expires', expires),
    rateLimitRPM: rpm === undefined ? undefined : integerOrNone('--rpm', rpm, 0, 1_000_000),
    concurrency:
      concurrency === undefined ? undefined : integerOrNone('--concurrency', concurrency, 0, 100_000),
    queue: queueFrom(values),
    budget: budgetOf(values),
  };
}

function budgetOf(values: Values<typeof ADD_OPTIONS>): PresetShape['budget'] | undefined {
  const amount = values['budget-usd'];
  if (amount === undefined) return undefined;
  if (amount === 'none') return null;
  return {
    limitPicoUsd: usd('--budget-usd', amount).toString(),
    period: choice('--budget-period', values['budget-period'] ?? 'total', period.options),
    onCap: choice('--on-cap', values['on-cap'] ?? 'pause', onCap.options),
  };
}

function show(preset: PresetShape, json: boolean, io: Io): void {
  if (json) {
    printJson(io, preset);
    return;
  }
  const { budget } = preset;
  printFields(io, [
    ['preset', preset.name],
    ['for', preset.summary],
    ['type of token', preset.type],
    ['environment', preset.environment ?? 'any'],
    ['scopes', preset.scopes.length === 0 ? 'none until they are listed' : preset.scopes.join(' ')],
    ...(preset.oneModel ? ([['model', 'one, named when it is issued']] as [string, string][]) : []),
    ['lives', preset.lifetimeMs === null ? 'as usual for its type' : spell(preset.lifetimeMs)],
    ...boundFields(preset.bounds),
    ['calls per minute', orDash(preset.rateLimitRPM)],
    ['concurrency', orDash(preset.concurrency)],
    [
      'may wait',
      preset.queue ? `${preset.queue.length} calls for ${preset.queue.waitMs / 1000} s` : 'as its team',
    ],
    ['budget', budget ? `${dollars(budget.limitPicoUsd)} per ${budget.period}, then ${budget.onCap}` : '-'],
  ]);
}
