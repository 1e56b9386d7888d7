/**
 * `templates`: instructions that the gateway holds, each as its newest version says. Another text is a further version; the ones before
 * stay, for whoever is bound to them.
 */
import { z } from 'zod';
import { SallyportError } from '../core/errors.ts';
import { BUILT_IN_TEMPLATES } from '../guard/template-texts.ts';
import { checkPlaces, templateFields } from '../guard/templates.ts';
import type { Document } from './document.ts';
import { nameField } from './fields.ts';
import { type Conflict, defineSection } from './section.ts';

const { summary, text, variables, client, injection } = templateFields;

const template = z.strictObject({
  summary: summary.default('').describe('What it is for.'),
  text: text.describe('The system message; {{name}} is the place of a variable.'),
  variables: variables
    .default({})
    .describe('What stands for a variable where a binding says nothing; null: it has to say something.'),
  client: client
    .default('refuse')
    .describe("What becomes of the caller's own system messages: refuse, demote or allow."),
  injection: injection
    .default('flag')
    .describe('What is done about phrases of injection: allow, flag, filter or block.'),
});

export const templatesSchema = z
  .record(nameField, template)
  .describe('Prompt templates of your own, by name.');

type TemplateItem = z.infer<typeof template>;

const BUILT_IN = BUILT_IN_TEMPLATES.map(({ name }) => name);

export const templates = defineSection<TemplateItem>({
  key: 'templates',
  noun: 'template',
  always: BUILT_IN,
  read: async (contract) => {
    const { templates: all } = await contract.call('template.list');
    // Versions come oldest first, so that the newest of a name is the one that stays.
    const newest = new Map(all.filter(({ builtIn }) => !builtIn).map((one) => [one.name, one]));
    const active = [...newest].filter(([, { state }]) => state === 'active');
    return new Map(active.map(([name, one]) => [name, itemOf(one)]));
  },
  wanted: ({ templates: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(
      ([id, written]) => [id, { item: itemOf(written), path: ['templates', id] }] as const,
    );
    return new Map(entries);
  },
  check: whatGatewaysRefuse,
  describe: (items) => ({
    templates: Object.fromEntries([...items].map(([id, item]) => [id, described(item)])),
  }),
  put: (contract, id, item) => contract.call('template.add', { body: { name: id, ...item } }),
});

/** Variables in one order, as they are compared in. */
function itemOf({
  summary: about,
  text: message,
  variables: places,
  client: rule,
  injection: filter,
}: TemplateItem): TemplateItem {
  const sorted = Object.fromEntries(Object.entries(places).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { summary: about, text: message, variables: sorted, client: rule, injection: filter };
}

function described({
  summary: about,
  text: message,
  variables: places,
  client: rule,
  injection: filter,
}: TemplateItem): object {
  return {
    ...(about !== '' && { summary: about }),
    text: message,
    ...(Object.keys(places).length > 0 && { variables: places }),
    ...(rule !== 'refuse' && { client: rule }),
    ...(filter !== 'flag' && { injection: filter }),
  };
}

function whatGatewaysRefuse({ templates: named }: Document): Conflict[] {
  return Object.entries(named ?? {}).flatMap(([id, written]): Conflict[] => {
    const path = ['templates', id];
    if (BUILT_IN.includes(id)) {
      return [
        {
          path,
          message: `the template ${id} is one of Sallyport's own, and stays as it is`,
          fix: 'choose another name',
        },
      ];
    }
    try {
      checkPlaces(written);
      return [];
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      return [
        {
          path,
          field: 'text',
          message: error.message.replace(/\.$/, ''),
          fix: 'name exactly the variables that the text has',
        },
      ];
    }
  });
}
