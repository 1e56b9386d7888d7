/** `projects`: each of one team, for good. */
import { z } from 'zod';
import { nameField } from './fields.ts';
import { defineSection } from './section.ts';

const project = z.strictObject({ team: nameField.describe('Whose project it is.') });

export const projectsSchema = z.record(nameField, project).describe('Projects by name.');

export const projects = defineSection<z.infer<typeof project>>({
  key: 'projects',
  noun: 'project',
  read: async (contract) => {
    const { projects: all } = await contract.call('project.list');
    return new Map(all.map(({ id, team }) => [id, { team }]));
  },
  wanted: ({ projects: named }) => {
    if (named === undefined) return undefined;
    return new Map(Object.entries(named ?? {}).map(([id, item]) => [id, { item, path: ['projects', id] }]));
  },
  describe: (items) => ({ projects: Object.fromEntries(items) }),
  put: (contract, id, { team }) => contract.call('project.add', { body: { id, team } }),
  refuse: (id, { team }, current) =>
    current && current.team !== team
      ? {
          field: 'team',
          message: `project ${id} belongs to team ${current.team}, and stays there`,
          fix: 'write that team, or give the project of the other team a name of its own',
        }
      : undefined,
  references: (_, { team }) => [{ section: 'teams', id: team, field: 'team' }],
});
