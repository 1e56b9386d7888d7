/**
 * Limits of rate, of teams, tokens and provider keys, and who may wait. Requests per minute and concurrency of teams and tokens are kept where
 * they always were (the team's policy, the token), so that there is one value of each; all else is in limits of their own.
 */
import { SallyportError } from '../core/errors.ts';
import type { LimitChange, LimitView } from '../ledger/limits.ts';
import { callsOf } from '../ledger/subjects.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteInput } from './contract.ts';
import { defined } from './defined.ts';
import { type Principal, requireScope } from './principal.ts';
import type { LimitShape } from './shapes.ts';

type Deps = Pick<AdminDeps, 'ledger' | 'teams' | 'tokens' | 'vault' | 'turns'>;

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
  const { subject, ...asked } = body;
  limitShape(deps, subject);
  if (subject.startsWith('key:')) return setKeyLimits(deps, principal, subject, defined(asked));
  const { rateLimitRPM, concurrency, ...own } = asked;
  const { team, tokenId = '' } = callsOf(subject);
  const elsewhere = defined({ rateLimitRPM, concurrency });
  const change = defined(own);
  if (Object.keys(elsewhere).length + Object.keys(change).length === 0) throw nothingToSet();
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

/** What a provider's account gives, all callers of its key together have. */
async function setKeyLimits(
  deps: Deps,
  principal: Principal,
  subject: string,
  change: LimitChange,
): Promise<LimitShape> {
  if (Object.keys(change).length === 0) throw nothingToSet();
  requireScope(principal, 'keys:write');
  await deps.ledger.limits.set(principal.id, subject, change);
  return limitShape(deps, subject);
}

function nothingToSet(): SallyportError {
  return new SallyportError('input.invalid', 'There is no limit to set.', {
    fix: 'Name at least one: --rpm, --tpm, --rpd, --concurrency or --queue.',
  });
}

/** Throws `not_found`, with the nearest name where there is one. */
function limitShape(deps: Deps, subject: string): LimitShape {
  const limits = deps.ledger.limits.view(subject);
  const { rateLimitTPM, rateLimitRPD, zone, today, queue, queueWeight } = limits;
  const { rateLimitRPM, concurrency, waiting } = ownLimits(deps, subject, limits);
  return {
    subject,
    rateLimitRPM,
    rateLimitTPM,
    rateLimitRPD,
    concurrency,
    zone,
    requestsToday: today?.count ?? null,
    dayEndsAt: today === null ? null : new Date(today.endMs).toISOString(),
    queue,
    queueWeight,
    waiting,
  };
}

/** What is kept with the subject itself. */
function ownLimits(
  { teams, tokens, vault, turns }: Deps,
  subject: string,
  limits: LimitView,
): Pick<LimitShape, 'rateLimitRPM' | 'concurrency' | 'waiting'> {
  const [kind, name = ''] = subject.split(':');
  if (kind === 'key') {
    vault.show(name);
    return { rateLimitRPM: limits.rateLimitRPM, concurrency: limits.concurrency, waiting: 0 };
  }
  const { rateLimitRPM, concurrency } = kind === 'team' ? teams.get(name).limits : tokens.get(name);
  return { rateLimitRPM, concurrency, waiting: kind === 'team' ? turns.waitingOfTeam(name) : 0 };
}

function subjects({ teams, tokens, vault }: Deps): string[] {
  const active = tokens.list().filter(({ state, type }) => state === 'active' && type !== 'admin');
  return [
    ...teams.list().map(({ id }) => `team:${id}`),
    ...active.map(({ id }) => `token:${id}`),
    ...vault.list().map(({ name }) => `key:${name}`),
  ];
}

function hasLimit({ queueWeight, ...limit }: LimitShape): boolean {
  const { rateLimitRPM, rateLimitTPM, rateLimitRPD, concurrency, queue } = limit;
  if (queueWeight !== 1) return true;
  return [rateLimitRPM, rateLimitTPM, rateLimitRPD, concurrency, queue].some((one) => one !== null);
}
