/** `environments`: a list of names. Those that need not be added may be listed all the same. */
import { z } from 'zod';
import { BUILT_IN_ENVIRONMENTS } from '../access/teams.ts';
import { nameField } from './fields.ts';
import { defineSection } from './section.ts';

export const environmentsSchema = z
  .array(nameField)
  .max(1000)
  .describe('Environments besides dev, test, staging and prod, which are always there.');

const BUILT_IN: readonly string[] = BUILT_IN_ENVIRONMENTS;

export const environments = defineSection({
  key: 'environments',
  noun: 'environment',
  always: BUILT_IN,
  read: async (contract) => {
    const { environments: all } = await contract.call('environment.list');
    return new Map(all.filter(({ id }) => !BUILT_IN.includes(id)).map(({ id }) => [id, {}]));
  },
  wanted: ({ environments: names }) => {
    if (names === undefined) return undefined;
    const own = (names ?? []).map((id, index) => [id, { item: {}, path: ['environments', index] }] as const);
    return new Map(own.filter(([id]) => !BUILT_IN.includes(id)));
  },
  describe: (items) => ({ environments: [...items.keys()] }),
  put: (contract, id) => contract.call('environment.add', { body: { id } }),
});
