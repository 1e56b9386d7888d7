/** Presets: list, show, and add one of the installation's own. */
import type { AdminDeps, Handlers } from './admin.ts';
import { refuseCredentials } from './credentials.ts';
import { defined } from './defined.ts';

type PresetRoute = 'preset.list' | 'preset.show' | 'preset.add';

export function presetRoutes({ presets }: Pick<AdminDeps, 'presets'>): Handlers<PresetRoute> {
  return {
    'preset.list': () => ({ presets: presets.list() }),
    'preset.show': ({ params }) => presets.get(params.preset),
    'preset.add': async ({ body }, principal) => {
      const { name, base, replace, bounds, ...change } = body;
      refuseCredentials([name, change.summary, ...(change.scopes ?? [])]);
      const merged = { ...defined(change), bounds: defined(bounds ?? {}) };
      return presets.add(principal.id, name, base, merged, replace ?? false);
    },
  };
}
