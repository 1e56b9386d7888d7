/** The table of sections, in the order in which they are put in place: nothing comes before what it names. */
import { budgets } from './budgets.ts';
import { environments } from './environments.ts';
import { limits } from './limits.ts';
import { projects } from './projects.ts';
import type { Section } from './section.ts';
import { teams } from './teams.ts';

export const SECTIONS: readonly Section[] = [environments, teams, projects, limits, budgets];
