/**
 * What a section of the document is: one row of the table in sections.ts, and one file. It knows how its things are read over the admin
 * contract, how the document says them, and how one is put in place; comparing, ordering and reporting are the same for all of them.
 */
import type { CallInput, RouteName, RouteReply } from '../admin/contract.ts';
import type { Document } from './document.ts';
import type { Path } from './problem.ts';

/** The admin contract, from the side of whoever asks. */
export interface Contract {
  call<N extends RouteName>(name: N, input?: CallInput<N>): Promise<RouteReply<N>>;
}

/** One thing as plain JSON fields, in one spelling: equal things are equal item by item. */
export type Item = Readonly<Record<string, unknown>>;
export type Items<I extends Item = Item> = ReadonlyMap<string, I>;

export interface Wanted<I extends Item = Item> {
  /** A field that is left out stays as it is. */
  readonly item: I;
  /** Where the document says it. */
  readonly path: Path;
  /** The field that the value there is, where it has no fields of its own. */
  readonly field?: string;
}

export interface Refusal {
  /** In the document, below the item or path. */
  readonly field?: string;
  readonly message: string;
  readonly fix: string;
}

/** What else a section may need beside the thing itself. */
export interface Context {
  readonly document: Document;
  /** Of whoever applies: a document may say in which variable a secret is. Null when nothing will be applied. */
  readonly env: Readonly<Record<string, string | undefined>> | null;
}

/** What is wrong between the parts of a document. */
export interface Conflict extends Refusal {
  readonly path: Path;
}

/** Something that has to be there, in the document or already. */
export interface Reference {
  readonly section: SectionKey;
  readonly id: string;
  /** In the document, below the item; the item's own name when left out. */
  readonly field?: string;
}

export type SectionKey = Exclude<keyof Document, 'version'>;

/** Several sections' members of a document. */
export type Part = { [K in SectionKey]?: unknown };

export interface Section<I extends Item = Item> {
  readonly key: SectionKey;
  /** Of one thing, in messages. */
  readonly noun: string;
  /** What there is, of what a document can describe. */
  read(contract: Contract): Promise<Items<I>>;
  /** What the document describes; undefined when it is silent about this section, which is then not looked at. */
  wanted(document: Document): ReadonlyMap<string, Wanted<I>> | undefined;
  /** The members of a document that say this. Those of several sections are merged, two levels deep. */
  describe(items: Items<I>): Part;
  /** Makes the thing what the document says; `current` is undefined for a new one. */
  put(contract: Contract, id: string, item: I, current: I | undefined, context: Context): Promise<unknown>;
  /** Things that are always there, and in no document. */
  readonly always?: readonly string[];
  /** For names of fields that people try, what to do instead. */
  readonly hints?: ReadonlyMap<string, string>;
  /** What no schema of a single member can see. */
  check?(document: Document): readonly Conflict[];
  /** What a thing is that nobody has set up; without it, such a thing is new. */
  readonly blank?: I;
  /** Why this cannot be made of what there is. */
  refuse?(id: string, item: I, current: I | undefined, context: Context): Refusal | undefined;
  references?(id: string, item: I): readonly Reference[];
  /** What remains for people to do beside the document, once it is applied. */
  toDo?(id: string, item: I, current: I | undefined): string | undefined;
  /** Takes a thing out of use in a way that can be taken back; null for one that is. */
  disable?(id: string, current: I): Disabling | null;
}

export interface Disabling {
  readonly item: Item;
  readonly run: (contract: Contract) => Promise<unknown>;
}

/** A section whose item type is checked where it is defined; its items come from its own `read` and `wanted`. */
export function defineSection<I extends Item>(section: Section<I>): Section {
  return section;
}
