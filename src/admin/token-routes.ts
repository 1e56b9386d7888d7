/** Access tokens. Their secret is in the answer to `issue`, and in no other. */
import { allows, covers, mayCall, providersOf } from '../access/scope.ts';
import type { Token, TokenRequest } from '../access/tokens.ts';
import { SallyportError } from '../core/errors.ts';
import { picoUsd } from '../core/money.ts';
import { suggest } from '../core/nearest.ts';
import type { BudgetView } from '../ledger/budget-state.ts';
import { checkLimit } from '../ledger/budgets.ts';
import { sharedSubjects } from '../ledger/subjects.ts';
import { findProvider, providerIds } from '../providers/catalog.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { budgetShape } from './budget-routes.ts';
import { DEFAULT_LIFETIME_MS, type RouteReply } from './contract.ts';
import { refuseCredentials } from './credentials.ts';
import { defined } from './defined.ts';
import { ensureEnvironment } from './environments.ts';
import { type Principal, requireScope } from './principal.ts';
import { expandPreset, type IssueBody } from './token-preset.ts';

type Deps = Pick<AdminDeps, 'tokens' | 'teams' | 'ledger' | 'clock' | 'log' | 'presets' | 'vault' | 'prices'>;
type TokenRoute = 'token.list' | 'token.issue' | 'token.pair' | 'token.show' | 'token.revoke';
type Issued = RouteReply<'token.issue'>;

/** An admin token makes no calls, so its environment selects nothing. */
const ADMIN_ENVIRONMENT = 'prod';
const BUDGETS_SCOPE = 'budgets:write';
const READER_SCOPE = 'read:*';

export function tokenRoutes(deps: Deps): Handlers<TokenRoute> {
  const { tokens } = deps;
  const shape = (token: Token): RouteReply<'token.show'> => tokenShape(token, deps.clock.wallMs());
  return {
    'token.list': () => ({ tokens: tokens.list().map(shape) }),
    'token.show': ({ params }) => shape(tokens.get(params.token)),
    'token.issue': ({ body }, principal) => issue(deps, body, principal),
    'token.pair': ({ body }, principal) => issuePair(deps, body, principal),
    'token.revoke': async ({ params, body }, principal) => {
      refuseCredentials([body.reason]);
      return shape(await tokens.revoke(principal.id, params.token, body.reason ?? null));
    },
  };
}

async function issue(
  deps: Deps,
  asked: IssueBody,
  principal: Principal,
  more: Pick<TokenRequest, 'readsFor'> = {},
): Promise<Issued> {
  const { body, bounds, notes } = expandPreset(deps, asked);
  const { budget, queue, lifetimeMs, environment: named, ...rest } = body;
  const type = body.type ?? 'service';
  const environment = named ?? (type === 'admin' ? ADMIN_ENVIRONMENT : undefined);
  if (environment === undefined) {
    throw new SallyportError('input.invalid', 'A token belongs to an environment.', { fix: 'Add --env.' });
  }
  refuseCredentials([body.name, environment]);
  if (budget) checkLimit(BigInt(budget.limitPicoUsd));
  if (body.defaultProvider !== undefined) checkProvider(body.defaultProvider);
  if (body.team !== undefined) deps.teams.get(body.team);
  const granted = covers(principal.scopes, body.scopes);
  const bounded = isBounded(deps, body, environment);
  // Whoever may not set budgets cannot make up money either, by a token that none bounds or by a budget of its own.
  if (granted && !bounded) requireBudgets(principal);
  // A request that is about to be refused adds nothing.
  const environmentAdded = granted && (await ensureEnvironment(deps.teams, principal, environment));
  const { token, text } = await deps.tokens.issue(
    {
      principal: principal.id,
      scopes: principal.scopes,
      ...(principal.kind === 'admin' && { bounds: principal.bounds }),
    },
    {
      ...defined(rest),
      ...more,
      ...(bounds && { bounds }),
      type,
      team: body.team ?? null,
      environment,
      lifetimeMs: lifetimeMs ?? DEFAULT_LIFETIME_MS[type],
    },
  );
  const view = await orTakeBack(deps, principal, token, async () => {
    if (queue) await deps.ledger.limits.set(principal.id, `token:${token.id}`, { queue });
    return budget ? setTokenBudget(deps, principal, token, budget) : null;
  });
  return {
    id: token.id,
    token: text,
    expiresAt: new Date(token.expiresAtMs).toISOString(),
    type,
    team: token.team,
    environment,
    scopes: token.scopes,
    defaultProvider: token.defaultProvider,
    preset: token.preset,
    bounds: token.bounds,
    environmentAdded,
    budget: view && budgetShape(view),
    notes: [...notes],
    unbounded: !bounded && view === null,
  };
}

