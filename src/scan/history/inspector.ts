/**
 * What an object's own kind asks for, beyond a search of its text: which files have to be opened as what they are, by their first bytes or by the
 * names that folders give them, and which objects others name that are not there.
 */
import { isContainer } from '../container-kinds.ts';
import { type Format, formatOf } from '../formats/format.ts';
import type { IdSet } from '../id-set.ts';
import { isLfsPointer } from '../lfs-pointer.ts';
import type { NewParts } from './delta.ts';
import { eachTreeEntry } from './tree.ts';

/** What was seen, as it is passed from one thread to another. */
export interface Told {
  readonly names: readonly (readonly [id: string, names: readonly string[]])[];
  readonly missing: readonly string[];
}

/** Enough to say that something is wrong. */
const MOST_MISSING = 1000;

const DOT = 0x2e;
const MOST_KEY_BYTES = 6;
/** Where more than the extension counts, one of these is enough. */
const EXAMPLES = ['x', '2026-01-31'];
const NOTHING = new Uint8Array(0);
/** A name by which content in JSON is told by what it is alone. */
export const ANY_JSON = 'any.json';

function mayBeJson(content: Uint8Array): boolean {
  return content[0] === 0x7b || content[0] === 0x5b;
}

/** How a file of this name is opened, whatever is in it. Which folder it is in does not matter, but that it may be in one. */
export function formatByName(name: string): Format | null {
  return formatOf(`any/${name}`, NOTHING);
}

export class Inspector {
  readonly #all: IdSet;
  /** By an extension, as a number, whether it can say how a file is opened. */
  readonly #telling = new Map<number, boolean>();
  /** By the id of a blob, names that say how it is opened. */
  readonly names = new Map<string, Set<string>>();
  /** Objects that others name. */
  readonly missing = new Set<string>();

  constructor(all: IdSet) {
    this.#all = all;
  }

  /** Adds what was seen elsewhere. */
  learn({ names, missing }: Told): void {
    for (const [id, own] of names) this.names.set(id, new Set([...(this.names.get(id) ?? []), ...own]));
    for (const id of missing) this.missing.add(id);
  }

  /** Whether it has to be opened as a whole, whatever its text shows. */
  blob(content: Buffer): boolean {
    if (isContainer(content) || isLfsPointer(content)) return true;
    return formatOf(mayBeJson(content) ? ANY_JSON : '', content) !== null;
  }

  commit(content: Buffer): void {
    const hexLength = this.#all.idBytes * 2;
    let at = 0;
    for (const head of ['tree ', 'parent ']) {
      while (content.toString('latin1', at, at + head.length) === head) {
        const id = Buffer.from(
          content.toString('latin1', at + head.length, at + head.length + hexLength),
          'hex',
        );
        if (id.length === this.#all.idBytes) this.#expect(id, 0);
        at += head.length + hexLength + 1;
      }
    }
  }

  /**
   * Passes on the names that are to be searched. True when one of them says how its file is opened. `parts` is null when all of it is new.
   */
  tree(content: Buffer, parts: NewParts | null, name: (from: number, to: number) => void): boolean {
    let tells = false;
    eachTreeEntry(
      content,
      this.#all.idBytes,
      (from, to, isSubmodule) => {
        name(from, to);
        if (isSubmodule) return;
        this.#expect(content, to + 1);
        if (!this.#mayTell(content, from, to)) return;
        const text = content.toString('utf8', from, to);
        if (!formatByName(text)) return;
        tells = true;
        const id = content.toString('hex', to + 1, to + 1 + this.#all.idBytes);
        const names = this.names.get(id);
        if (names) names.add(text);
        else this.names.set(id, new Set([text]));
      },
      parts,
    );
    return tells;
  }

  /** A first look at a name, without making a text of it: at its extension, of which there are few. */
  #mayTell(bytes: Uint8Array, from: number, to: number): boolean {
    let dot = to - 1;
    while (dot >= from && bytes[dot] !== DOT) dot -= 1;
    if (dot < from) return false;
    // So many bytes are exact as a number.
    if (to - dot > MOST_KEY_BYTES) return true;
    let key = 0;
    for (let at = dot + 1; at < to; at += 1) key = key * 256 + (bytes[at] as number);
    const known = this.#telling.get(key);
    if (known !== undefined) return known;
    const extension = Buffer.from(bytes.subarray(dot + 1, to)).toString('utf8');
    const tells = EXAMPLES.some((name) => formatByName(`${name}.${extension}`) !== null);
    this.#telling.set(key, tells);
    return tells;
  }

  #expect(id: Uint8Array, at: number): void {
    if (this.#all.has(id, at) || this.missing.size >= MOST_MISSING) return;
    this.missing.add(Buffer.from(id.subarray(at, at + this.#all.idBytes)).toString('hex'));
  }
}
