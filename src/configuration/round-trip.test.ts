/** Applying, exporting and applying again: nothing is lost on the way, and nothing is done twice. */
import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { adminRig } from '../admin/test-rig.ts';
import { readDocument } from './read-document.ts';
import { SECTIONS } from './sections.ts';
import { applied, contractOf, exported, goodPlan } from './test-contract.ts';
import { documents } from './test-documents.ts';

/** What a text says, whatever its spelling: all of its things that are not what is there without being said. */
function contentOf(text: string): Record<string, Record<string, unknown>> {
  const read = readDocument(text);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { document } = read.value;
  return Object.fromEntries(
    SECTIONS.map(({ key, wanted, blank }) => {
      const said = [...(wanted(document) ?? [])].map(([id, { item }]) => [id, item] as const);
      return [key, Object.fromEntries(said.filter(([, item]) => !(blank && Bun.deepEquals(item, blank))))];
    }),
  );
}

test('a document that was applied is exported with the same content, and neither has anything left to change', async () => {
  await fc.assert(
    fc.asyncProperty(documents, async (document) => {
      const text = JSON.stringify(document);
      const rig = await adminRig();
      const contract = contractOf(rig);
      const { stop } = await applied(text, contract);
      expect(stop).toBeNull();
      const journaled = rig.journal.length;
      expect(await goodPlan(text, contract)).toMatchObject({ changes: [], unlisted: [] });
      const copy = await exported(contract);
      expect(contentOf(copy)).toEqual(contentOf(text));
      expect(await goodPlan(copy, contract)).toMatchObject({ changes: [], unlisted: [] });
      expect(rig.journal).toHaveLength(journaled);
      // In another place the copy makes the same, to the byte.
      const other = contractOf(await adminRig());
      expect((await applied(copy, other)).stop).toBeNull();
      expect(await exported(other)).toBe(copy);
    }),
    { numRuns: 20 },
  );
});

test('from whatever there is, applying a document leaves nothing of it to change', async () => {
  const rig = await adminRig();
  const contract = contractOf(rig);
  await fc.assert(
    fc.asyncProperty(documents, async (document) => {
      // A project stays with its team, so that a document cannot move it: it gets names of its own.
      const text = JSON.stringify({
        ...document,
        projects: {},
        budgets: withoutProjects(document['budgets']),
      });
      expect((await applied(text, contract)).stop).toBeNull();
      expect((await goodPlan(text, contract)).changes).toEqual([]);
      expect((await goodPlan(await exported(contract), contract)).changes).toEqual([]);
    }),
    { numRuns: 10 },
  );
});

function withoutProjects(budgets: unknown): object {
  return Object.fromEntries(
    Object.entries(budgets as object).filter(([subject]) => !subject.startsWith('project:')),
  );
}
