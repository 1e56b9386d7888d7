/** Presets: list, show, and add one of the installation's own. */
import { covers } from '../access/scope.ts';
import { SallyportError } from '../core/errors.ts';
import type { Preset } from '../guard/presets.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { refuseCredentials } from './credentials.ts';
import { defined } from './defined.ts';
import { type Principal, requireScope } from './principal.ts';

type PresetRoute = 'preset.list' | 'preset.show' | 'preset.add';

export function presetRoutes({ presets }: Pick<AdminDeps, 'presets'>): Handlers<PresetRoute> {
  return {
    'preset.list': () => ({ presets: presets.list() }),
    'preset.show': ({ params }) => presets.get(params.preset),
    'preset.add': async ({ body }, principal) => {
      const { name, base, replace, bounds, ...change } = body;
      refuseCredentials([name, change.summary, ...(change.scopes ?? [])]);
      const merged = { ...defined(change), bounds: defined(bounds ?? {}) };
      return presets.add(principal.id, name, base, merged, replace ?? false, (next, current) =>
        checkPreset(principal, next, current),
      );
    },
  };
}

/**
 * A preset grants nothing by itself, but whoever issues by its name relies on what it said: so it is made and changed within what its
 * writer may grant. Throws `admin.forbidden`.
 */
function checkPreset(
  principal: Principal,
  next: Pick<Preset, 'scopes' | 'budget'>,
  current: Preset | undefined,
): void {
  if (!covers(principal.scopes, next.scopes)) {
    throw new SallyportError(
      'admin.forbidden',
      'Nobody can put a scope into a preset that they do not hold.',
      {
        fix: `You hold: ${principal.scopes.join(', ')}.`,
      },
    );
  }
  const sameMoney = JSON.stringify(next.budget) === JSON.stringify(current?.budget);
  if (current && !sameMoney) requireScope(principal, 'budgets:write');
}
