/** Whether a value of one rule stands at a place: the check behind every search. Looks at no more bytes than the longest such value has. */
import { ALPHABETS, CLASS, indexOfText, isAt, latin1, standsAt } from './bytes.ts';
import { isLifelike } from './lifelike.ts';
import { leastLength, type PrefixShape, type Rule } from './rule.ts';
import { RUN } from './run-skip.ts';

export interface Hit {
  readonly rule: Rule;
  /** The value is `bytes[start..end)`. */
  readonly start: number;
  readonly end: number;
  /** False for what only may be one: an odd length, a placeholder. */
  readonly sure: boolean;
}

/** A rule's prefix, ready to be tried. */
export interface Matcher {
  readonly rule: Rule;
  readonly shape: PrefixShape;
  readonly prefix: string;
  readonly lead: string;
  readonly bit: number;
  readonly size: number;
  /** The most characters that a body of a known length has. */
  readonly most: number;
  /** Not made of key characters alone, so that no run may be long enough to show it: its prefix is searched for. */
  readonly searched: boolean;
  /** So telling a prefix that it may follow any character. */
  readonly telling: boolean;
}

const TELLING_LENGTH = 6;
/** More of a body is not looked at for the looks of it. */
const MOST_LOOKED_AT = 512;
/** Of what stands before a value, no more is looked at. */
const BEFORE_BYTES = 100;

export function matchersOf(rule: Rule): Matcher[] {
  const { shape } = rule;
  if (shape.by !== 'prefix') return [];
  const { bit } = ALPHABETS[shape.alphabet];
  const { size } = ALPHABETS[shape.random ?? shape.alphabet];
  const lead = shape.lead ?? '';
  const marked = shape.marker
    ? shape.marker.before[1] + shape.marker.text.length + shape.marker.behind[1]
    : 0;
  const most = Math.max(marked, ...shape.lengths.map(([, length]) => length));
  if (leastLength(shape) - lead.length < RUN) throw new TypeError(`${rule.id} is too short to be found`);
  return shape.prefixes.map((prefix) => {
    const telling = lead.length + prefix.length >= TELLING_LENGTH;
    const searched = shape.alphabet === 'base64' && prefix.length < RUN;
    return { rule, shape, prefix, lead, bit, size, most, searched, telling };
  });
}

/**
 * The value of the matcher's rule whose prefix begins at `at`, or null. Nothing at or behind `to` is looked at; what stands before the
 * value is, down to the start of `bytes`.
 */
export function examine(bytes: Uint8Array, at: number, to: number, matcher: Matcher): Hit | null {
  const { prefix, lead, bit, most, shape, rule } = matcher;
  if (!standsAt(bytes, at, prefix)) return null;
  const start = at - lead.length;
  if (lead !== '' && (start < 0 || !standsAt(bytes, start, lead))) return null;
  const body = at + prefix.length;
  let end = body;
  const farthest = Math.min(to, body + most + 1);
  while (end < farthest && ((CLASS[bytes[end] as number] as number) & bit) !== 0) end += 1;
  const least = shape.loose?.least ?? Infinity;
  const known = fits(bytes, body, end, shape);
  if (known === 'no' && end - body < least) return null;
  const free = standsFree(bytes, start);
  const sure =
    known !== 'no' &&
    (free || known === 'marked' || matcher.telling) &&
    isGenuine(bytes, start, body, end, matcher);
  if (sure) return { rule, start, end, sure };
  if (end - body < least) return null;
  // Not farther than to the next character that is none of a prefix: no byte is passed twice.
  if (shape.loose?.placeholders) return { rule, start, end: endOfRun(bytes, end, to, bit), sure };
  if (!free && !matcher.telling) return null;
  if (!isLifelike(bytes, body, Math.min(end, body + MOST_LOOKED_AT), matcher.size)) return null;
  return { rule, start, end, sure };
}

function endOfRun(bytes: Uint8Array, from: number, to: number, bit: number): number {
  let end = from;
  while (end < to && isAt(bytes, end, bit)) end += 1;
  return end;
}

/** Whether a body has the marker in its place, or at least a known length. */
function fits(bytes: Uint8Array, body: number, end: number, shape: PrefixShape): 'marked' | 'long' | 'no' {
  const { marker } = shape;
  if (marker) {
    const at = indexOfText(bytes, marker.text, body, end);
    const before = at - body;
    const behind = end - at - marker.text.length;
    if (at >= 0 && within(before, marker.before) && within(behind, marker.behind)) return 'marked';
  }
  return shape.lengths.some((range) => within(end - body, range)) ? 'long' : 'no';
}

function within(value: number, [least, most]: readonly [number, number]): boolean {
  return value >= least && value <= most;
}

function isGenuine(bytes: Uint8Array, start: number, body: number, end: number, matcher: Matcher): boolean {
  const { form, proof, before } = matcher.shape;
  if (before && !before.test(latin1(bytes, Math.max(0, start - BEFORE_BYTES), start))) return false;
  if (proof) return proof(latin1(bytes, start, end));
  if (form && !form.test(latin1(bytes, body, end))) return false;
  return isLifelike(bytes, body, Math.min(end, body + MOST_LOOKED_AT), matcher.size);
}

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const LETTER_OR_DIGIT = ALPHABETS.alnum.bit;

/**
 * Whether a value that begins at `at` is the start of something: before it stands no letter or digit, or one that belongs to an escape,
 * such as `\n`, `%3D`, `"`, or to a colour code of a terminal.
 */
export function standsFree(bytes: Uint8Array, at: number): boolean {
  if (at === 0 || !isAt(bytes, at - 1, LETTER_OR_DIGIT)) return true;
  if (bytes[at - 2] === BACKSLASH) return 'ntrfbv0'.includes(String.fromCharCode(bytes[at - 1] ?? 0));
  if (bytes[at - 3] === PERCENT) return isHex(bytes, at - 2, at);
  if (bytes[at - 4] === BACKSLASH && bytes[at - 3] === 0x78) return isHex(bytes, at - 2, at);
  if (bytes[at - 6] === BACKSLASH && bytes[at - 5] === 0x75) return isHex(bytes, at - 4, at);
  return endsColour(bytes, at);
}

function isHex(bytes: Uint8Array, from: number, to: number): boolean {
  return /^[0-9A-Fa-f]+$/.test(latin1(bytes, from, to));
}

const LONGEST_COLOUR = 16;

function endsColour(bytes: Uint8Array, at: number): boolean {
  return /\[[\d;]*m$/.test(latin1(bytes, Math.max(0, at - LONGEST_COLOUR), at));
}
