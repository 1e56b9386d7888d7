/**
 * What would happen to a call, asked of the same functions as the gateway: its reader for the request, its plan for the decision, the
 * vault's choice of a key, and the state of limits and budgets now. Nothing is counted, held or recorded.
 */
import type { Token } from '../access/tokens.ts';
import { SallyportError } from '../core/errors.ts';
import { formatUsd, type PicoUsd } from '../core/money.ts';
import { type ShapedRequest, shapeRequest } from '../guard/guard.ts';
import { planCall, type Planned } from '../gateway/plan.ts';
import type { Outlook } from '../gateway/turns.ts';
import type { BudgetView } from '../ledger/budget-state.ts';
import type { RateState } from '../ledger/rates.ts';
import { pathOf } from '../ledger/subjects.ts';
import { findProvider, providerIds } from '../providers/catalog.ts';
import { readChatRequest } from '../providers/openai-request.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { budgetShape } from './budget-routes.ts';
import type { RouteInput } from './contract.ts';
import { requireScope } from './principal.ts';
import type { Explanation } from './explain-shapes.ts';

type Deps = Pick<
  AdminDeps,
  'tokens' | 'teams' | 'ledger' | 'prices' | 'templates' | 'turns' | 'vault' | 'clock'
>;
type Request = RouteInput<'call.explain'>['body'];
type Refusal = NonNullable<Explanation['refusal']>;

const DEFAULT_PROMPT_BYTES = 1000;
const MAX_PROMPT_BYTES = 4_194_304;

export function explainRoutes(deps: Deps): Handlers<'call.explain'> {
  return {
    'call.explain': ({ body }, principal) => {
      // The answer shows what these scopes are for.
      for (const scope of ['keys:read', 'budgets:read']) requireScope(principal, scope);
      return explain(deps, body);
    },
  };
}

async function explain(deps: Deps, request: Request): Promise<Explanation> {
  checkRequest(request);
  const token = deps.tokens.get(request.token);
  const provider = request.provider ?? token.defaultProvider;
  const known = provider === null ? undefined : findProvider(provider);
  const ended = endedRefusal(token, deps.clock.wallMs()) ?? (known ? null : providerRefusal(provider));
  const base: Explanation = {
    allowed: false,
    refusal: ended,
    provider,
    model: request.model ?? '',
    obligations: null,
    promptTokensBound: null,
    worstCasePicoUsd: null,
    keySlot: null,
    rate: null,
    tokenRate: null,
    waits: null,
    budgets: [],
  };
  if (!known || token.team === null || ended?.code === 'token.invalid') return base;
  const { planned, shape, model } = await plan(deps, token, token.team, known.id, request);
  const slot = deps.vault.select({ provider: known.id, team: token.team, environment: token.environment });
  const path = pathOf(token);
  const { requests, tokens } = deps.ledger.limits.states(path.limits);
  const subjects = slot ? deps.ledger.limits.withKey(path.limits, slot.name) : path.limits;
  const outlook: Outlook = planned.allow
    ? deps.turns.outlook(token.id, token.team, { subjects, tokens: planned.plan.worstCaseTokens })
    : { kind: 'free' };
  const limited = outlook.kind === 'refused' ? outlook.error : null;
  const views = path.budgets.flatMap((subject) => deps.ledger.list(subject));
  const cost = planned.allow ? planned.plan.worstCasePicoUsd : null;
  const budgets = views.map((view) => budgetFit(view, cost));
  const refusal = firstRefusal(planned, slot, known.id, limited, budgets);
  return {
    ...base,
    model,
    allowed: refusal === null,
    refusal,
    ...(planned.allow ? planShape(planned, shape) : {}),
    keySlot: slot ? { name: slot.name, version: slot.activeVersion, origin: slot.origin } : null,
    rate: rateShape(requests),
    tokenRate: rateShape(tokens),
    waits: outlook.kind === 'waits' ? { reason: outlook.reason, upToMs: outlook.upToMs } : null,
    budgets,
  };
}

interface Asked {
  readonly planned: Planned;
  /** Null for a request that was refused before. */
  readonly shape: ShapedRequest | null;
  readonly model: string;
}

/** As the pipeline: read, put within the token's bounds, decided. */
async function plan(
  deps: Deps,
  token: Token,
  team: string,
  provider: string,
  request: Request,
): Promise<Asked> {
  let model = request.model ?? '';
  try {
    const body = Buffer.from(request.body ?? JSON.stringify(syntheticBody(request)));
    const read = readChatRequest(body);
    model = read.model;
    const policy = { bounds: token.bounds, template: deps.templates.of(token) };
    const shape = await shapeRequest(policy, body, read);
    const { asked } = shape;
    const facts = { provider, ...asked, features: [...asked.features, ...(request.features ?? [])] };
    const { limits } = deps.teams.get(team);
    const planned = planCall(deps.prices, token, limits, facts, deps.clock.wallMs());
    return { planned, shape, model: asked.model };
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    const { code, message, fix = '' } = error;
    return { planned: { allow: false, code, message, fix }, shape: null, model };
  }
}

