/** What the rules say of values that are told by what stands around them: enough for a first look, which nearly all runs do not pass. */
import { ALPHABETS, CLASS, latin1 } from '../detect/bytes.ts';
import { ContextSearch } from '../detect/context.ts';
import { glueAt } from '../detect/examine.ts';
import { isScrambled } from '../detect/lifelike.ts';
import type { ContextShape, Rule } from '../detect/rule.ts';
import { BASE64, DOTTED, KEY_TABLE } from './characters.ts';

/** No value is longer, nor one in base64. */
const LONGEST = 128;
const LONGEST_BASE64 = 88;
const LONGEST_LEAD = 64;
/** What is glued to a value on both sides and is no part of it: an escape, a colour, the end of a comment. */
const LONGEST_GLUE = 8;
const BEFORE = 100;
const KEYISH = /key|token|secret|passw|pwd|auth|cred|bearer/i;
const PLUS = 0x2b;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const UNDERSCORE = 0x5f;

/** What may join a value to what belongs to it before, or to another piece of it in base64. */
export const JOINS = Uint8Array.from({ length: 256 }, (_, code) =>
  [PLUS, SLASH, EQUALS, DOT, COLON].includes(code) ? 1 : 0,
);

/** A stretch of a run that is of the length and of the characters of a rule's values. */
export interface Fit {
  readonly shape: ContextShape;
  readonly start: number;
  readonly end: number;
}

export class ContextFacts {
  readonly search: ContextSearch;
  /** The longest value of key characters; 0 without such rules. */
  readonly longest: number;
  readonly longestBase64: number;
  /** With what is glued to it. */
  readonly longestRun: number;
  readonly #byLength = new Map<number, ContextShape[]>();
  readonly #lengths: readonly number[];
  readonly #hasLeads: boolean;
  /** The names of providers, without the memory that expressions for all of them have. */
  readonly #names = new Map<ContextShape, RegExp>();

  constructor(rules: readonly Rule[]) {
    this.search = new ContextSearch(rules);
    const shapes = rules.flatMap(({ shape }) => (shape.by === 'context' ? [shape] : []));
    let [longest, longestBase64] = [0, 0];
    for (const shape of shapes) {
      for (const [least, most] of shape.lengths) {
        if (shape.alphabet === 'base64')
          longestBase64 = Math.max(longestBase64, Math.min(most, LONGEST_BASE64));
        else longest = Math.max(longest, Math.min(most, LONGEST));
        for (let length = least; length <= Math.min(most, LONGEST); length += 1) {
          const others = this.#byLength.get(length);
          if (others) others.push(shape);
          else this.#byLength.set(length, [shape]);
        }
      }
    }
    this.longest = longest;
    this.longestRun = longest + LONGEST_GLUE;
    this.longestBase64 = longestBase64;
    this.#lengths = [...this.#byLength.keys()].toSorted((a, b) => a - b);
    this.#hasLeads = shapes.some(({ lead }) => lead);
    for (const shape of shapes)
      if (shape.named) this.#names.set(shape, new RegExp(shape.named.words.source, 'i'));
  }

  /** The values that the run, or what is left of it without what is glued to it, may be. */
  fitting(codes: Uint8Array, start: number, end: number): Fit[] {
    const fits: Fit[] = [];
    const behindGlue = start + glueAt(codes, start);
    const ends = [end];
    if (codes[end] === GREATER) ends.push(end - 2);
    let stripped = end;
    while (stripped > start && isDash(codes[stripped - 1])) stripped -= 1;
    if (stripped < end && stripped !== ends[1]) ends.push(stripped);
    for (const last of ends) {
      for (const length of this.#lengths) {
        const first = last - length;
        if (first < start) break;
        if (first === start || first === behindGlue || isDash(codes[first - 1])) {
          fits.push(...this.fittingWhole(codes, first, last));
        }
      }
    }
    return fits;
  }

