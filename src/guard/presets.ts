/**
 * Presets: what a token for a common purpose needs, under one name. Those of Sallyport are below; an installation's own are records.
 * A token keeps what its preset said when it was issued: a later change of the preset is for later tokens.
 */
import { z } from 'zod';
import { type Bounds, boundsSchema, NO_BOUNDS } from '../access/bounds.ts';
import { checkScope } from '../access/scope.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { checkName } from '../core/names.ts';
import { suggest } from '../core/nearest.ts';
import { ON_CAP } from '../ledger/budget-state.ts';
import { queuePolicySchema } from '../ledger/limits.ts';
import { PERIODS } from '../ledger/period.ts';
import type { RecordBook, StoredRecord } from '../records/records.ts';

const limit = z.int().min(0).max(1_000_000).nullable();

export const presetFields = {
  summary: z.string().max(300),
  /** The environment of its tokens, or null: any. */
  environment: z.string().max(63).nullable(),
  type: z.enum(['service', 'personal', 'ci', 'agent']),
  /** Where none are asked for. Empty: they have to be listed. */
  scopes: z.array(z.string()).max(100),
  /** A token is for one model, which is named when it is issued. */
  oneModel: z.boolean(),
  /** Null: what is usual for the type. */
  lifetimeMs: z.int().positive().nullable(),
  bounds: boundsSchema,
  rateLimitRPM: limit,
  concurrency: limit,
  /** How its calls may wait for their turn; null: as the team's. */
  queue: queuePolicySchema.nullable(),
  budget: z
    .strictObject({
      limitPicoUsd: z.string().regex(/^[1-9]\d{0,18}$/),
      period: z.enum(PERIODS),
      onCap: z.enum(ON_CAP),
    })
    .nullable(),
} as const;

const presetBody = z.strictObject({
  name: z.string(),
  ...presetFields,
  // Records from before there were queues have none.
  queue: presetFields.queue.default(null),
  createdAt: z.iso.datetime(),
});
type PresetBody = z.infer<typeof presetBody>;

export interface Preset extends Omit<PresetBody, 'createdAt'> {
  readonly builtIn: boolean;
}

export type PresetChange = Partial<Omit<PresetBody, 'name' | 'createdAt' | 'bounds'>> & {
  readonly bounds?: Partial<Bounds>;
};

const DAY_MS = 86_400_000;
const usd = (dollars: number): string => `${dollars}000000000000`;

const PLAIN: Omit<Preset, 'name' | 'summary'> = {
  builtIn: true,
  environment: null,
  type: 'service',
  scopes: [],
  oneModel: false,
  lifetimeMs: null,
  bounds: NO_BOUNDS,
  rateLimitRPM: null,
  concurrency: null,
  queue: null,
  budget: null,
};

const READ_AND_LIMITED = ['read:*', 'write:limited'];

const BUILT_IN: readonly Preset[] = [
  {
    ...PLAIN,
    name: 'backend-chat',
    summary:
      'A backend that passes on what its users write: one model, short conversations of user and assistant.',
    oneModel: true,
    bounds: {
      models: null,
      messages: { atMost: 10, over: 'trim' },
      text: { atMost: 4000, over: 'trim' },
      roles: { only: ['user', 'assistant'], over: 'refuse' },
      output: { atMost: 1024, over: 'trim' },
      tools: 'refuse',
      injection: { action: 'flag', phrases: [] },
    },
  },
  {
    ...PLAIN,
    name: 'agent',
    summary:
      'A program that works by itself, with tools: short-lived, a budget of its own, few calls at once.',
    type: 'agent',
    bounds: {
      ...NO_BOUNDS,
      messages: { atMost: 200, over: 'trim' },
      text: { atMost: 200_000, over: 'trim' },
      output: { atMost: 8192, over: 'trim' },
    },
    rateLimitRPM: 60,
    concurrency: 4,
    budget: { limitPicoUsd: usd(5), period: 'total', onCap: 'refuse' },
  },
  {
    ...PLAIN,
    name: 'batch',
    summary: 'Many like requests in the background: nothing is cut, what does not fit is refused.',
    lifetimeMs: 7 * DAY_MS,
    bounds: {
      ...NO_BOUNDS,
      messages: { atMost: 50, over: 'refuse' },
      output: { atMost: 4096, over: 'refuse' },
      tools: 'refuse',
    },
    concurrency: 8,
    queue: { length: 200, waitMs: 120_000 },
  },
  {
    ...PLAIN,
    name: 'dev',
    summary: 'Trying things out: reads, and calls under small caps.',
    environment: 'dev',
    scopes: READ_AND_LIMITED,
    lifetimeMs: 30 * DAY_MS,
    bounds: { ...NO_BOUNDS, output: { atMost: 1024, over: 'trim' } },
    rateLimitRPM: 30,
    concurrency: 4,
    budget: { limitPicoUsd: usd(1), period: 'day', onCap: 'refuse' },
  },
  {
    ...PLAIN,
    name: 'staging',
    summary: 'The same as in production, but less of it: reads, and calls under caps.',
    environment: 'staging',
    scopes: READ_AND_LIMITED,
    lifetimeMs: 30 * DAY_MS,
    bounds: { ...NO_BOUNDS, output: { atMost: 2048, over: 'trim' } },
    rateLimitRPM: 60,
    concurrency: 8,
    budget: { limitPicoUsd: usd(5), period: 'day', onCap: 'refuse' },
  },
  {
    ...PLAIN,
    name: 'prod',
    summary: 'Production: nothing but what is listed.',
    environment: 'prod',
  },
];

