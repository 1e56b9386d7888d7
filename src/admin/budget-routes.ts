/** Budgets: limits, what is spent and held, and the audited ways to change them. */
import { SallyportError } from '../core/errors.ts';
import { picoUsd } from '../core/money.ts';
import type { BudgetView } from '../ledger/budget-state.ts';
import { periodSpan } from '../ledger/period.ts';
import { callsOf } from '../ledger/subjects.ts';
import { refuseCredentials } from './credentials.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { defined } from './defined.ts';
import type { SteadyClock } from '../ledger/steady-clock.ts';
import type { RouteReply } from './contract.ts';
import type { BudgetShape } from './shapes.ts';

type Deps = Pick<AdminDeps, 'ledger' | 'budgetClock' | 'teams' | 'tokens'>;
type BudgetRoute = 'budget.list' | 'budget.set' | 'budget.resume' | 'budget.adjust' | 'budget.clock';

export function budgetRoutes(deps: Deps): Handlers<BudgetRoute> {
  const { ledger } = deps;
  return {
    'budget.list': ({ query }) => {
      if (query.subject !== undefined) checkSubject(deps, query.subject);
      return { budgets: ledger.list(query.subject).map(budgetShape) };
    },
    'budget.set': async ({ body }, principal) => {
      checkSubject(deps, body.subject);
      const limitPicoUsd = picoUsd(BigInt(body.limitPicoUsd));
      return budgetShape(await ledger.setBudget(principal.id, defined({ ...body, limitPicoUsd })));
    },
    'budget.resume': ({ params }, principal) => {
      const resumed = ledger.resume(params.budget, principal.id);
      return { resumed, budget: budgetShape(ledger.view(params.budget)) };
    },
    'budget.adjust': ({ params, body }, principal) => {
      refuseCredentials([body.reason]);
      const delta = BigInt(body.deltaPicoUsd);
      if (delta === 0n) {
        throw new SallyportError('input.invalid', 'A correction by zero changes nothing.', {
          fix: 'Give the amount by which too much (-) or too little (+) is booked as spent.',
        });
      }
      ledger.adjust(params.budget, delta, body.reason, principal.id);
      return budgetShape(ledger.view(params.budget));
    },
    'budget.clock': (_, principal) => {
      const resumed = deps.budgetClock.confirm(principal.id);
      return { resumed, clock: budgetClockShape(deps.budgetClock) };
    },
  };
}

export function budgetClockShape({ state }: Pick<SteadyClock, 'state'>): RouteReply<'budget.clock'>['clock'] {
  const { stoppedAtMs, jumpMs } = state;
  return { stoppedAt: stoppedAtMs === null ? null : new Date(stoppedAtMs).toISOString(), jumpMs };
}

export function budgetShape(view: BudgetView): BudgetShape {
  const { definition, period: window } = view;
  const { endMs } = periodSpan(window, definition.zone);
  return {
    id: definition.id,
    subject: definition.subject,
    period: definition.period,
    zone: definition.zone,
    window,
    resetsAt: Number.isFinite(endMs) ? new Date(endMs).toISOString() : null,
    limitPicoUsd: view.limitPicoUsd.toString(),
    spentPicoUsd: view.spentPicoUsd.toString(),
    heldPicoUsd: view.heldPicoUsd.toString(),
    overrunPicoUsd: view.overrunPicoUsd.toString(),
    state: view.state,
    onCap: definition.onCap,
    alertedPercent: view.alertedPercent,
  };
}

/** Throws `not_found`, with the nearest name where there is one: a budget for a mistyped team would limit nobody. */
function checkSubject(deps: Deps, subject: string): void {
  const { tokenId, team, project, environment } = callsOf(subject);
  if (tokenId !== undefined) deps.tokens.get(tokenId);
  if (team !== undefined) deps.teams.get(team);
  if (project !== undefined) deps.teams.getProject(project);
  if (environment !== undefined) deps.teams.getEnvironment(environment);
}