  fittingWhole(codes: Uint8Array, start: number, end: number): Fit[] {
    const shapes = this.#byLength.get(end - start);
    if (!shapes) return [];
    let alphabets = 0xff;
    for (let at = start; at < end; at += 1) alphabets &= CLASS[codes[at] as number] as number;
    return shapes
      .filter(
        ({ alphabet, form, scrambled, tail }) =>
          (alphabets & ALPHABETS[alphabet].bit) !== 0 &&
          (!tail || codes[end] === DOT) &&
          (!form || form.test(latin1(codes, start, end))) &&
          (!scrambled || isScrambled(codes, start, end)),
      )
      .map((shape) => ({ shape, start, end }));
  }

  /** Whether the whole check could find one, with so much text `around`. */
  isWorthALook(codes: Uint8Array, fits: readonly Fit[], around: string): boolean {
    return fits.some(({ shape, start }) => {
      const name = this.#names.get(shape);
      if (name) return name.test(around);
      const telling = shape.before ?? shape.lead;
      return !telling || telling.test(latin1(codes, Math.max(0, start - BEFORE), start));
    });
  }

  /** Whether the name of its provider may follow on the line. What looks like a hash must be called a key before. */
  mayBeNamedBehind(codes: Uint8Array, { shape: { named }, start }: Fit): boolean {
    if (!named || !named.hash) return named !== undefined;
    const before = latin1(codes, Math.max(0, start - BEFORE), start);
    return KEYISH.test(before.slice(before.lastIndexOf('\n') + 1));
  }

  /** Where a value begins that `codes[0..length)` may end in, whose last run of key characters begins at `run`; `length` when there is none. */
  holdAt(codes: Uint8Array, run: number, length: number): number {
    const before = codes[run - 1];
    let hold = length;
    if (this.longest > 0 && length - run <= this.longestRun) hold = this.leadStart(codes, run);
    else if (this.longest > 0) {
      // The end of a long name may be a value.
      for (let at = length - this.longestRun; at < length && hold === length; at += 1) {
        if (isDash(codes[at - 1])) hold = at;
      }
    }
    if (this.longestBase64 === 0 || (run < length && !goesOnInBase64(before))) return hold;
    let last = length;
    while (last > 0 && codes[last - 1] === EQUALS) last -= 1;
    const first = this.base64Start(codes, last);
    return length - first <= this.longestBase64 + 1 ? Math.min(hold, first) : hold;
  }

  /** Of the run that goes on at `at`, what has been held so far: all of it, unless it is longer than any value. */
  heldStart(codes: Uint8Array, at: number): number {
    const lowest = Math.max(0, at - this.longestRun);
    let start = at;
    while (start > lowest && KEY_TABLE[codes[start - 1] as number] === 1) start -= 1;
    return start > lowest || start === 0 ? start : at;
  }

  /** Where the value in base64 would begin that the place `at` is in or behind. */
  base64Start(codes: Uint8Array, at: number): number {
    const lowest = Math.max(0, at - this.longestBase64 - 1);
    let start = at;
    while (start > lowest && isBase64(codes[start - 1])) start -= 1;
    return start;
  }

  /** Where what belongs to a value before its run would begin; the run where nothing does. */
  leadStart(codes: Uint8Array, run: number): number {
    const before = codes[run - 1];
    if (!this.#hasLeads || (before !== DOT && before !== COLON)) return run;
    const lowest = Math.max(0, run - LONGEST_LEAD);
    let start = run;
    while (start > lowest && DOTTED[codes[start - 1] as number] === 1) start -= 1;
    return start;
  }
}

/** But for the equals sign, which only ends a value. */
export function isBase64(code: number | undefined): boolean {
  return code !== undefined && code !== EQUALS && ((CLASS[code] ?? 0) & BASE64) !== 0;
}

export function goesOnInBase64(code: number | undefined): boolean {
  return code === PLUS || code === SLASH || code === EQUALS;
}

function isDash(code: number | undefined): boolean {
  return code === DASH || code === UNDERSCORE;
}
