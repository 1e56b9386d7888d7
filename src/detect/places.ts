/** What skimming noticed, sorted by the search that it is for. */
import { GROUP_BITS, PLACE } from './anchors.ts';
import { worthASearch } from './first-look.ts';
import { usesOf } from './run-use.ts';
import { skim } from './skim.ts';

export type PlaceKind = keyof typeof PLACE;

/** `uses`: see run-use.ts. */
export type OnRun = (start: number, end: number, uses: number) => void;

const NONE: readonly number[] = [];

export class Places {
  #kinds = 0;
  readonly #runs: number[] = [];
  readonly #prefixes: number[] = [];
  readonly #groups: number[] = [];
  readonly #others: (number[] | undefined)[] = [];
  readonly hasZero: boolean;
  /** What was skimmed is `bytes[from..to)`. */
  readonly from: number;
  readonly to: number;

  /** `generic`: whether values are asked about that only a name tells. */
  constructor(bytes: Uint8Array, from: number, end: number, generic: boolean, by: typeof skim = skim) {
    this.from = from;
    this.to = Math.max(from, Math.min(end, bytes.length));
    const { events, hasZero } = by(bytes, from, this.to, usesOf(generic));
    this.hasZero = hasZero;
    const { length } = events;
    for (let index = 0; index < length; index += 3) {
      const at = events[index] as number;
      const end = events[index + 1] as number;
      if (end >= 0) this.#runs.push(at, end, events[index + 2] as number);
      else this.#add(at, worthASearch(bytes, at, this.to, events[index + 2] as number));
    }
  }

  /** Whether no search has anything to look at. */
  get isEmpty(): boolean {
    return this.#runs.length === 0 && this.#others.length === 0 && !this.hasZero;
  }

  /** Whether something of one of the kinds, as bits, was noticed. */
  has(kinds: number): boolean {
    return (this.#kinds & kinds) !== 0;
  }

  /** In order; none when it is of no use to look. */
  of(kind: PlaceKind): readonly number[] {
    return this.#others[indexOf(PLACE[kind])] ?? NONE;
  }

  /**
   * Each run that may be of use, with the prefixes that may begin in it: their numbers are `first` to `last`, without the last.
   */
  eachRun(visit: (start: number, end: number, uses: number, first: number, last: number) => void): void {
    const runs = this.#runs;
    const prefixes = this.#prefixes;
    let first = 0;
    for (let index = 0; index < runs.length; index += 3) {
      const end = runs[index + 1] as number;
      let last = first;
      while (last < prefixes.length && (prefixes[last] as number) < end) last += 1;
      visit(runs[index] as number, end, runs[index + 2] as number, first, last);
      first = last;
    }
  }

  prefixAt(index: number): number {
    return this.#prefixes[index] as number;
  }

  prefixGroups(index: number): number {
    return this.#groups[index] as number;
  }

  #add(at: number, bits: number): void {
    this.#kinds |= bits;
    if ((bits & GROUP_BITS) !== 0) {
      this.#prefixes.push(at);
      this.#groups.push(bits & GROUP_BITS);
    }
    for (let rest = bits & ~GROUP_BITS; rest !== 0; rest &= rest - 1)
      (this.#others[indexOf(rest & -rest)] ??= []).push(at);
  }
}

/** The place of the only bit. */
function indexOf(bit: number): number {
  return 31 - Math.clz32(bit);
}
