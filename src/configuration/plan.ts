/** What has to change so that the gateway is what the document says. Nothing is changed here. */
import { isDeepStrictEqual } from 'node:util';
import { nearestName } from '../core/nearest.ts';
import type { Problem, Read, Source } from './problem.ts';
import { refused } from './problem.ts';
import type { SourcedDocument } from './read-document.ts';
import type { Context, Contract, Item, Items, Reference, Section, SectionKey, Wanted } from './section.ts';
import { SECTIONS } from './sections.ts';
import { readState, type RevisedContract, type State } from './state.ts';

export interface FieldChange {
  readonly field: string;
  /** Undefined where nothing was. */
  readonly from: unknown;
  readonly to: unknown;
  /** The document does not say it: this is what a missing field means. */
  readonly leftOut: boolean;
}

export interface Change {
  readonly section: SectionKey;
  readonly noun: string;
  readonly id: string;
  readonly action: 'add' | 'change' | 'disable';
  readonly fields: readonly FieldChange[];
  readonly run: (contract: Contract) => Promise<unknown>;
}

/** Something that is there, and that the document does not name. */
export interface Unlisted {
  readonly section: SectionKey;
  readonly noun: string;
  readonly id: string;
}

export interface Plan {
  /** Of the configuration that it was made for; empty when nothing had to be read. */
  readonly revision: string;
  readonly changes: readonly Change[];
  readonly unlisted: readonly Unlisted[];
  /** What remains for people to do, a sentence each. */
  readonly toDo: readonly string[];
}

export interface PlanOptions {
  /** Takes out of use what the document does not name, where that can be taken back. */
  readonly prune: boolean;
  readonly env: Context['env'];
}

type AllWanted = ReadonlyMap<SectionKey, ReadonlyMap<string, Wanted>>;

export async function makePlan(
  { document, source }: SourcedDocument,
  contract: RevisedContract,
  { prune, env }: PlanOptions,
): Promise<Read<Plan>> {
  const context = { document, env };
  const wanted: AllWanted = new Map(
    SECTIONS.flatMap((section) => {
      const items = section.wanted(document);
      return items ? [[section.key, items] as const] : [];
    }),
  );
  const state = await readState(contract, neededFor(wanted));
  const problems = problemsOf(wanted, state, source, context);
  if (problems.length > 0) return refused(problems);
  const changes: Change[] = [];
  const unlisted: Unlisted[] = [];
  const toDo: string[] = [];
  for (const section of SECTIONS) {
    const items = wanted.get(section.key);
    if (!items) continue;
    const there = state.sections.get(section.key) ?? new Map<string, Item>();
    changes.push(...changesOf(section, items, there, source, context));
    for (const [id, { item }] of items) toDo.push(...[section.toDo?.(id, item, there.get(id)) ?? []].flat());
    for (const [id, current] of there) {
      if (items.has(id)) continue;
      const pruning = prune ? disabling(section, id, current) : undefined;
      if (pruning) changes.push(pruning);
      else unlisted.push({ section: section.key, noun: section.noun, id });
    }
  }
  // What is taken out of use goes last: what replaces it is there by then.
  const order = (change: Change): number => (change.action === 'disable' ? 1 : 0);
  const ordered = changes.toSorted((a, b) => order(a) - order(b));
  return { ok: true, value: { revision: state.revision, changes: ordered, unlisted, toDo } };
}

/** The sections that the document describes, and those that it names something of. */
function neededFor(wanted: AllWanted): Set<SectionKey> {
  const needed = new Set(wanted.keys());
  for (const { section, id } of referencesOf(wanted).map(({ reference }) => reference)) {
    if (!isNamed(section, id, wanted)) needed.add(section);
  }
  return needed;
}

interface PlacedReference {
  readonly reference: Reference;
  readonly by: Wanted;
}

