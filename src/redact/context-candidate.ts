/**
 * Values without a shape of their own, which the scanner tells by what stands around them: a run of key characters of a likely length. It is decided
 * when it ends if what stands before says enough, else when its line does: what follows on it may say whose it is.
 */
import { latin1 } from '../detect/bytes.ts';
import type { Hit } from '../detect/examine.ts';
import { type Candidate, type Codes, type Cutter, endOfLine, RANK } from './candidate.ts';
import { alphabetTable, BASE64, endOf, KEY_TABLE } from './characters.ts';
import { type ContextFacts, type Fit, goesOnInBase64 } from './context-facts.ts';

/** What belongs to a value behind its run. */
const LONGEST_TAIL = 40;
const BEFORE = 240;
const DOT = 0x2e;
const EQUALS = 0x3d;
const BASE64_TABLE = alphabetTable(BASE64);

/** The run `codes[start..end)`, when it may be a value or a piece of one in base64; else null. */
export function contextCandidate(
  facts: ContextFacts,
  codes: Uint8Array,
  start: number,
  end: number,
): Candidate | null {
  const isPiece = goesOnInBase64(codes[end]) || goesOnInBase64(codes[start - 1]);
  if (isPiece && facts.longestBase64 > 0) {
    const first = facts.base64Start(codes, start);
    if (start - first <= facts.longestBase64) return new RunCandidate(facts, codes, [start, end, first, -1]);
  }
  const fits = facts.fitting(codes, start, end);
  return fits.length === 0 ? null : new RunCandidate(facts, codes, [start, end, start, end]);
}

/** A plus at `at`: in one of eight values in base64 it stands so often that no run is long enough to be noticed. */
export function plusCandidate(facts: ContextFacts, codes: Uint8Array, at: number): Candidate | null {
  if (facts.longestBase64 === 0) return null;
  const first = facts.base64Start(codes, at);
  return at - first > facts.longestBase64 ? null : new RunCandidate(facts, codes, [at, at, first, -1]);
}

/** The run, and the longer value in base64 that it is a piece of; whose end is -1 when it is not known. */
type Stretch = readonly [start: number, end: number, first: number, last: number];

class RunCandidate implements Candidate {
  readonly #facts: ContextFacts;
  #start: number;
  #end: number;
  /** Of the longer value in base64 that the run is a piece of. */
  #first: number;
  #last: number;
  /** With what may belong to it before it. */
  #lowest: number;
  #fits: readonly Fit[] | null = null;
  #waits = false;

  constructor(facts: ContextFacts, codes: Uint8Array, [start, end, first, last]: Stretch) {
    this.#facts = facts;
    this.#start = start;
    this.#end = end;
    this.#first = first;
    this.#last = last;
    this.#lowest = Math.min(first, facts.leadStart(codes, start));
  }

  get hold(): number {
    return this.#lowest;
  }

  get needs(): number {
    return this.#lowest;
  }

  advance(text: Codes, cut: Cutter): boolean {
    const { codes } = text;
    if (this.#last < 0) {
      const last = this.#endInBase64(text);
      if (last < 0) return false;
      this.#last = last;
    }
    this.#fits ??= this.#fitting(codes);
    if (this.#fits.every((fit) => isCovered(text, fit))) return true;
    if (!this.#waits) {
      const to = this.#endOfTail(text, this.#fits);
      if (to < 0) return false;
      if (this.#decide(codes, this.#fits, to, cut)) return true;
      // Whose it is may be said on the rest of its line.
      if (!this.#fits.some((fit) => this.#facts.mayBeNamedBehind(codes, fit))) return true;
      this.#waits = true;
    }
    const end = endOfLine(text, this.#last);
    if (end < 0) return false;
    this.#decide(codes, this.#fits, end, cut);
    return true;
  }

  /** Where the value in base64 ends; the end of the run when it is in none; -1 when that is not known yet. */
  #endInBase64({ codes, length, ended }: Codes): number {
    const longest = this.#first + this.#facts.longestBase64 + 2;
    const farthest = Math.min(length, longest);
    let last = this.#end;
    while (last < farthest && codes[last] !== EQUALS && BASE64_TABLE[codes[last] ?? 0] === 1) last += 1;
    while (last < farthest && codes[last] === EQUALS) last += 1;
    if (last === length && last < longest && !ended) return -1;
    // Equals signs end a value.
    const goesOn = last < length && BASE64_TABLE[codes[last] ?? 0] === 1;
    if (goesOn || last - this.#first > this.#facts.longestBase64) {
      this.#first = this.#start;
      return this.#end;
    }
    return last;
  }

  #fitting(codes: Uint8Array): readonly Fit[] {
    const fits = this.#facts.fitting(codes, this.#start, this.#end);
    if (this.#last > this.#end || this.#first < this.#start) {
      fits.push(...this.#facts.fittingWhole(codes, this.#first, this.#last));
    }
    const lead = fits.some(({ shape }) => shape.lead)
      ? this.#facts.leadStart(codes, this.#start)
      : this.#first;
    this.#lowest = Math.min(this.#first, lead);
    return fits;
  }

  /** Up to where it has to be looked at for what belongs to the value behind its run; -1 when that has not come yet. */
  #endOfTail({ codes, length, ended }: Codes, fits: readonly Fit[]): number {
    const next = Math.min(length, this.#last + 1);
    if (codes[this.#last] !== DOT || !fits.some(({ shape }) => shape.tail)) return next;
    const end = endOf(codes, next, Math.min(length, next + LONGEST_TAIL), KEY_TABLE);
    return end === length && end < next + LONGEST_TAIL && !ended ? -1 : Math.min(length, end + 1);
  }

  #decide(codes: Uint8Array, fits: readonly Fit[], to: number, cut: Cutter): boolean {
    const around = latin1(codes, Math.max(0, this.#first - BEFORE), to);
    if (!this.#facts.isWorthALook(codes, fits, around)) return false;
    const { search } = this.#facts;
    const hit =
      this.#start === this.#end
        ? search.findBase64(codes, this.#start, this.#end, to)
        : search.find(codes, this.#start, this.#end, to);
    if (!hit || hasEqualsInside(codes, hit)) return false;
    const rank = hit.rule.onRequest ? RANK.vague : RANK.around;
    cut({ start: Math.max(hit.start, this.#lowest), end: hit.end, label: hit.rule.id, rank });
    return true;
  }

  moved(by: number): void {
    this.#start -= by;
    this.#end -= by;
    this.#first -= by;
    this.#lowest -= by;
    if (this.#last >= 0) this.#last -= by;
    this.#fits = this.#fits?.map((fit) => ({ ...fit, start: fit.start - by, end: fit.end - by })) ?? null;
  }
}

/** What belongs to a value before or behind its run may not be. */
function isCovered(text: Codes, { shape, start, end }: Fit): boolean {
  return !shape.lead && !shape.tail && text.covers(start, end);
}

/** What follows an equals sign was let go, or not, by itself. */
function hasEqualsInside(codes: Uint8Array, { start, end }: Hit): boolean {
  const at = codes.subarray(start, end).indexOf(EQUALS);
  return at >= 0 && codes.subarray(start + at, end).some((code) => code !== EQUALS);
}