/** Names that mean the same everywhere. */
export const BUILT_IN_PRESETS: readonly string[] = BUILT_IN.map(({ name }) => name);

export class Presets {
  readonly #deps: { readonly book: RecordBook; readonly clock: Clock };
  readonly #presets = new Map<string, Preset>(BUILT_IN.map((preset) => [preset.name, preset]));

  constructor(deps: { readonly book: RecordBook; readonly clock: Clock }) {
    this.#deps = deps;
    deps.book.subscribe('preset', (record) => this.#load(record));
  }

  list(): Preset[] {
    return [...this.#presets.values()];
  }

  /** Throws `not_found` with the nearest name. */
  get(name: string): Preset {
    const preset = this.#presets.get(name);
    if (preset) return preset;
    const known = [...this.#presets.keys()];
    throw new SallyportError('not_found', `There is no preset "${name.slice(0, 64)}".`, {
      fix: suggest(name, known, `The presets are ${known.join(', ')}.`),
    });
  }

  /**
   * Adds a preset that is like `base` but for the change; with `replace`, one of that name may exist. `check` may refuse what would be
   * stored in the place of `current`. Throws `conflict`, `input.invalid` or `not_found`. Sallyport's own cannot be changed, so that their names mean the same everywhere.
   */
  async add(
    principal: string,
    name: string,
    base: string,
    change: PresetChange,
    replace: boolean,
    check: (next: PresetBody, current: Preset | undefined) => void = () => undefined,
  ): Promise<Preset> {
    checkName('preset', name);
    await this.#deps.book.change('preset.set', principal, () => {
      const current = this.#presets.get(name);
      if (current?.builtIn || (current && !replace)) {
        throw new SallyportError('conflict', `The preset "${name}" exists already.`, {
          fix: current.builtIn ? 'Choose another name.' : 'Choose another name, or replace it: --replace.',
        });
      }
      const { builtIn: _, ...like } = this.get(base);
      const merged = { ...like, ...change, bounds: { ...like.bounds, ...change.bounds }, name };
      const body = checkBody({ ...merged, createdAt: this.#now() });
      check(body, current);
      return [{ kind: 'preset', id: name, body }];
    });
    return this.get(name);
  }

  #load(record: StoredRecord): void {
    const parsed = presetBody.safeParse(record.body);
    if (!parsed.success || parsed.data.name !== record.id) {
      throw new SallyportError(
        'config.invalid',
        `The preset record "${record.id}" is not one that this version understands.`,
        { fix: 'Start the version of Sallyport that wrote it.' },
      );
    }
    const { createdAt: _, ...preset } = parsed.data;
    this.#presets.set(record.id, { ...preset, builtIn: false });
  }

  #now(): string {
    return new Date(this.#deps.clock.wallMs()).toISOString();
  }
}

/** What cannot be read back must never be stored: the next start would stop at it. */
function checkBody(body: PresetBody): PresetBody {
  body.scopes.forEach(checkScope);
  const parsed = presetBody.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new SallyportError('input.invalid', `The preset is not valid: ${z.prettifyError(parsed.error)}`, {
    fix: 'Correct what the message names.',
  });
}
