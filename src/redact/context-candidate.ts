/**
 * Values without a shape of their own, which the scanner tells by what stands around them: a run of key characters of a likely length. It is decided
 * when it ends if what stands before says enough, else when its line does: what follows on it may say whose it is.
 */
import { ALPHABETS, CLASS, latin1 } from '../detect/bytes.ts';
import { ContextSearch } from '../detect/context.ts';
import type { Hit } from '../detect/examine.ts';
import type { Rule } from '../detect/rule.ts';
import { type Candidate, type Codes, type Cutter, RANK } from './candidate.ts';
import { BASE64, endOf, KEY_OR_BASE64 } from './characters.ts';

/** No value is longer, nor one in base64. */
const LONGEST = 128;
const LONGEST_BASE64 = 88;
/** Of what follows a value on its line, no more is waited for. */
const LONGEST_WAIT = 160;
const LONGEST_GAP = 24;
const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const PLUS = 0x2b;
const SLASH = 0x2f;

/** What the rules say of values, for a first look at a run. */
export class ContextFacts {
  readonly search: ContextSearch;
  /** The longest value of key characters; 0 without such rules. */
  readonly longest: number;
  readonly longestBase64: number;
  /** For each length, the alphabets of which such a value may be. */
  readonly #alphabets = new Uint8Array(LONGEST + 1);
  readonly #names = new Set<string>();

  constructor(rules: readonly Rule[]) {
    this.search = new ContextSearch(rules);
    let [longest, longestBase64] = [0, 0];
    for (const { shape } of rules) {
      if (shape.by !== 'context') continue;
      for (const name of shape.names ?? []) this.#names.add(name);
      for (const [least, most] of shape.lengths) {
        if (shape.alphabet === 'base64')
          longestBase64 = Math.max(longestBase64, Math.min(most, LONGEST_BASE64));
        else longest = Math.max(longest, Math.min(most, LONGEST));
        for (let length = least; length <= Math.min(most, LONGEST); length += 1) {
          this.#alphabets[length] = (this.#alphabets[length] ?? 0) | ALPHABETS[shape.alphabet].bit;
        }
      }
    }
    this.longest = longest;
    this.longestBase64 = longestBase64;
  }

  fits(codes: Uint8Array, start: number, end: number): boolean {
    if (end - start > LONGEST) return false;
    let alphabets = this.#alphabets[end - start] ?? 0;
    for (let at = start; at < end && alphabets !== 0; at += 1)
      alphabets &= CLASS[codes[at] as number] as number;
    return alphabets !== 0;
  }

  isName(codes: Uint8Array, start: number, end: number): boolean {
    return end - start <= LONGEST && this.#names.has(latin1(codes, start, end).toLowerCase());
  }

  /** Where a value begins that `codes[0..length)` may end in, whose last run of key characters begins at `run`; `length` when there is none. */
  holdAt(codes: Uint8Array, run: number, length: number): number {
    const hold = length - run <= this.longest ? run : length;
    if (this.longestBase64 === 0) return hold;
    // Nearly always it is the run.
    if (run < length && !goesOnInBase64(codes[run - 1])) return hold;
    let last = length;
    while (last > 0 && codes[last - 1] === EQUALS) last -= 1;
    const first = this.base64Start(codes, last);
    return length - first <= this.longestBase64 + 1 ? Math.min(hold, first) : hold;
  }

  /** Where the value in base64 would begin that the place `at` is in or behind. */
  base64Start(codes: Uint8Array, at: number): number {
    const lowest = Math.max(0, at - this.longestBase64 - 1);
    let start = at;
    while (start > lowest && isBase64(codes[start - 1])) start -= 1;
    return start;
  }
}

/** But for the equals sign, which only ends a value. */
function isBase64(code: number | undefined): boolean {
  return code !== undefined && code !== EQUALS && ((CLASS[code] ?? 0) & BASE64) !== 0;
}

export function goesOnInBase64(code: number | undefined): boolean {
  return code === PLUS || code === SLASH || code === EQUALS;
}

/** The run `codes[start..end)`, when it may be a value, a piece of one in base64, or the name of one; else null. */
export function contextCandidate(
  facts: ContextFacts,
  codes: Uint8Array,
  start: number,
  end: number,
): Candidate | null {
  if (facts.isName(codes, start, end)) return new NamedCandidate(facts, start, end);
  const inBase64 = goesOnInBase64(codes[end]) || goesOnInBase64(codes[start - 1]);
  if (!inBase64 || facts.longestBase64 === 0) {
    return facts.fits(codes, start, end) ? new RunCandidate(facts, start, end, start, end) : null;
  }
  const first = facts.base64Start(codes, start);
  if (start - first > facts.longestBase64 || end - first > LONGEST) {
    return facts.fits(codes, start, end) ? new RunCandidate(facts, start, end, start, end) : null;
  }
  return new RunCandidate(facts, start, end, first, -1);
}