function referencesOf(wanted: AllWanted): PlacedReference[] {
  return SECTIONS.flatMap((section) =>
    [...(wanted.get(section.key) ?? [])].flatMap(([id, by]) =>
      (section.references?.(id, by.item) ?? []).map((reference) => ({ reference, by })),
    ),
  );
}

function isNamed(key: SectionKey, id: string, wanted: AllWanted): boolean {
  const section = SECTIONS.find((one) => one.key === key);
  return (wanted.get(key)?.has(id) ?? false) || (section?.always?.includes(id) ?? false);
}

function problemsOf(wanted: AllWanted, state: State, source: Source, context: Context): Problem[] {
  const problems: Problem[] = [];
  for (const { reference, by } of referencesOf(wanted)) {
    const { section, id, field } = reference;
    if (isNamed(section, id, wanted) || state.sections.get(section)?.has(id) === true) continue;
    problems.push({
      place: source.placeOf(field === undefined ? by.path : [...by.path, field]),
      ...missing(reference, wanted, state),
    });
  }
  for (const section of SECTIONS) {
    for (const [id, { item, path }] of wanted.get(section.key) ?? []) {
      const refusal = section.refuse?.(id, item, state.sections.get(section.key)?.get(id), context);
      if (!refusal) continue;
      const { field, message, fix } = refusal;
      problems.push({ place: source.placeOf(field === undefined ? path : [...path, field]), message, fix });
    }
  }
  return problems.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
}

function missing({ section: key, id }: Reference, wanted: AllWanted, state: State): Omit<Problem, 'place'> {
  const section = SECTIONS.find((one) => one.key === key);
  const known = [
    ...(wanted.get(key)?.keys() ?? []),
    ...(state.sections.get(key)?.keys() ?? []),
    ...(section?.always ?? []),
  ];
  const nearest = nearestName(id, known);
  return {
    message: `there is no ${section?.noun ?? key} "${id}", neither here nor on the server`,
    fix: nearest === undefined ? `add it to ${key}` : `did you mean "${nearest}"? If not, add it to ${key}`,
  };
}

function changesOf(
  section: Section,
  wanted: ReadonlyMap<string, Wanted>,
  there: Items,
  source: Source,
  context: Context,
): Change[] {
  const { key, noun } = section;
  return [...wanted].flatMap(([id, { item, path, field: only }]): Change[] => {
    const current = there.get(id);
    const base = current ?? section.blank;
    const isLeftOut = (field: string): boolean =>
      field !== only && !source.has([...path, ...field.split('.')]);
    const fields = fieldsOf(base, item, isLeftOut);
    if (base !== undefined && fields.length === 0) return [];
    const action = current === undefined ? 'add' : 'change';
    const run = (contract: Contract): Promise<unknown> => section.put(contract, id, item, current, context);
    return [{ section: key, noun, id, action, fields, run }];
  });
}

function disabling(section: Section, id: string, current: Item): Change | undefined {
  const disabled = section.disable?.(id, current);
  if (!disabled) return undefined;
  const { item, run } = disabled;
  const fields = fieldsOf(current, item, () => false);
  return { section: section.key, noun: section.noun, id, action: 'disable', fields, run };
}

/** Field by field; fields of fields where both sides have the same ones. */
function fieldsOf(
  base: Item | undefined,
  item: Item,
  isLeftOut: (field: string) => boolean,
  prefix = '',
): FieldChange[] {
  return Object.entries(item).flatMap(([name, to]): FieldChange[] => {
    const from = base !== undefined && Object.hasOwn(base, name) ? base[name] : undefined;
    const field = prefix + name;
    if (to === undefined || isDeepStrictEqual(from, to)) return [];
    if (isItem(to) && (from === undefined || (isItem(from) && hasAllOf(to, from))))
      return fieldsOf(from, to, isLeftOut, `${field}.`);
    if (base === undefined && to === null) return [];
    return [{ field, from, to, leftOut: isLeftOut(field) }];
  });
}

function hasAllOf(item: Item, other: Item): boolean {
  return Object.keys(other).every((name) => Object.hasOwn(item, name));
}

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