/** Throws `input.invalid` when it is not clear what would be sent. */
function checkRequest({ model, body, maxTokens, n, promptBytes, messages }: Request): void {
  const synthetic = [model, maxTokens, n, promptBytes, messages].some((field) => field !== undefined);
  if ((body === undefined) === (model === undefined) || (body !== undefined && synthetic)) {
    throw new SallyportError('input.invalid', 'A request is a model with its numbers, or a whole body.', {
      fix: 'Give model, or body and nothing else about the request.',
    });
  }
  if ((messages ?? 1) * (promptBytes ?? DEFAULT_PROMPT_BYTES) > MAX_PROMPT_BYTES) {
    throw new SallyportError('input.invalid', 'So many messages of that size are more than any request.', {
      fix: `All messages together have at most ${MAX_PROMPT_BYTES} bytes.`,
    });
  }
}

function syntheticBody({ model, maxTokens, n, promptBytes, messages = 1 }: Request): object {
  const content = 'x'.repeat(promptBytes ?? DEFAULT_PROMPT_BYTES);
  const roles = Array.from({ length: messages }, (_, index) => (index % 2 === 0 ? 'user' : 'assistant'));
  return {
    model,
    messages: roles.map((role) => ({ role, content })),
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(n === undefined ? {} : { n }),
  };
}

function rateShape(rate: RateState | null): Explanation['rate'] {
  return rate && { subject: rate.subject, limit: rate.limit, remaining: rate.remaining };
}

function planShape(
  { plan }: Extract<Planned, { allow: true }>,
  shape: ShapedRequest | null,
): Partial<Explanation> {
  return {
    obligations: {
      injectCap: plan.injectCap,
      trimmed: [...(shape?.trimmed ?? [])],
      template: shape?.template ?? null,
      injection: [...(shape?.findings ?? [])],
    },
    promptTokensBound: plan.promptBound,
    worstCasePicoUsd: plan.worstCasePicoUsd.toString(),
  };
}

/** What the gateway would say first: decision, key, rate, money. */
function firstRefusal(
  planned: Planned,
  slot: KeySlot | undefined,
  provider: string,
  limited: SallyportError | null,
  budgets: Explanation['budgets'],
): Refusal | null {
  if (!planned.allow) return { code: planned.code, message: planned.message, fix: planned.fix };
  if (!slot) {
    return {
      code: 'upstream.unavailable',
      message: `No ${provider} key is set up for this token's team and environment.`,
      fix: `Add one: sallyport key add NAME --provider ${provider}`,
    };
  }
  if (limited) return { code: limited.code, message: limited.message, fix: limited.fix ?? null };
  const lacking = budgets.find(({ fits }) => !fits);
  if (!lacking) return null;
  const message = `The budget ${lacking.budget.id} has no room for this call: ${lacking.reason ?? ''}.`;
  return {
    code: 'budget.exceeded',
    message,
    fix: `See it: sallyport budget show ${lacking.budget.id}`,
  };
}

/** The rule of `Budgets.reserve`, for one budget and without holding anything. */
function budgetFit(view: BudgetView, cost: PicoUsd | null): Explanation['budgets'][number] {
  const budget = budgetShape(view);
  if (view.state === 'paused') return { budget, fits: false, reason: 'it is paused' };
  const left = view.limitPicoUsd - view.spentPicoUsd - view.heldPicoUsd;
  if (cost === null || cost <= left) return { budget, fits: true, reason: null };
  const reason = `$${formatUsd(left < 0n ? 0n : left)} is left, the call may cost up to $${formatUsd(cost)}`;
  return { budget, fits: false, reason };
}

function endedRefusal(token: Token, nowMs: number): Refusal | null {
  const code = 'token.invalid';
  const fix = 'Issue a new one: sallyport token issue';
  if (token.type === 'admin') return { code, message: 'An admin token makes no calls.', fix };
  if (token.state === 'revoked') return { code, message: 'The token is revoked.', fix };
  return token.expiresAtMs <= nowMs ? { code, message: 'The token is expired.', fix } : null;
}

/** Throws `not_found` for a provider that there is not. */
function providerRefusal(provider: string | null): Refusal {
  const ids = providerIds().join(', ');
  if (provider !== null) {
    throw new SallyportError('not_found', `There is no provider "${provider.slice(0, 40)}".`, {
      fix: `The providers are ${ids}.`,
    });
  }
  return {
    code: 'request.ambiguous_provider',
    message: 'The token has no default provider, so a path that names none is refused.',
    fix: `Name one: --provider with one of ${ids}.`,
  };
}
