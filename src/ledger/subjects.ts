/**
 * Whose calls a limit or budget counts. A call's path is token, team, project, environment, organization. An environment is the one of a
 * team (`env:<team>/<environment>`): teams share the names of environments, but not who answers for what is spent there.
 */
import type { CallMatch } from '../audit/store.ts';
import { SallyportError } from '../core/errors.ts';

/** Everything that goes through this gateway. */
export const ORGANIZATION = 'org';

const NAME = '[A-Za-z0-9._-]{1,63}';
export const SUBJECT = new RegExp(`^(?:org|(?:token|team|project):${NAME}|env:${NAME}/${NAME})$`);

/** What of a token says which subjects its calls count for. */
export interface PathOwner {
  readonly id: string;
  readonly team: string | null;
  readonly project: string | null;
  readonly environment: string;
}

export interface CallPath {
  /** What may have limits of rate: token and team. */
  readonly limits: readonly string[];
  /** What may have budgets, innermost first. */
  readonly budgets: readonly string[];
}

const paths = new WeakMap<PathOwner, CallPath>();

/** Asked several times a call, so it is made once a token. */
export function pathOf(token: PathOwner): CallPath {
  const known = paths.get(token);
  if (known) return known;
  const { id, team } = token;
  const path = {
    limits: team === null ? [`token:${id}`] : [`token:${id}`, `team:${team}`],
    budgets: [`token:${id}`, ...sharedSubjects(token)],
  };
  paths.set(token, path);
  return path;
}

/** What bounds a token and others with it: everything on its path but itself, innermost first. */
export function sharedSubjects({ team, project, environment }: Omit<PathOwner, 'id'>): string[] {
  return [
    ...(team === null ? [] : [`team:${team}`]),
    ...(project === null ? [] : [`project:${project}`]),
    ...(team === null ? [] : [`env:${team}/${environment}`]),
    ORGANIZATION,
  ];
}

/** How the audit index finds the calls of a subject. Throws `input.invalid` for what is none. */
export function callsOf(subject: string): CallMatch {
  checkSubject(subject);
  const [kind, id = ''] = subject.split(':');
  switch (kind) {
    case 'token':
      return { tokenId: id };
    case 'team':
      return { team: id };
    case 'project':
      return { project: id };
    case 'env': {
      const [team = '', environment = ''] = id.split('/');
      return { team, environment };
    }
    default:
      return {};
  }
}

export function checkSubject(subject: string): string {
  if (SUBJECT.test(subject)) return subject;
  throw new SallyportError('input.invalid', `"${subject.slice(0, 64)}" cannot have a budget or limits.`, {
    fix: 'Name a subject: token:ID, team:TEAM, project:PROJECT, env:TEAM/ENVIRONMENT or org.',
  });
}
