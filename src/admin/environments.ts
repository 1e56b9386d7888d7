/** Environments that a request names, and that may be new. */
import { allows } from '../access/scope.ts';
import type { Teams } from '../access/teams.ts';
import type { Principal } from './principal.ts';

/**
 * Resolves to true when the environment was new and has been added, which is for who may add one by its own route. Rejects with
 * `not_found` for one that is not there to anybody else, and for a likely slip.
 */
export async function ensureEnvironment(
  teams: Pick<Teams, 'getEnvironment' | 'ensureEnvironment'>,
  principal: Principal,
  id: string,
): Promise<boolean> {
  if (allows(principal.scopes, 'teams:write')) return teams.ensureEnvironment(principal.id, id);
  teams.getEnvironment(id);
  return false;
}
