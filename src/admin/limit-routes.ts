/**
 * Limits of rate, of teams and tokens. Requests per minute and concurrency are kept where they always were (the team's policy, the token),
 * so that there is one value of each; tokens per minute and requests per day are limits of their own.
 */
import { SallyportError } from '../core/errors.ts';
import { callsOf } from '../ledger/subjects.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteInput } from './contract.ts';
import { defined } from './defined.ts';
import { type Principal, requireScope } from './principal.ts';
import type { LimitShape } from './shapes.ts';

type Deps = Pick<AdminDeps, 'ledger' | 'teams' | 'tokens'>;

export function limitRoutes(deps: Deps): Handlers<'limit.list' | 'limit.set'> {
  return {
    'limit.list': ({ query }) => {
      if (query.subject !== undefined) return { limits: [limitShape(deps, query.subject)] };
      return {
        limits: subjects(deps)
          .map((subject) => limitShape(deps, subject))
          .filter(hasLimit),
      };
    },
    'limit.set': ({ body }, principal) => setLimits(deps, principal, body),
  };
}

async function setLimits(
  deps: Deps,
  principal: Principal,
  body: RouteInput<'limit.set'>['body'],
): Promise<LimitShape> {
  const { subject, rateLimitRPM, concurrency, ...own } = body;
  limitShape(deps, subject);
  const { team, tokenId = '' } = callsOf(subject);
  const elsewhere = defined({ rateLimitRPM, concurrency });
  const change = defined(own);
  if (Object.keys(elsewhere).length + Object.keys(change).length === 0) {
    throw new SallyportError('input.invalid', 'There is no limit to set.', {
      fix: 'Name at least one: --rpm, --tpm, --rpd or --concurrency.',
    });
  }
  // A limit is no way around the scope that the policy or the token asks for.
  requireScope(principal, team === undefined ? 'tokens:write' : 'teams:write');
  if (Object.keys(change).length > 0) await deps.ledger.limits.set(principal.id, subject, change);
  if (Object.keys(elsewhere).length > 0) {
    await (team === undefined
      ? deps.tokens.setLimits(principal.id, tokenId, elsewhere)
      : deps.teams.setLimits(principal.id, team, elsewhere));
  }
  return limitShape(deps, subject);
}

/** Throws `not_found`, with the nearest name where there is one. */
function limitShape(deps: Deps, subject: string): LimitShape {
  const { team, tokenId = '' } = callsOf(subject);
  const { rateLimitRPM, concurrency } =
    team === undefined ? deps.tokens.get(tokenId) : deps.teams.get(team).limits;
  const { rateLimitTPM, rateLimitRPD, zone, today } = deps.ledger.limits.view(subject);
  return {
    subject,
    rateLimitRPM,
    rateLimitTPM,
    rateLimitRPD,
    concurrency,
    zone,
    requestsToday: today?.count ?? null,
    dayEndsAt: today === null ? null : new Date(today.endMs).toISOString(),
  };
}

function subjects({ teams, tokens }: Deps): string[] {
  const active = tokens.list().filter(({ state, type }) => state === 'active' && type !== 'admin');
  return [...teams.list().map(({ id }) => `team:${id}`), ...active.map(({ id }) => `token:${id}`)];
}

function hasLimit({ rateLimitRPM, rateLimitTPM, rateLimitRPD, concurrency }: LimitShape): boolean {
  return [rateLimitRPM, rateLimitTPM, rateLimitRPD, concurrency].some((limit) => limit !== null);
}
