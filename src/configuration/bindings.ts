/** `bindings`: which template a project's calls get. Those of tokens are not in the document, as tokens are not. */
import { z } from 'zod';
import { bindingFields } from '../guard/templates.ts';
import { nameField } from './fields.ts';
import { defineSection } from './section.ts';

const { version, values, client, injection } = bindingFields;

const binding = z.strictObject({
  template: nameField.describe('Its name.'),
  version: version.default(null).describe('A version that stays; null: the newest, also later ones.'),
  values: values.default({}).describe('What stands for its variables.'),
  client: client.default(null).describe('refuse, demote or allow; null: as the template says.'),
  injection: injection.default(null).describe('allow, flag, filter or block; null: as the template says.'),
});

const subject = z
  .string()
  .regex(
    /^project:[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'a template is bound to a project: write project:PROJECT',
  );

export const bindingsSchema = z
  .record(subject, binding)
  .describe('Templates by whose calls they are put into, such as project:assistant.');

type BindingItem = z.infer<typeof binding>;

export const bindings = defineSection<BindingItem>({
  key: 'bindings',
  noun: 'binding of',
  read: async (contract) => {
    const { bindings: all } = await contract.call('template.bindings');
    const own = all.filter(({ subject: of }) => of.startsWith('project:'));
    return new Map(own.map((one) => [one.subject, itemOf(one)]));
  },
  wanted: ({ bindings: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(
      ([id, written]) => [id, { item: itemOf(written), path: ['bindings', id] }] as const,
    );
    return new Map(entries);
  },
  describe: (items) => ({
    bindings: Object.fromEntries([...items].map(([id, item]) => [id, described(item)])),
  }),
  put: (contract, id, { template, version: pinned, values: places, client: rule, injection: filter }) =>
    contract.call('template.bind', {
      body: {
        subject: id,
        template,
        values: places,
        ...(pinned === null ? { follow: true } : { version: pinned }),
        ...(rule !== null && { client: rule }),
        ...(filter !== null && { injection: filter }),
      },
    }),
  references: (id, { template }) => [
    { section: 'projects', id: id.slice('project:'.length) },
    { section: 'templates', id: template, field: 'template' },
  ],
});

/** Values in one order, as they are compared in. */
function itemOf({
  template,
  version: pinned,
  values: places,
  client: rule,
  injection: filter,
}: BindingItem): BindingItem {
  const sorted = Object.fromEntries(Object.entries(places).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { template, version: pinned, values: sorted, client: rule, injection: filter };
}

function described({
  template,
  version: pinned,
  values: places,
  client: rule,
  injection: filter,
}: BindingItem): object {
  return {
    template,
    ...(pinned !== null && { version: pinned }),
    ...(Object.keys(places).length > 0 && { values: places }),
    ...(rule !== null && { client: rule }),
    ...(filter !== null && { injection: filter }),
  };
}
