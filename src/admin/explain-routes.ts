/**
 * What would happen to a call, asked of the same functions as the gateway: its reader for the request, its plan for the decision, the
 * vault's choice of a key, and the state of limits and budgets now. Nothing is counted, held or recorded.
 */
import type { Token } from '../access/tokens.ts';
import { SallyportError } from '../core/errors.ts';
import { formatUsd, type PicoUsd } from '../core/money.ts';
import { planCall, type Planned } from '../gateway/plan.ts';
import type { BudgetView } from '../ledger/budget-state.ts';
import type { RateState } from '../ledger/rates.ts';
import { pathOf } from '../ledger/subjects.ts';
import { findProvider, providerIds } from '../providers/catalog.ts';
import { readChatRequest } from '../providers/openai.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { budgetShape } from './budget-routes.ts';
import type { RouteInput } from './contract.ts';
import type { Explanation } from './explain-shapes.ts';

type Deps = Pick<AdminDeps, 'tokens' | 'teams' | 'ledger' | 'prices' | 'vault' | 'clock'>;
type Request = RouteInput<'call.explain'>['body'];
type Refusal = NonNullable<Explanation['refusal']>;

const DEFAULT_PROMPT_BYTES = 1000;

export function explainRoutes(deps: Deps): Handlers<'call.explain'> {
  return { 'call.explain': ({ body }) => explain(deps, body) };
}

function explain(deps: Deps, request: Request): Explanation {
  const token = deps.tokens.get(request.token);
  const provider = request.provider ?? token.defaultProvider;
  const known = provider === null ? undefined : findProvider(provider);
  const ended = endedRefusal(token, deps.clock.wallMs()) ?? (known ? null : providerRefusal(provider));
  const base: Explanation = {
    allowed: false,
    refusal: ended,
    provider,
    model: request.model,
    obligations: null,
    promptTokensBound: null,
    worstCasePicoUsd: null,
    keySlot: null,
    rate: null,
    tokenRate: null,
    budgets: [],
  };
  if (!known || token.team === null || ended?.code === 'token.invalid') return base;
  const planned = plan(deps, token, token.team, known.id, request);
  const slot = deps.vault.select({ provider: known.id, team: token.team, environment: token.environment });
  const path = pathOf(token);
  const { requests, tokens } = deps.ledger.limits.states(path.limits);
  const limited = planned.allow
    ? deps.ledger.limits.refusal(path.limits, planned.plan.worstCaseTokens)
    : null;
  const views = path.budgets.flatMap((subject) => deps.ledger.list(subject));
  const cost = planned.allow ? planned.plan.worstCasePicoUsd : null;
  const budgets = views.map((view) => budgetFit(view, cost));
  const refusal = firstRefusal(planned, slot, known.id, limited, budgets);
  return {
    ...base,
    allowed: refusal === null,
    refusal,
    ...(planned.allow ? planShape(planned) : {}),
    keySlot: slot ? { name: slot.name, version: slot.activeVersion, origin: slot.origin } : null,
    rate: rateShape(requests),
    tokenRate: rateShape(tokens),
    budgets,
  };
}

function plan(deps: Deps, token: Token, team: string, provider: string, request: Request): Planned {
  const { model, maxTokens, n, promptBytes, features } = request;
  const body = {
    model,
    messages: [{ role: 'user', content: 'x'.repeat(promptBytes ?? DEFAULT_PROMPT_BYTES) }],
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(n === undefined ? {} : { n }),
  };
  const asked = readChatRequest(Buffer.from(JSON.stringify(body)));
  const facts = { provider, ...asked, features: [...asked.features, ...(features ?? [])] };
  return planCall(deps.prices, token, deps.teams.get(team).limits, facts, deps.clock.wallMs());
}

function rateShape(rate: RateState | null): Explanation['rate'] {
  return rate && { subject: rate.subject, limit: rate.limit, remaining: rate.remaining };
}

function planShape({ plan }: Extract<Planned, { allow: true }>): Partial<Explanation> {
  return {
    obligations: { injectCap: plan.injectCap },
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
