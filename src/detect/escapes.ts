/**
 * Values of which some characters are escaped: `%5F`, `\u005f`, `\x5f`, `\137`, `&#95;`, `=5F`, also more than once, or that go on behind the end of a line
 * that says so. Only an escape that stands for a character of a value begins a look.
 */
import { ALPHABETS, CLASS, hasRun, isAt, latin1 } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import type { PlaceKind, Places } from './places.ts';
import { RUN } from './run-skip.ts';

const KEY = ALPHABETS.key.bit;
const VALUE = ALPHABETS.value.bit;
/** Also those of base64, but for the equals sign, which is escaped in every address; and what some values have between their parts. */
const OTHERS = new Set(Buffer.from('+/.~'));
/** To both sides of an escape; an escaped value of 330 characters is six times as long. */
const LONGEST = 2560;
const LONGEST_ESCAPE = 24;
const CONTEXT_BYTES = 240;

/** What may be between two escapes. */
export const PLAIN = /[A-Za-z0-9_.~:+/=-]/;

interface Escape {
  readonly kind: PlaceKind;
  /**
   * One escape: its first group is in hexadecimal, the second in octal, the third in decimal, the fourth stands for itself. An end of a line has
   * none, and stands for nothing.
   */
  readonly source: string;
}

const HEX = '[0-9A-Fa-f]{2}';

const ESCAPES: readonly Escape[] = [
  { kind: 'percent', source: `%(?:25){0,3}(?<hex>${HEX})` },
  {
    kind: 'backslash',
    source: `\\\\{1,7}(?:(?:u00|u\\{0{0,4}(?=${HEX}\\})|U0{6}|x|0{4})(?<hex>${HEX})\\}?|(?<octal>[0-7]{2,3})|(?<itself>[._~/+-]))`,
  },
  {
    kind: 'entity',
    source: `&(?:amp;){0,3}(?:#[xX]0{0,4}(?<hex>${HEX});|#0{0,4}(?<decimal>\\d{2,3});|(?<low>lowbar;))`,
  },
  { kind: 'softBreak', source: `=\\r?\\n|\\\\\\r?\\n[ \\t]{0,64}|=(?<hex>${HEX})` },
];

const EACH = ESCAPES.map(({ kind, source }) => ({
  kind,
  one: new RegExp(source, 'y'),
  each: new RegExp(`${source}|${PLAIN.source}`, 'y'),
}));

/** Visits the text around each escape of a character of a value, without its escapes. */
export function eachEscapedText(bytes: Uint8Array, places: Places, visit: OnText): void {
  const { from, to } = places;
  for (const { kind, one, each } of EACH) {
    let next = from;
    for (const place of places.of(kind)) {
      if (place < next || !mayEscape(bytes, place)) continue;
      one.lastIndex = 0;
      const match = one.exec(latin1(bytes, place, Math.min(to, place + LONGEST_ESCAPE)));
      const code = match ? codeOf(match) : -1;
      if (code === NONE ? isBetween(bytes, place, to) : isOfValue(code))
        next = visitAround(bytes, place, to, each, visit);
    }
  }
}

/** A first look at what follows a backslash, without an expression. */
function mayEscape(bytes: Uint8Array, place: number): boolean {
  if (bytes[place] !== BACKSLASH) return true;
  const kind = String.fromCharCode(bytes[place + 1] ?? 0);
  const next = bytes[place + 2] ?? 0;
  if (kind === '\n' || kind === '\r') return true;
  if (kind === 'u') return next === ZERO || next === BRACE;
  if (kind === 'U') return next === ZERO;
  if (kind === 'x') return next > ZERO + 1 && next < ZERO + 8;
  if (kind === '0' || kind === '1') return next >= ZERO && next < ZERO + 8;
  return isAt(bytes, place - 1, KEY) && isAt(bytes, place + 2, KEY);
}

const BACKSLASH = 0x5c;
const ZERO = 0x30;
const BRACE = 0x7b;

/** A line end that is left out. */
const NONE = 0;

function codeOf({ 0: text, groups = {} }: RegExpExecArray): number {
  const { hex, octal, decimal, itself, low } = groups;
  if (hex !== undefined) return Number.parseInt(hex, 16);
  if (octal !== undefined) return Number.parseInt(octal, 8);
  if (decimal !== undefined) return Number.parseInt(decimal, 10);
  if (itself !== undefined) return itself.charCodeAt(0);
  if (low !== undefined) return UNDERSCORE;
  return text.includes('\n') ? NONE : text.charCodeAt(0);
}

const UNDERSCORE = 0x5f;
const PERCENT = 0x25;

function isOfValue(code: number): boolean {
  return ((CLASS[code] ?? 0) & KEY) !== 0 || OTHERS.has(code) || code === PERCENT;
}

/** Whether a line that goes on does so in the middle of something. */
function isBetween(bytes: Uint8Array, place: number, to: number): boolean {
  if (((CLASS[bytes[place - 1] ?? 0] ?? 0) & KEY) === 0) return false;
  return /^[=\\]\r?\n[ \t]{0,64}[A-Za-z0-9_-]/.test(latin1(bytes, place, Math.min(to, place + 80)));
}

/** Returns where the text ends. */
function visitAround(bytes: Uint8Array, at: number, to: number, each: RegExp, visit: OnText): number {
  let start = at;
  const lowest = Math.max(0, at - LONGEST);
  while (start > lowest && (isAt(bytes, start - 1, KEY) || bytes[start - 1] === BACKSLASH)) start -= 1;
  const text = latin1(bytes, start, Math.min(to, start + 2 * LONGEST));
  const decoded: number[] = [];
  const places: number[] = [];
  each.lastIndex = 0;
  let end = 0;
  for (let match = each.exec(text); match !== null; match = each.exec(text)) {
    end = each.lastIndex;
    const code = codeOf(match);
    if (code === NONE) continue;
    decoded.push(code & 0xff);
    places.push(start + match.index);
  }
  const last = start + end;
  if (!hasRun(decoded, VALUE, RUN)) return Math.max(at + 1, last);
  // Rules look at what stands before a value.
  const before = bytes.subarray(Math.max(0, start - CONTEXT_BYTES), start);
  const placeOf = (at: number): number => places[Math.max(0, at - before.length)] ?? last;
  visit(Buffer.concat([before, Buffer.from(decoded)]), start, last, placeOf, before.length);
  return Math.max(at + 1, last);
}
