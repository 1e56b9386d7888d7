/**
 * Values without a shape of their own, told by what stands around them: a run of the right length and characters, beside the name of its
 * provider. Only the bytes just before and behind the run are looked at.
 */
import { secretBehindName } from './aws-secret.ts';
import { ALPHABETS, CLASS, isAt, latin1 } from './bytes.ts';
import { glueAt, type Hit } from './examine.ts';
import { isLifelike, isScrambled } from './lifelike.ts';
import type { ContextShape, Rule } from './rule.ts';
import { distanceOf, type Surroundings, surroundingsOf } from './vendor-name.ts';

/** Of what stands before a value and proves it, no more is looked at. */
const BEFORE_BYTES = 100;
const BEHIND_BYTES = 64;
/** No value is longer. */
const LONGEST = 128;
/** A key of Azure's storage. */
export const LONGEST_BASE64 = 88;
const BASE64 = ALPHABETS.base64.bit;
const PLUS = 0x2b;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const DASH = 0x2d;
const GREATER = 0x3e;
const UNDERSCORE = 0x5f;

interface ContextRule {
  readonly rule: Rule;
  readonly shape: ContextShape;
}

interface Candidate {
  readonly hit: Hit;
  readonly distance: number;
}

export class ContextSearch {
  /** By the length of the value: which rules are worth a look. */
  readonly #byLength: ContextRule[][] = [];
  /** In order. */
  readonly #lengths: readonly number[];
  /** The rule whose values are looked for behind their names too. */
  readonly #named: Rule | undefined;

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const { shape } = rule;
      if (shape.by !== 'context') continue;
      for (const [least, most] of shape.lengths) {
        for (let length = least; length <= Math.min(most, LONGEST); length += 1) {
          (this.#byLength[length] ??= []).push({ rule, shape });
        }
      }
    }
    this.#named = rules.find(({ shape }) => shape.by === 'context' && shape.names);
    this.#lengths = [...this.#byLength.keys()].filter((length) => this.#byLength[length]);
  }

  /** The value that the run `bytes[start..end)` is, or is a part of; null when it is none. Nothing at or behind `to` is looked at. */
  find(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    const own =
      this.#withoutGlue(bytes, start, end, to) ??
      this.#try(bytes, start, end, to) ??
      this.#withoutDashes(bytes, start, end, to) ??
      this.#behindDash(bytes, start, end, to) ??
      (this.#named ? secretBehindName(bytes, start, end, to, this.#named) : null);
    if (own) return own;
    if (!goesOn(bytes[end]) && !goesOn(bytes[start - 1])) return null;
    return this.findBase64(bytes, start, end, to);
  }

  /** The same for a run that is a part of a longer one in base64. */
  findBase64(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    // What is longer than any value in base64 is none: nearly all of it, so the walk ends early.
    let first = start;
    const lowest = Math.max(0, end - LONGEST_BASE64 - 1);
    while (first > lowest && isAt(bytes, first - 1, BASE64) && bytes[first - 1] !== EQUALS) first -= 1;
    let last = end;
    const highest = Math.min(to, first + LONGEST_BASE64 + 1);
    while (last < highest && isAt(bytes, last, BASE64)) last += 1;
    return this.#withoutGlue(bytes, first, last, to) ?? this.#try(bytes, first, last, to);
  }

  /** `\\nVALUE`, `%3DVALUE`, and a colour of a terminal. */
  #withoutGlue(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    const glue = glueAt(bytes, start);
    return glue === 0 ? null : this.#try(bytes, start + glue, end, to);
  }

  /** Glued to a name: `token_VALUE`. */
  #behindDash(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    for (const length of this.#lengths) {
      const first = end - length;
      if (first <= start) return null;
      if (!isDash(bytes[first - 1])) continue;
      const hit = this.#try(bytes, first, end, to);
      if (hit) return hit;
    }
    return null;
  }

  /** `<!--VALUE-->`, and names that end in an underscore. */
  #withoutDashes(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    if (!isDash(bytes[start]) && !isDash(bytes[end - 1])) return null;
    let first = start;
    while (first < end && isDash(bytes[first])) first += 1;
    let last = end;
    while (last > first && isDash(bytes[last - 1])) last -= 1;
    const commented = bytes[end] === GREATER ? end - 2 : end;
    return (
      this.#try(bytes, first, last, to) ??
      this.#try(bytes, first, commented, to) ??
      this.#try(bytes, start, commented, to) ??
      (first > start && last < end
        ? (this.#try(bytes, first, end, to) ?? this.#try(bytes, start, last, to))
        : null)
    );
  }

  #try(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    const rules = this.#byLength[end - start];
    if (!rules) return null;
    const piece = isPieceOfBase64(bytes, start, end);
    let best: Candidate | null = null;
    let around: Surroundings | null = null;
    for (const { rule, shape } of rules) {
      const { bit, size } = ALPHABETS[shape.alphabet];
      if ((piece && shape.named) || !isOf(bytes, start, end, bit)) continue;
      if (shape.form && !shape.form.test(latin1(bytes, start, end))) continue;
      if (shape.scrambled && !isScrambled(bytes, start, end)) continue;
      const whole = wholeOf(bytes, start, end, to, shape);
      if (!whole || !isLifelike(bytes, start, end, size)) continue;
      let distance: number | null = 0;
      if (shape.named) {
        around ??= surroundingsOf(bytes, whole.start, whole.end, to);
        distance = distanceOf(shape.named, around);
      }
      if (distance === null || (best && best.distance <= distance)) continue;
      best = { hit: { rule, ...whole, sure: true }, distance };
    }
    return best?.hit ?? null;
  }
}

/** The value with what belongs to it before and behind; null when that, or what else has to be there, is missing. */
function wholeOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  to: number,
  { before, lead, tail }: ContextShape,
): { readonly start: number; readonly end: number } | null {
  const text = before || lead ? latin1(bytes, Math.max(0, start - BEFORE_BYTES), start) : '';
  if (before && !before.test(text)) return null;
  const leading = lead?.exec(text);
  const trailing = tail?.exec(latin1(bytes, end, Math.min(to, end + BEHIND_BYTES)));
  if ((lead && !leading) || (tail && !trailing)) return null;
  return { start: start - (leading?.[0].length ?? 0), end: end + (trailing?.[0].length ?? 0) };
}

/** Base64 has characters that no run has. */
export function goesOn(byte: number | undefined): boolean {
  return byte === PLUS || byte === SLASH || byte === EQUALS;
}

/** A run between a plus, a slash or padding and another is a piece of a hash in base64, or of a path. */
function isPieceOfBase64(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start - 1] === PLUS || bytes[start - 1] === SLASH || goesOn(bytes[end]);
}

export function isDash(byte: number | undefined): boolean {
  return byte === DASH || byte === UNDERSCORE;
}

function isOf(bytes: Uint8Array, start: number, end: number, bit: number): boolean {
  for (let at = start; at < end; at += 1)
    if (((CLASS[bytes[at] as number] as number) & bit) === 0) return false;
  return true;
}
