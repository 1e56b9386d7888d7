/** Whether a value of one rule stands at a place: the check behind every search. Looks at no more bytes than the longest such value has. */
import { ALPHABETS, CLASS, indexOfText, isAt, latin1, standsAt } from './bytes.ts';
import { isLifelike, isName } from './lifelike.ts';
import { isPrefixAt } from './prefixes.ts';
import { leastLength, type PrefixShape, type Range, type Rule } from './rule.ts';
import { RUN } from './run-skip.ts';
import { distanceOf, surroundingsOf } from './vendor-name.ts';

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
const LONGEST_STRADDLE = 8;
/** A prefix so long is in a run that is noticed, though a plus or a slash may follow soon. */
const LEAST_NOTICED = 8;
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
    const searched = shape.alphabet === 'base64' && prefix.length < LEAST_NOTICED;
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
  const farthest = Math.min(to, body + most + 3);
  while (end < farthest && ((CLASS[bytes[end] as number] as number) & bit) !== 0) end += 1;
  const least = shape.loose?.least ?? Infinity;
  const known = bodyOf(bytes, body, end, to, matcher);
  if (!known && end - body < least) return null;
  const free = standsFree(bytes, start);
  const sure =
    known !== null &&
    (free || known.marked || matcher.telling) &&
    isGenuine(bytes, start, body, known.end, to, matcher);
  if (sure) return { rule, start, end: known.end, sure };
  if (end - body < least) return null;
  // Not farther than to the next character that is none of a prefix: no byte is passed twice.
  if (shape.loose?.placeholders) return { rule, start, end: endOfRun(bytes, end, to, bit), sure };
  // What goes on for longer than any value is none.
  if (end - body > most || (!free && !matcher.telling)) return null;
  if (!isRandom(bytes, body, end, matcher.size, 'unsure')) return null;
  return { rule, start, end, sure };
}

function endOfRun(bytes: Uint8Array, from: number, to: number, bit: number): number {
  let end = from;
  while (end < to && isAt(bytes, end, bit)) end += 1;
  return end;
}

interface Body {
  readonly end: number;
  /** It has the marker of its rule in its place. */
  readonly marked: boolean;
}

/**
 * Where the body ends, if it is of a known length or has the marker in its place; null if not. That is where its characters end, unless another
 * value follows with nothing between, or a dash or an underscore follows what has the whole length already.
 */
function bodyOf(
  bytes: Uint8Array,
  body: number,
  end: number,
  to: number,
  { shape, most }: Matcher,
): Body | null {
  const { marker, lengths } = shape;
  const marked = marker ? indexOfText(bytes, marker.text, body, Math.min(end, body + most)) : -1;
  if (marker && marked >= 0 && within(marked - body, marker.before)) {
    const behind = marked + marker.text.length;
    // The halves are of one length.
    const twin = behind + marked - body;
    const last =
      twin < end && isPrefixAt(bytes, twin, to) ? twin : endOf(bytes, behind, end, to, marker.behind);
    if (within(last - behind, marker.behind)) return { end: last, marked: true };
  }
  for (const range of lengths) {
    const last = endOf(bytes, body, end, to, range);
    if (within(last - body, range)) return { end: last, marked: false };
  }
  return null;
}

/** `end`, or where something else begins before it: a closed comment of HTML, what is glued to a value of one length, another value. */
function endOf(bytes: Uint8Array, body: number, end: number, to: number, [least, most]: Range): number {
  const next = end < to ? bytes[end] : undefined;
  if (next === GREATER && end - 2 >= body + least && standsAt(bytes, end - 2, '--')) return end - 2;
  if (isGlue(next)) {
    // The start of the next prefix, as far as it is of the same characters.
    const lowest = Math.max(body + least, end - LONGEST_STRADDLE);
    for (let at = end - 1; at >= lowest; at -= 1) if (isPrefixAt(bytes, at, to)) return at;
  }
  if (end - body <= most) return end;
  if (isGlue(bytes[body + most])) return body + most;
  for (let at = body + least; at <= body + most; at += 1) if (isPrefixAt(bytes, at, to)) return at;
  return end;
}

