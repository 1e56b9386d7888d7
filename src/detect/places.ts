/** What skimming noticed, sorted by the search that it is for. */
import { GROUP_BITS, PLACE } from './anchors.ts';
import { skim } from './skim.ts';

export type PlaceKind = keyof typeof PLACE;

const KINDS = Object.entries(PLACE) as [PlaceKind, number][];
const NONE: readonly number[] = [];

export class Places {
  readonly #runs: number[] = [];
  readonly #prefixes: number[] = [];
  readonly #groups: number[] = [];
  readonly #others = new Map<PlaceKind, number[]>();
  readonly hasZero: boolean;
  /** What was skimmed is `bytes[from..to)`. */
  readonly from: number;
  readonly to: number;

  constructor(bytes: Uint8Array, from: number, end: number) {
    this.from = from;
    this.to = Math.max(from, Math.min(end, bytes.length));
    const { events, hasZero } = skim(bytes, from, this.to);
    this.hasZero = hasZero;
    for (let index = 0; index < events.length; index += 3) {
      const at = events[index] as number;
      const end = events[index + 1] as number;
      if (end >= 0) this.#runs.push(at, end);
      else this.#add(at, events[index + 2] as number);
    }
  }

  /** In order; none when it is of no use to look. */
  of(kind: PlaceKind): readonly number[] {
    return this.#others.get(kind) ?? NONE;
  }

  /** Each run, with the prefixes that may begin in it, by their numbers `first` to `last`, without the last. */
  eachRun(visit: (start: number, end: number, first: number, last: number) => void): void {
    const runs = this.#runs;
    const prefixes = this.#prefixes;
    let first = 0;
    for (let index = 0; index < runs.length; index += 2) {
      const end = runs[index + 1] as number;
      let last = first;
      while (last < prefixes.length && (prefixes[last] as number) < end) last += 1;
      visit(runs[index] as number, end, first, last);
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
    if ((bits & GROUP_BITS) !== 0) {
      this.#prefixes.push(at);
      this.#groups.push(bits & GROUP_BITS);
    }
    if ((bits & ~GROUP_BITS) === 0) return;
    for (const [kind, bit] of KINDS) {
      if ((bits & bit) === 0) continue;
      const places = this.#others.get(kind);
      if (places) places.push(at);
      else this.#others.set(kind, [at]);
    }
  }
}
