/** The table of sections, in the order in which they are put in place: nothing comes before what it names. */
import { alerts } from './alerts.ts';
import { bindings } from './bindings.ts';
import { budgets } from './budgets.ts';
import { environments } from './environments.ts';
import { keys } from './keys.ts';
import { limits } from './limits.ts';
import { presets } from './presets.ts';
import { projects } from './projects.ts';
import type { Section } from './section.ts';
import { teams } from './teams.ts';
import { templates } from './templates.ts';

export const SECTIONS: readonly Section[] = [
  environments,
  teams,
  projects,
  keys,
  presets,
  templates,
  bindings,
  limits,
  budgets,
  alerts,
];
