/** `presets`: the installation's own, each in full. Those of Sallyport are what they are everywhere. */
import { z } from 'zod';
import { boundsSchema, INJECTION_ACTIONS, NO_BOUNDS } from '../access/bounds.ts';
import { checkScope } from '../access/scope.ts';
import { SallyportError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import { BUILT_IN_PRESETS, presetFields } from '../guard/presets.ts';
import { ON_CAP } from '../ledger/budget-state.ts';
import { PERIODS } from '../ledger/period.ts';
import type { Document } from './document.ts';
import {
  amount,
  amountPicoUsd,
  duration,
  durationField,
  durationMs,
  nameField,
  queueField,
  queueItem,
  queuePolicy,
  tidyQueue,
  usdField,
} from './fields.ts';
import { type Conflict, defineSection } from './section.ts';

const { summary, type, oneModel, rateLimitRPM, concurrency } = presetFields;
const { models, messages, text, roles, output, tools } = boundsSchema.shape;

const bounds = z.strictObject({
  models: models
    .default(null)
    .describe('The only models, and whether others are refused or the first is asked instead.'),
  messages: messages.default(null).describe('Most messages of a request.'),
  text: text.default(null).describe("Most characters of a message's text."),
  roles: roles.default(null).describe('Who may speak.'),
  output: output.default(null).describe('Most output tokens of a request.'),
  tools: tools.default(null).describe('Tools that the caller defines; null: allowed.'),
  injection: z
    .strictObject({
      action: z.enum(INJECTION_ACTIONS),
      phrases: z.array(z.string().min(1).max(200)).max(50).default([]),
    })
    .nullable()
    .default(null)
    .describe('Phrases of injection, and phrases of your own; null: not looked for.'),
});

const scope = z.string().superRefine((written, context) => {
  try {
    checkScope(written);
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    context.addIssue({ code: 'custom', message: error.message.replace(/\.$/, '') });
  }
});

const preset = z.strictObject({
  summary: summary.default('').describe('What it is for.'),
  environment: nameField.nullable().default(null).describe('The environment of its tokens; null: any.'),
  type: type.default('service').describe('The type of its tokens.'),
  scopes: z
    .array(scope)
    .max(100)
    .default([])
    .describe('Where none are asked for; empty: they have to be listed.'),
  oneModel: oneModel.default(false).describe('A token is for one model, which is named when it is issued.'),
  lifetime: durationField
    .nullable()
    .default(null)
    .describe('How long its tokens live, such as 30d; null: as usual for the type.'),
  bounds: bounds.nullable().default(NO_BOUNDS).describe('Bounds of requests; each says trim or refuse.'),
  rateLimitRPM: rateLimitRPM.default(null).describe('Calls per minute of a token; null: no limit.'),
  concurrency: concurrency.default(null).describe('Calls at the same time; null: no limit.'),
  queue: queueField.describe('How calls may wait for their turn; null: as the team says.'),
  budget: z
    .strictObject({
      limitUsd: usdField.describe('In dollars.'),
      period: z.enum(PERIODS).default('total').describe('day, week, month or total.'),
      onCap: z.enum(ON_CAP).default('pause').describe('What the first refusal does: pause or refuse.'),
    })
    .nullable()
    .default(null)
    .describe('A budget of each token; null: none.'),
});

export const presetsSchema = z
  .record(nameField, preset.nullable())
  .describe("Presets of the installation's own, by name; what is left out is open.");

type PresetItem = z.infer<typeof preset>;

/** Everything is said, so it does not matter which one this is. */
const BASE = 'prod';

export const presets = defineSection<PresetItem>({
  key: 'presets',
  noun: 'preset',
  read: async (contract) => {
    const { presets: all } = await contract.call('preset.list');
    return new Map(
      all
        .filter(({ builtIn }) => !builtIn)
        .map(({ name, lifetimeMs, budget, queue, ...rest }) => [
          name,
          {
            ...rest,
            lifetime: lifetimeMs === null ? null : duration(lifetimeMs),
            queue: queueItem(queue),
            budget: budget && {
              limitUsd: formatUsd(BigInt(budget.limitPicoUsd)),
              period: budget.period,
              onCap: budget.onCap,
            },
          },
        ]),
    );
  },
  wanted: ({ presets: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(([id, written]) => {
      const said = preset.parse(written ?? {});
      const { lifetime, budget } = said;
      const item = {
        ...said,
        bounds: said.bounds ?? NO_BOUNDS,
        lifetime: lifetime === null ? null : duration(durationMs(lifetime)),
        queue: tidyQueue(said.queue),
        budget: budget && { ...budget, limitUsd: amount(budget.limitUsd) },
      };
      return [id, { item, path: ['presets', id] }] as const;
    });
    return new Map(entries);
  },
  check: builtInNames,
  describe: (items) => ({
    presets: Object.fromEntries([...items].map(([id, item]) => [id, described(item)])),
  }),
  put: (contract, id, { lifetime, queue, budget, bounds: limits, ...rest }, current) =>
    contract.call('preset.add', {
      body: {
        ...rest,
        name: id,
        base: BASE,
        replace: current !== undefined,
        bounds: limits ?? NO_BOUNDS,
        lifetimeMs: lifetime === null ? null : durationMs(lifetime),
        queue: queuePolicy(queue),
        budget: budget && {
          limitPicoUsd: amountPicoUsd(budget.limitUsd),
          period: budget.period,
          onCap: budget.onCap,
        },
      },
    }),
});

const DEFAULTS: Readonly<Record<string, unknown>> = preset.parse({});

/** What a reader needs: all that is not as open as can be. */
function described({ bounds: limits, ...item }: PresetItem): object {
  const said = Object.entries(item).filter(
    ([field, value]) =>
      Object.hasOwn(DEFAULTS, field) && JSON.stringify(value) !== JSON.stringify(DEFAULTS[field]),
  );
  const own = Object.entries(limits ?? NO_BOUNDS).filter(([, bound]) => bound !== null);
  return { ...Object.fromEntries(said), ...(own.length > 0 && { bounds: Object.fromEntries(own) }) };
}

function builtInNames({ presets: named }: Document): Conflict[] {
  return Object.keys(named ?? {})
    .filter((id) => BUILT_IN_PRESETS.includes(id))
    .map((id) => ({
      path: ['presets', id],
      message: `the preset ${id} is one of Sallyport's own, and stays as it is`,
      fix: 'choose another name',
    }));
}
