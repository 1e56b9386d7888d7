/**
 * What a request for a token means once its preset is looked up: whatever it does not say comes from there. Whoever asks is not granted
 * more by it: the scopes that come out are held against their own like any others.
 */
import { type Bounds, isUnbounded, NO_BOUNDS } from '../access/bounds.ts';
import { SallyportError } from '../core/errors.ts';
import type { Preset } from '../guard/presets.ts';
import type { AdminDeps } from './admin.ts';
import type { RouteInput } from './contract.ts';
import { defined } from './defined.ts';

type Deps = Pick<AdminDeps, 'presets' | 'vault' | 'prices' | 'clock'>;
export type IssueBody = RouteInput<'token.issue'>['body'];

export interface Expanded {
  readonly body: Omit<IssueBody, 'models' | 'bounds'>;
  readonly bounds: Bounds | null;
  readonly notes: readonly string[];
}

/** For a preset of one model on Groq, where nobody says which. */
const DEFAULT_MODEL = 'openai/gpt-oss-20b';

/** Throws `not_found` for an unknown preset, and `input.invalid` where it leaves something open. */
export function expandPreset(deps: Deps, asked: IssueBody): Expanded {
  const preset = asked.preset === undefined ? null : deps.presets.get(asked.preset);
  const { models: named = [], bounds: own = {}, ...rest } = asked;
  const environment = environmentOf(preset, asked.environment);
  const keyed = providersWithKey(deps, asked.team, environment);
  const models = preset?.oneModel ? [theModel(preset, asked, keyed)] : named;
  const provider = asked.defaultProvider ?? onlyOf(providersOf(deps, models, keyed));
  const scopes = scopesOf(preset, asked.scopes, models, provider);
  const bounds: Bounds = {
    ...(preset?.bounds ?? NO_BOUNDS),
    ...(models.length > 0 && { models: { only: [...models], over: 'refuse' } }),
    ...defined(own),
  };
  // A scope that names a provider says which is meant; others leave it open.
  const implied = scopes.some((scope) => scope.startsWith('call:')) ? asked.defaultProvider : provider;
  return {
    body: {
      ...rest,
      ...fromPreset(preset, asked),
      ...defined({ environment, defaultProvider: implied }),
      scopes: [...scopes],
    },
    bounds: isUnbounded(bounds) ? null : bounds,
    notes: [...modelNote(preset, asked, models), ...sharedKeyNote(deps, preset, asked.team, keyed)],
  };
}

function fromPreset(preset: Preset | null, asked: IssueBody): Partial<IssueBody> {
  if (!preset) return {};
  return defined({
    type: asked.type ?? preset.type,
    lifetimeMs: asked.lifetimeMs ?? preset.lifetimeMs ?? undefined,
    rateLimitRPM: asked.rateLimitRPM ?? preset.rateLimitRPM ?? undefined,
    concurrency: asked.concurrency ?? preset.concurrency ?? undefined,
    budget: asked.budget ?? preset.budget ?? undefined,
    queue: asked.queue ?? preset.queue ?? undefined,
  });
}

function environmentOf(preset: Preset | null, asked: string | undefined): string | undefined {
  const own = preset?.environment ?? asked;
  if (asked === undefined || own === asked) return own;
  throw invalid(
    `The preset ${preset?.name ?? ''} is for the environment ${own ?? ''}.`,
    'Leave --env out, or choose another preset.',
  );
}

/** The one that is asked for, by itself or in the only scope; else the usual one. */
function theModel(preset: Preset, asked: IssueBody, keyed: readonly string[]): string {
  const { models = [], scopes, defaultProvider } = asked;
  if (models.length > 1)
    throw invalid(`A token of the preset ${preset.name} is for one model.`, 'Give --model once.');
  const given = models[0] ?? onlyOf(scopes.map(exactModel));
  if (given !== undefined) return given;
  const provider = defaultProvider ?? onlyOf(keyed);
  if (provider === undefined || provider === 'groq') return DEFAULT_MODEL;
  throw invalid('The preset is for one model, and this provider has no usual one.', 'Add --model.');
}

function scopesOf(
  preset: Preset | null,
  asked: readonly string[],
  models: readonly string[],
  provider: string | undefined,
): readonly string[] {
  if (asked.length > 0) return asked;
  if (models.length > 0) {
    if (provider !== undefined) return models.map((model) => `call:${provider}/${model}`);
    throw invalid('It is not clear which provider has the model.', 'Add --default-provider, such as groq.');
  }
  if (!preset || preset.scopes.length > 0) return preset?.scopes ?? [];
  throw invalid(
    `The preset ${preset.name} has no scopes of its own: list what the token may do.`,
    "Add --model, or --scope 'call:groq/openai/gpt-oss-20b'; both may be given several times.",
  );
}

/** Providers that have all the models: of those, the ones that have a key here, if any. Without a model, the ones that have a key. */
function providersOf(
  { prices, clock }: Deps,
  models: readonly string[],
  keyed: readonly string[],
): readonly string[] {
  const [first] = models;
  if (first === undefined) return keyed;
  const nowMs = clock.wallMs();
  const having = new Set(
    prices
      .rowsOf(first, nowMs)
      .map(({ price }) => price.provider)
      .filter((provider) => models.every((model) => prices.priceOf(provider, model, nowMs))),
  );
  const both = keyed.filter((provider) => having.has(provider));
  return both.length > 0 ? both : [...having];
}

function providersWithKey({ vault }: Deps, team = '', environment = ''): string[] {
  const providers = new Set(vault.list().map(({ provider }) => provider));
  return [...providers].filter((provider) => vault.select({ provider, team, environment }));
}

function modelNote(preset: Preset | null, asked: IssueBody, models: readonly string[]): string[] {
  const said = (asked.models ?? []).length > 0 || asked.scopes.some(exactModel);
  return preset?.oneModel && !said
    ? [`The token may call ${models.join()} and no other model; --model names another one.`]
    : [];
}

/** An environment that shares its key with others: when it leaks or its limit is used up, all of them stand still. */
function sharedKeyNote(
  { vault }: Deps,
  preset: Preset | null,
  team = '',
  keyed: readonly string[],
): string[] {
  const environment = preset?.environment ?? null;
  if (environment === null) return [];
  return keyed.flatMap((provider) => {
    const slot = vault.select({ provider, team, environment });
    if (!slot || slot.environment !== null) return [];
    const add = `sallyport key add ${provider}-${environment} --provider ${provider} --env ${environment}`;
    return [`The key ${slot.name} pays for it, which is not only for ${environment}. One of its own: ${add}`];
  });
}

/** A scope's model when it names exactly one. */
function exactModel(scope: string): string | undefined {
  return /^call:[^/*]+\/([^*]+)$/.exec(scope)?.[1];
}

function onlyOf<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}

function invalid(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