/** True when something else than the token itself bounds what it may spend, or it may make no calls. */
function isBounded(
  { ledger }: Deps,
  { type, team, project, scopes }: Pick<IssueBody, 'type' | 'team' | 'project' | 'scopes'>,
  environment: string,
): boolean {
  if (type === 'admin' || !scopes.some(mayCall)) return true;
  const shared = sharedSubjects({ team: team ?? null, project: project ?? null, environment });
  return shared.some((subject) => ledger.list(subject).length > 0);
}

function requireBudgets(principal: Principal): void {
  if (allows(principal.scopes, BUDGETS_SCOPE)) return;
  throw new SallyportError('admin.forbidden', 'No budget bounds what this token could spend.', {
    detail: `${principal.id} lacks ${BUDGETS_SCOPE}`,
    fix: `Have somebody with the scope ${BUDGETS_SCOPE} set one for its team first, or use an admin token that has it.`,
  });
}

/**
 * Two tokens for one app: the writer makes calls, the reader sees which models there are and what the writer does, and can call nothing.
 * Both or neither.
 */
async function issuePair(
  deps: Deps,
  asked: IssueBody,
  principal: Principal,
): Promise<RouteReply<'token.pair'>> {
  const { name } = asked;
  const { body } = expandPreset(deps, asked);
  if (body.type === 'admin')
    throw new SallyportError('input.invalid', 'A pair is for calls.', { fix: 'Leave --type admin out.' });
  const providers =
    body.defaultProvider === undefined ? [...providersOf(body.scopes)] : [body.defaultProvider];
  const [provider = '*'] = providers;
  if (providers.length !== 1 || provider === '*') {
    throw new SallyportError('input.invalid', 'A pair is for one provider, and it is not clear which.', {
      fix: 'Add --default-provider, such as groq.',
    });
  }
  requireScope(principal, READER_SCOPE);
  const writer = await issue(deps, { ...asked, ...label(name, 'writer') }, principal);
  try {
    const { team, project, cidrs, browserSafe, type } = asked;
    const reader = await issue(
      deps,
      {
        ...defined({ team, project, cidrs, browserSafe, type: type ?? writer.type }),
        ...label(name, 'reader'),
        environment: writer.environment,
        scopes: [READER_SCOPE],
        lifetimeMs: Date.parse(writer.expiresAt) - deps.clock.wallMs(),
        defaultProvider: provider,
      },
      principal,
      { readsFor: writer.id },
    );
    return { reader, writer };
  } catch (error) {
    await deps.tokens.revoke(principal.id, writer.id, 'the other token of its pair could not be issued');
    throw error;
  }
}

function label(name: string | undefined, role: string): { name: string } {
  return { name: name === undefined ? role : `${name.slice(0, 90)} (${role})` };
}

/** Does the rest of what was asked for, or takes the token back: it must not live without. */
async function orTakeBack<T>(
  { tokens }: Deps,
  principal: Principal,
  token: Token,
  rest: () => Promise<T>,
): Promise<T> {
  try {
    return await rest();
  } catch (error) {
    await tokens.revoke(principal.id, token.id, 'what was asked for with it could not be set');
    throw error;
  }
}

function setTokenBudget(
  { ledger }: Deps,
  principal: Principal,
  token: Token,
  budget: NonNullable<IssueBody['budget']>,
): Promise<BudgetView> {
  const limitPicoUsd = picoUsd(BigInt(budget.limitPicoUsd));
  return ledger.setBudget(principal.id, defined({ ...budget, subject: `token:${token.id}`, limitPicoUsd }));
}

function checkProvider(id: string): void {
  if (findProvider(id)) return;
  throw new SallyportError('not_found', `There is no provider "${id.slice(0, 40)}".`, {
    fix: suggest(id, providerIds(), `The providers are ${providerIds().join(', ')}.`),
  });
}

function tokenShape(token: Token, nowMs: number): RouteReply<'token.show'> {
  const { allowsAddress: _, expiresAtMs, ...body } = token;
  const expired = body.state === 'active' && expiresAtMs <= nowMs;
  return {
    ...body,
    expiresAt: new Date(expiresAtMs).toISOString(),
    state: expired ? 'expired' : body.state,
  };
}