function isGlue(byte: number | undefined): boolean {
  return byte === DASH || byte === UNDERSCORE;
}

function within(value: number, [least, most]: readonly [number, number]): boolean {
  return value >= least && value <= most;
}

/** Letters and digits behind a prefix that may be the start of a name could be words. */
function isRandom(
  bytes: Uint8Array,
  body: number,
  end: number,
  size: number,
  behind: 'telling' | 'short' | 'unsure',
): boolean {
  const last = Math.min(end, body + MOST_LOOKED_AT);
  if (!isLifelike(bytes, body, last, size)) return false;
  return size < ALPHABETS.alnum.size || !isName(bytes, body, last, behind);
}

function isGenuine(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  to: number,
  matcher: Matcher,
): boolean {
  const { form, proof, before, named } = matcher.shape;
  if (before && !before.test(latin1(bytes, Math.max(0, start - BEFORE_BYTES), start))) return false;
  if (proof) return proof(latin1(bytes, start, end));
  if (form && !form.test(latin1(bytes, body, end))) return false;
  if (!isRandom(bytes, body, end, matcher.size, matcher.telling ? 'telling' : 'short')) return false;
  return !named || distanceOf(named, surroundingsOf(bytes, start, end, to)) !== null;
}

const BACKSLASH = 0x5c;
const DASH = 0x2d;
const UNDERSCORE = 0x5f;
const GREATER = 0x3e;
const EQUALS = 0x3d;
const BRACKET = 0x5b;
const SEMICOLON = 0x3b;
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
  // Percent twice, and mail.
  if (bytes[at - 5] === PERCENT && standsAt(bytes, at - 4, '25')) return isHex(bytes, at - 2, at);
  if (bytes[at - 3] === EQUALS) return standsAt(bytes, at - 2, '3D');
  if (bytes[at - 4] === BACKSLASH && bytes[at - 3] === 0x78) return isHex(bytes, at - 2, at);
  if (bytes[at - 6] === BACKSLASH && bytes[at - 5] === 0x75) return isHex(bytes, at - 4, at);
  return endsColour(bytes, at);
}

/** What stands before glue, but for a percent sign. */
export const GLUES = new Set([BACKSLASH, EQUALS, BRACKET, SEMICOLON]);

/** How many characters at the start of a run belong to an escape or a colour before it, and not to what follows. */
export function glueAt(bytes: Uint8Array, start: number): number {
  const before = bytes[start - 1];
  if (before === BACKSLASH) {
    const kind = String.fromCharCode(bytes[start] ?? 0);
    if (kind === 'u') return isHex(bytes, start + 1, start + 5) ? 5 : 0;
    if (kind === 'x') return isHex(bytes, start + 1, start + 3) ? 3 : 0;
    return 'ntrfbv0'.includes(kind) ? 1 : 0;
  }
  if (before === PERCENT) {
    let end = start;
    while (standsAt(bytes, end, '25')) end += 2;
    return isHex(bytes, end, end + 2) ? end + 2 - start : 0;
  }
  if (before === EQUALS) return standsAt(bytes, start, '3D') ? 2 : 0;
  if (before !== BRACKET && before !== SEMICOLON) return 0;
  return /^\d{1,3}m/.exec(latin1(bytes, start, start + 4))?.[0].length ?? 0;
}

function isHex(bytes: Uint8Array, from: number, to: number): boolean {
  return /^[0-9A-Fa-f]+$/.test(latin1(bytes, from, to));
}

const LONGEST_COLOUR = 16;

function endsColour(bytes: Uint8Array, at: number): boolean {
  return /\[[\d;]*m$/.test(latin1(bytes, Math.max(0, at - LONGEST_COLOUR), at));
}
