/** The JSON shapes of prompt templates and of what they are bound to. */
import { z } from 'zod';
import { bindingFields, templateFields } from '../guard/templates.ts';

const name = z.string().min(1).max(63);
const time = z.iso.datetime();
export const { client: clientRule, injection: injectionRule } = templateFields;

export const template = z.object({
  name,
  version: z.int(),
  builtIn: z.boolean(),
  ...templateFields,
  state: z.enum(['active', 'retired']),
  createdAt: time,
  createdBy: z.string(),
});
export type TemplateShape = z.infer<typeof template>;

/** The next version of a template. */
export const templateRequest = z.strictObject({
  name,
  text: templateFields.text,
  summary: templateFields.summary.optional(),
  variables: templateFields.variables.optional(),
  /** Left out: refuse. */
  client: clientRule.optional(),
  /** Left out: flag. */
  injection: injectionRule.optional(),
});

export const binding = z.object({ ...bindingFields, changedAt: time, changedBy: z.string() });

export const bindingRequest = z.strictObject({
  subject: bindingFields.subject,
  template: name,
  /** Left out: the newest one now. */
  version: z.int().positive().optional(),
  /** Go over to newer versions as they are added. */
  follow: z.boolean().optional(),
  values: bindingFields.values.optional(),
  client: clientRule.optional(),
  injection: injectionRule.optional(),
});

/** What the calls get. */
export const boundTemplate = z.object({
  subject: z.string(),
  /** `<name>@<version>`. */
  template: z.string(),
  client: clientRule,
  injection: injectionRule,
  /** The system message as it is sent. */
  text: z.string(),
});
