/** Teams with their policies, projects, environments. */
import { OPEN_LIMITS, type TeamLimits } from '../access/policy.ts';
import type { Team } from '../access/teams.ts';
import { formatUsd, parseUsd, type PicoUsd } from '../core/money.ts';
import { SallyportError } from '../core/errors.ts';
import { budgetId } from '../ledger/ledger.ts';
import { checkLimit } from '../ledger/budgets.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteReply } from './contract.ts';
import { refuseCredentials } from './credentials.ts';
import { defined } from './defined.ts';
import { type Principal, requireScope } from './principal.ts';
import type { PolicyShape } from './shapes.ts';

type Deps = Pick<AdminDeps, 'teams' | 'ledger'>;
type TeamRoute =
  | 'team.list'
  | 'team.add'
  | 'team.show'
  | 'team.policy'
  | 'project.list'
  | 'project.add'
  | 'environment.list'
  | 'environment.add';

export function teamRoutes(deps: Deps): Handlers<TeamRoute> {
  const { teams } = deps;
  return {
    'team.list': () => ({ teams: teams.list().map((team) => teamShape(deps, team)) }),
    'team.show': ({ params }) => teamShape(deps, teams.get(params.team)),
    'team.add': async ({ body }, principal) => {
      refuseCredentials([body.id]);
      const { limits, budget } = split(body.policy ?? {});
      const limit = newBudget(deps, principal, body.id, budget);
      await teams.add(principal.id, body.id, { ...OPEN_LIMITS, ...limits });
      await setMonthlyBudget(deps, principal, body.id, limit);
      return teamShape(deps, teams.get(body.id));
    },
    'team.policy': async ({ params, body }, principal) => {
      const { id } = teams.get(params.team);
      const { limits, budget } = split(body);
      const limit = newBudget(deps, principal, id, budget);
      if (Object.keys(limits).length > 0) await teams.setLimits(principal.id, id, limits);
      await setMonthlyBudget(deps, principal, id, limit);
      return teamShape(deps, teams.get(id));
    },
    'project.list': () => ({ projects: teams.projects() }),
    'project.add': async ({ body }, principal) => {
      refuseCredentials([body.id]);
      return teams.addProject(principal.id, body.id, body.team);
    },
    'environment.list': () => ({ environments: teams.environments().map((id) => ({ id })) }),
    'environment.add': async ({ body }, principal) => {
      refuseCredentials([body.id]);
      return { id: await teams.addEnvironment(principal.id, body.id) };
    },
  };
}

function teamShape(deps: Deps, team: Team): RouteReply<'team.show'> {
  const limit = monthlyBudget(deps, team.id);
  const policy = { ...team.limits, monthlyBudgetUsd: limit === null ? null : formatUsd(limit) };
  return { id: team.id, policy, createdAt: team.createdAt };
}

/** The policy's two homes: the money is a budget of the ledger. */
function split(change: { [K in keyof PolicyShape]?: PolicyShape[K] | undefined }): {
  readonly limits: Partial<TeamLimits>;
  readonly budget: string | null | undefined;
} {
  const { monthlyBudgetUsd, ...limits } = change;
  return { limits: defined(limits), budget: monthlyBudgetUsd };
}

function monthlyBudget({ ledger }: Deps, team: string): PicoUsd | null {
  const month = ledger.list(`team:${team}`).find(({ definition }) => definition.period === 'month');
  return month?.limitPicoUsd ?? null;
}

/**
 * The limit to set, or undefined when nothing changes. Runs before anything is changed, and asks for the scope that the budget's own
 * route asks for: a policy is no way around it.
 */
function newBudget(
  deps: Deps,
  principal: Principal,
  team: string,
  wanted: string | null | undefined,
): PicoUsd | undefined {
  if (wanted === undefined) return undefined;
  const current = monthlyBudget(deps, team);
  if (wanted === null) {
    if (current === null) return undefined;
    throw new SallyportError('input.invalid', `The budget of team "${team}" cannot be taken away.`, {
      fix: `Raise it instead: sallyport budget set ${budgetId(`team:${team}`, 'month')} --limit-usd 1000000`,
    });
  }
  const limit = parseUsd(wanted);
  checkLimit(limit);
  if (limit === current) return undefined;
  requireScope(principal, 'budgets:write');
  return limit;
}

async function setMonthlyBudget(
  { ledger }: Deps,
  principal: Principal,
  team: string,
  limitPicoUsd: PicoUsd | undefined,
): Promise<void> {
  if (limitPicoUsd === undefined) return;
  await ledger.setBudget(principal.id, { subject: `team:${team}`, period: 'month', limitPicoUsd });
}
