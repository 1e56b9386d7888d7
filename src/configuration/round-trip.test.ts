/** Applying, exporting and applying again: nothing is lost on the way, and nothing is done twice. */
import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { adminRig } from '../admin/test-rig.ts';
import { asYaml } from './export.ts';
import { readDocument } from './read-document.ts';
import type { Item } from './section.ts';
import { SECTIONS } from './sections.ts';
import { applied, contractOf, exported, goodPlan } from './test-contract.ts';
import { documents, ENV } from './test-documents.ts';
import { readYaml } from './yaml.ts';

/** What a text says, whatever its spelling: all of its things that are not what is there without being said. */
function contentOf(text: string): Record<string, Record<string, unknown>> {
  const read = readDocument(text);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { document } = read.value;
  return Object.fromEntries(
    SECTIONS.map(({ key, wanted, blank }) => {
      const said = [...(wanted(document) ?? [])].map(([id, { item }]) => [id, spoken(item)] as const);
      const isBlank = (item: Item): boolean =>
        blank !== undefined &&
        Object.entries(item).every(([field, value]) => Bun.deepEquals(value, blank[field]));
      return [key, Object.fromEntries(said.filter(([, item]) => !isBlank(item)))];
    }),
  );
}

/** That a key is active goes without saying. */
function spoken(item: Item): Item {
  return Object.fromEntries(
    Object.entries(item).filter(
      ([field, value]) => value !== undefined && !(field === 'state' && value === 'active'),
    ),
  );
}

test('a document that was applied is exported with the same content, and neither has anything left to change', async () => {
  await fc.assert(
    fc.asyncProperty(documents, async (document) => {
      const text = JSON.stringify(document);
      const rig = await adminRig();
      const contract = contractOf(rig);
      const { stop } = await applied(text, contract, false, ENV);
      expect(stop).toBeNull();
      const journaled = rig.journal.length;
      expect(await goodPlan(text, contract, false, ENV)).toMatchObject({ changes: [], unlisted: [] });
      const copy = await exported(contract);
      expect(contentOf(copy)).toEqual(contentOf(text));
      expect(await goodPlan(copy, contract, false, ENV)).toMatchObject({ changes: [], unlisted: [] });
      expect(rig.journal).toHaveLength(journaled);
      // In another place the copy makes the same, to the byte.
      const other = contractOf(await adminRig());
      expect((await applied(copy, other, false, ENV)).stop).toBeNull();
      expect(await exported(other)).toBe(copy);
    }),
    { numRuns: 12 },
  );
});

test('from whatever there is, applying a document leaves nothing of it to change', async () => {
  const rig = await adminRig();
  const contract = contractOf(rig);
  await fc.assert(
    fc.asyncProperty(documents, async (document) => {
      // A project stays with its team, and a destination with its type: a document cannot move them.
      const budgets = withoutProjects(document['budgets']);
      const text = JSON.stringify({ ...document, projects: {}, bindings: {}, budgets, alerts: {} });
      expect((await applied(text, contract, false, ENV)).stop).toBeNull();
      expect((await goodPlan(text, contract, false, ENV)).changes).toEqual([]);
      expect((await goodPlan(await exported(contract), contract, false, ENV)).changes).toEqual([]);
    }),
    { numRuns: 6 },
  );
});

function withoutProjects(budgets: unknown): object {
  return Object.fromEntries(
    Object.entries(budgets as object).filter(([subject]) => !subject.startsWith('project:')),
  );
}

test('any text is written so that it is read back as it was', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...' \n\t\r#:-\'"|>&*!%@`{}[]\\,?ab0\u0085\u2028\uFEFF'.split('')) }),
  );
  fc.assert(
    fc.property(text, text, (name, value) => {
      fc.pre(name !== '' && name !== '__proto__');
      const read = readYaml(asYaml({ texts: [value], named: { [name]: value } }));
      expect(read).toMatchObject({
        ok: true,
        value: { value: { texts: [value], named: { [name]: value } } },
      });
    }),
    { numRuns: 100 },
  );
});
