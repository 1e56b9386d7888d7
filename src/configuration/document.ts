/** The document: its sections side by side, each optional. A section that is left out is not looked at; an empty one has nothing in it. */
import { z } from 'zod';
import { alertsSchema } from './alerts.ts';
import { bindingsSchema } from './bindings.ts';
import { budgetsSchema } from './budgets.ts';
import { environmentsSchema } from './environments.ts';
import { keysSchema } from './keys.ts';
import { limitsSchema } from './limits.ts';
import { presetsSchema } from './presets.ts';
import { projectsSchema } from './projects.ts';
import { teamsSchema } from './teams.ts';
import { templatesSchema } from './templates.ts';

export const documentSchema = z.strictObject({
  version: z.literal(1).describe('Of this format.'),
  environments: environmentsSchema.nullish(),
  teams: teamsSchema.nullish(),
  projects: projectsSchema.nullish(),
  keys: keysSchema.nullish(),
  presets: presetsSchema.nullish(),
  templates: templatesSchema.nullish(),
  bindings: bindingsSchema.nullish(),
  limits: limitsSchema.nullish(),
  budgets: budgetsSchema.nullish(),
  alerts: alertsSchema.nullish(),
});

export type Document = z.infer<typeof documentSchema>;
