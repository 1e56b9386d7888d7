/** Secrets that are told by how they begin, once their beginning is complete: keys with a prefix, and values that are known exactly. */
import { CLASS } from '../detect/bytes.ts';
import { examine, type Matcher } from '../detect/examine.ts';
import { LONGEST_PREFIX } from '../detect/prefixes.ts';
import { type Candidate, type Codes, type Cut, type Cutter, endOfLine, RANK } from './candidate.ts';
import { alphabetTable, endOf, KEY_TABLE } from './characters.ts';

/** A value of a rule whose prefix is complete: decided where its alphabet ends, or where it is longer than any such value. */
export class PrefixCandidate implements Candidate {
  readonly #matcher: Matcher;
  #at: number;
  #walked: number;

  /** The prefix, without what stands before it, begins at `at`. */
  constructor(matcher: Matcher, at: number) {
    this.#matcher = matcher;
    this.#at = at;
    this.#walked = at + matcher.prefix.length;
  }

  get hold(): number {
    return this.#at - this.#matcher.lead.length;
  }

  get needs(): number {
    return this.hold;
  }

  advance(text: Codes, cut: Cutter): boolean {
    const { codes, length, ended } = text;
    const { prefix, most, bit } = this.#matcher;
    const limit = this.#at + prefix.length + most + 1;
    const to = Math.min(length, limit);
    let walked = this.#walked;
    while (walked < to && ((CLASS[codes[walked] as number] as number) & bit) !== 0) walked += 1;
    this.#walked = walked;
    if (walked === length && walked < limit && !ended) return false;
    // Another value may begin with nothing between.
    const farthest = walked + LONGEST_PREFIX;
    const next = endOf(codes, walked, Math.min(length, farthest), KEY_TABLE);
    if (next === length && next < farthest && !ended) return false;
    // No farther than to what ended it, so that what comes behind makes no difference.
    if (this.#decide(codes, Math.min(length, next + 1, farthest), cut)) return true;
    if (!this.#mayBeNamedBehind()) return true;
    const end = endOfLine(text, walked);
    if (end < 0) return false;
    this.#decide(codes, end, cut);
    return true;
  }

  #decide(codes: Uint8Array, to: number, cut: Cutter): boolean {
    const { prefix, bit, rule } = this.#matcher;
    const hit = examine(codes, this.#at, to, this.#matcher);
    if (!hit) return false;
    const { start, end } = hit;
    const rank = (hit.sure ? RANK.sure : RANK.maybe) - prefix.length;
    const found: Cut = { start, end, label: rule.id, rank };
    // A value that was cut at the length of the longest goes on.
    cut(end < this.#walked ? found : { ...found, goesOn: alphabetTable(bit) });
    return true;
  }

  /** Whose it is may be said on the rest of its line. */
  #mayBeNamedBehind(): boolean {
    const { shape, prefix } = this.#matcher;
    const size = this.#walked - this.#at - prefix.length;
    return shape.named !== undefined && shape.lengths.some(([least, most]) => size >= least && size <= most);
  }

  moved(by: number): void {
    this.#at -= by;
    this.#walked -= by;
  }
}

/** Whatever goes on for some key characters behind a prefix, for texts of which too much may be taken out. */
export class LookAlike implements Candidate {
  readonly #label: string;
  readonly #least: number;
  #start: number;
  #body: number;

  constructor(label: string, start: number, body: number, least: number) {
    this.#label = label;
    this.#start = start;
    this.#body = body;
    this.#least = least;
  }

  get hold(): number {
    return this.#start;
  }

  get needs(): number {
    return this.#start;
  }

  advance({ codes, length, ended }: Codes, cut: Cutter): boolean {
    const end = endOf(codes, this.#body, Math.min(length, this.#body + this.#least), KEY_TABLE);
    const enough = end === this.#body + this.#least;
    if (!enough && end === length && !ended) return false;
    if (enough) {
      cut({ start: this.#start, end, label: this.#label, rank: RANK.vague, goesOn: KEY_TABLE });
    }
    return true;
  }

  moved(by: number): void {
    this.#start -= by;
    this.#body -= by;
  }
}

/** A value that is known: the same characters, one after the other. */
export class KnownCandidate implements Candidate {
  readonly #codes: Uint8Array;
  #start: number;
  #same = 0;

  constructor(codes: Uint8Array, start: number) {
    this.#codes = codes;
    this.#start = start;
  }

  get hold(): number {
    return this.#start;
  }

  get needs(): number {
    return this.#start;
  }

  advance({ codes, length }: Codes, cut: Cutter): boolean {
    const value = this.#codes;
    let same = this.#same;
    while (same < value.length && this.#start + same < length) {
      if (codes[this.#start + same] !== value[same]) return true;
      same += 1;
    }
    this.#same = same;
    if (same < value.length) return false;
    cut({ start: this.#start, end: this.#start + same, label: KNOWN, rank: RANK.known - value.length });
    return true;
  }

  moved(by: number): void {
    this.#start -= by;
  }
}

export const KNOWN = 'known-value';