class RunCandidate implements Candidate {
  readonly #facts: ContextFacts;
  #start: number;
  #end: number;
  /** Of the longer value in base64 that the run is a piece of. */
  #first: number;
  #last: number;
  #looked = false;

  constructor(facts: ContextFacts, start: number, end: number, first: number, last: number) {
    this.#facts = facts;
    this.#start = start;
    this.#end = end;
    this.#first = first;
    this.#last = last;
  }

  get hold(): number {
    return this.#first;
  }

  get needs(): number {
    return this.#first;
  }

  advance(text: Codes, cut: Cutter): boolean {
    const { codes, length, ended } = text;
    if (this.#last < 0) {
      const last = this.#endInBase64(text);
      if (last < 0) return false;
      this.#last = last;
    }
    if (!this.#looked) {
      this.#looked = true;
      if (!this.#mayBe(codes)) return true;
      if (this.#decide(codes, Math.min(length, this.#last + 1), cut)) return true;
    }
    const farthest = Math.min(length, this.#last + LONGEST_WAIT);
    const newline = codes.subarray(this.#last, farthest).indexOf(NEWLINE);
    if (newline < 0 && farthest === length && length < this.#last + LONGEST_WAIT && !ended) return false;
    this.#decide(codes, newline < 0 ? farthest : this.#last + newline, cut);
    return true;
  }

  /** Where the value in base64 ends; the end of the run when it is in none; -1 when that is not known yet. */
  #endInBase64({ codes, length, ended }: Codes): number {
    const farthest = Math.min(length, this.#first + LONGEST + 2);
    let last = this.#end;
    while (last < farthest && isBase64(codes[last])) last += 1;
    while (last < farthest && codes[last] === EQUALS) last += 1;
    if (last === length && last < this.#first + LONGEST + 2 && !ended) return -1;
    // Equals signs end a value.
    const inside = last < length && ((CLASS[codes[last] ?? 0] ?? 0) & BASE64) !== 0;
    if (inside || last - this.#first > this.#facts.longestBase64) {
      this.#first = this.#start;
      return this.#end;
    }
    return last;
  }

  #mayBe(codes: Uint8Array): boolean {
    const facts = this.#facts;
    return facts.fits(codes, this.#start, this.#end) || facts.fits(codes, this.#first, this.#last);
  }

  #decide(codes: Uint8Array, to: number, cut: Cutter): boolean {
    const hit = this.#facts.search.find(codes, this.#start, this.#end, to);
    if (!hit || hasEqualsInside(codes, hit)) return false;
    cut({ start: Math.max(hit.start, this.#first), end: hit.end, label: hit.rule.id, rank: rankOf(hit) });
    return true;
  }

  moved(by: number): void {
    this.#start -= by;
    this.#end -= by;
    this.#first -= by;
    if (this.#last >= 0) this.#last -= by;
  }
}

function rankOf({ rule }: Hit): number {
  return rule.onRequest ? RANK.vague : RANK.around;
}

/** What follows an equals sign was let go, or not, by itself. */
function hasEqualsInside(codes: Uint8Array, { start, end }: Hit): boolean {
  const at = codes.subarray(start, end).indexOf(EQUALS);
  return at >= 0 && codes.subarray(start + at, end).some((code) => code !== EQUALS);
}

/** A run that is a name: the value behind it may be made of pieces too short to be noticed. */
class NamedCandidate implements Candidate {
  readonly #facts: ContextFacts;
  #start: number;
  #end: number;
  #value = -1;

  constructor(facts: ContextFacts, start: number, end: number) {
    this.#facts = facts;
    this.#start = start;
    this.#end = end;
  }

  get hold(): number {
    return this.#value < 0 ? Infinity : this.#value;
  }

  get needs(): number {
    return this.#start;
  }

  advance({ codes, length, ended }: Codes, cut: Cutter): boolean {
    if (this.#value < 0) {
      const farthest = Math.min(length, this.#end + LONGEST_GAP);
      let at = this.#end;
      while (at < farthest && !isBase64(codes[at])) at += 1;
      if (at === farthest) return ended || at === this.#end + LONGEST_GAP;
      this.#value = at;
    }
    const last = endOf(codes, this.#value, Math.min(length, this.#value + LONGEST + 1), KEY_OR_BASE64);
    if (last === length && last <= this.#value + LONGEST && !ended) return false;
    const hit = this.#facts.search.find(codes, this.#start, this.#end, Math.min(length, last + 1));
    if (hit && hit.start >= this.#value) {
      cut({ start: hit.start, end: hit.end, label: hit.rule.id, rank: rankOf(hit) });
    }
    return true;
  }

  moved(by: number): void {
    this.#start -= by;
    this.#end -= by;
    if (this.#value >= 0) this.#value -= by;
  }
}
