/** What there is, as a document. Applying it to where it came from changes nothing. */
import { stringify } from 'yaml';
import type { Part, SectionKey } from './section.ts';
import { SECTIONS } from './sections.ts';
import { readState, type RevisedContract } from './state.ts';

const HEAD = '# Written by sallyport export. Values of keys, tokens and secrets are never in here.\n';

/** Lines are not folded: a text would not be the same when it is read again if it has spaces in the wrong places. */
const FORM = {
  lineWidth: 0,
  blockQuote: 'literal',
  singleQuote: true,
  aliasDuplicateObjects: false,
} as const;

/** Throws what the contract refuses with. */
export async function exportDocument(
  contract: RevisedContract,
  keys: ReadonlySet<SectionKey>,
): Promise<object> {
  const { sections } = await readState(contract, keys);
  const document: Record<string, unknown> = { version: 1 };
  for (const section of SECTIONS) {
    const items = sections.get(section.key);
    if (items) merge(document, section.describe(items));
  }
  return document;
}

export function asYaml(document: object): string {
  return HEAD + stringify(document, FORM);
}

/** Two levels deep: `monthlyBudgetUsd` goes into a team that is there already. */
function merge(document: Record<string, unknown>, part: Part): void {
  for (const [key, value] of Object.entries(part)) {
    const there = document[key];
    if (!isObject(there) || !isObject(value)) {
      document[key] = value;
      continue;
    }
    for (const [id, fields] of Object.entries(value)) {
      const known = there[id];
      there[id] = isObject(known) && isObject(fields) ? { ...known, ...fields } : fields;
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
