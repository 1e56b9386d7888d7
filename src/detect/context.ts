/**
 * Values without a shape of their own, told by what stands before them: a run of the right length and characters, behind the name of its
 * provider and an assignment. Only the bytes just before and behind the run are looked at.
 */
import { ALPHABETS, CLASS, isAt, latin1 } from './bytes.ts';
import type { Hit } from './examine.ts';
import { isLifelike } from './lifelike.ts';
import type { ContextShape, Rule } from './rule.ts';

/** Of what stands before a value, no more is looked at. */
const BEFORE_BYTES = 100;
const BEHIND_BYTES = 64;
/** Between a name and its value. */
const ASSIGNMENT = /^["'\]]?\s{0,8}(?:=>|:=|[=:,])\s{0,8}["'`]?/;
const GAP_BYTES = 24;
/** No value is longer. */
const LONGEST = 128;
/** A key of Azure's storage. */
const LONGEST_BASE64 = 88;
const BASE64 = ALPHABETS.base64.bit;
const PLUS = 0x2b;
const SLASH = 0x2f;
const EQUALS = 0x3d;

interface ContextRule {
  readonly rule: Rule;
  readonly shape: ContextShape;
}

export class ContextSearch {
  /** By the length of the value: which rules are worth a look. */
  readonly #byLength: ContextRule[][] = [];
  readonly #byName = new Map<string, ContextRule>();
  readonly #nameLengths = new Set<number>();

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const { shape } = rule;
      if (shape.by !== 'context') continue;
      for (const name of shape.names ?? []) {
        this.#byName.set(name, { rule, shape });
        this.#nameLengths.add(name.length);
      }
      for (const [least, most] of shape.lengths) {
        for (let length = least; length <= Math.min(most, LONGEST); length += 1) {
          (this.#byLength[length] ??= []).push({ rule, shape });
        }
      }
    }
  }

  /** The value that the run `bytes[start..end)` is, or is a part of; null when it is none. Nothing at or behind `to` is looked at. */
  find(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    const own = this.#try(bytes, start, end, to) ?? this.#behindName(bytes, start, end, to);
    if (own) return own;
    if (!goesOn(bytes[end]) && !goesOn(bytes[start - 1])) return null;
    // What is longer than any value in base64 is none: nearly all of it, so the walk ends early.
    let first = start;
    const lowest = Math.max(0, end - LONGEST_BASE64 - 1);
    while (first > lowest && isAt(bytes, first - 1, BASE64) && bytes[first - 1] !== EQUALS) first -= 1;
    let last = end;
    const highest = Math.min(to, first + LONGEST_BASE64 + 1);
    while (last < highest && isAt(bytes, last, BASE64)) last += 1;
    return this.#try(bytes, first, last, to);
  }

  #behindName(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    if (!this.#nameLengths.has(end - start)) return null;
    const named = this.#byName.get(latin1(bytes, start, end).toLowerCase());
    const gap = named ? ASSIGNMENT.exec(latin1(bytes, end, Math.min(to, end + GAP_BYTES))) : null;
    if (!named || !gap) return null;
    const first = end + gap[0].length;
    const { bit } = ALPHABETS[named.shape.alphabet];
    let last = first;
    while (last < to && last - first < LONGEST && isAt(bytes, last, bit)) last += 1;
    return this.#try(bytes, first, last, to);
  }

  #try(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
    const candidates = this.#byLength[end - start];
    if (!candidates) return null;
    let before: string | null = null;
    for (const { rule, shape } of candidates) {
      const { bit, size } = ALPHABETS[shape.alphabet];
      if (!isOf(bytes, start, end, bit)) continue;
      before ??= latin1(bytes, Math.max(0, start - BEFORE_BYTES), start);
      if (!shape.before.test(before)) continue;
      if (shape.form && !shape.form.test(latin1(bytes, start, end))) continue;
      if (shape.behind && !shape.behind.test(latin1(bytes, end, Math.min(to, end + BEHIND_BYTES)))) continue;
      if (isLifelike(bytes, start, end, size)) return { rule, start, end, sure: true };
    }
    return null;
  }
}

/** Base64 has characters that no run has. */
function goesOn(byte: number | undefined): boolean {
  return byte === PLUS || byte === SLASH || byte === EQUALS;
}

function isOf(bytes: Uint8Array, start: number, end: number, bit: number): boolean {
  for (let at = start; at < end; at += 1)
    if (((CLASS[bytes[at] as number] as number) & bit) === 0) return false;
  return true;
}

/**
 * What stands before a value that is assigned to something named after `words` (alternatives of an expression), on the same line, or on the line
 * above as in YAML. With `secret` the name has to say as well that it is a key: for values that look like any hash.
 */
export function assignedTo(words: string, secret = false): RegExp {
  const name = secret
    ? `(?:${words})[^\\n]{0,24}(?:key|token|secret|auth|passw|cred)[^\\n]{0,16}`
    : `(?:${words})[^\\n]{0,40}`;
  const line = `${name}[=:>,|(][\\s"'\`(\\[{<\\\\]{0,8}`;
  const above = `(?:${words})[^\\n]{0,10}:\\s*\\n\\s+[\\w-]*(?:key|token|secret)[\\w-]*\\s*[:=]\\s*["']?`;
  return new RegExp(`(?:${line}|${above})$`, 'i');
}
