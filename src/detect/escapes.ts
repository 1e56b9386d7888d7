/** Values of which some characters are escaped: `%5F`, `\u005f`, `\x5f`. Only an escape that stands for a key character begins a look. */
import { ALPHABETS, CLASS, latin1 } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import type { PlaceKind, Places } from './places.ts';

const KEY = ALPHABETS.key.bit;
/** Also those of base64, but for the equals sign, which is escaped in every address. */
const VALUE = new Set([0x2b, 0x2f]);
/** To both sides of an escape; an escaped value of 330 characters is six times as long. */
const LONGEST = 2048;
const CONTEXT_BYTES = 100;

/** What may be between two escapes. */
export const PLAIN = /[A-Za-z0-9_.~:+/=-]/;

interface Escape {
  readonly kind: PlaceKind;
  /** At the place of an escape. */
  readonly one: RegExp;
  /** An escape or a character that may be between two. */
  readonly each: RegExp;
}

const ESCAPES: readonly Escape[] = [
  { kind: 'percent', one: /^%([0-9A-Fa-f]{2})/, each: /%([0-9A-Fa-f]{2})|[A-Za-z0-9_.~:+/=-]/y },
  { kind: 'unicode', one: /^\\u00([0-9A-Fa-f]{2})/, each: /\\u00([0-9A-Fa-f]{2})|[A-Za-z0-9_.~:+/=-]/y },
  { kind: 'hexadecimal', one: /^\\x([0-9A-Fa-f]{2})/, each: /\\x([0-9A-Fa-f]{2})|[A-Za-z0-9_.~:+/=-]/y },
];

/** Visits the text around each escape of a key character, without its escapes. */
export function eachEscapedText(bytes: Uint8Array, places: Places, visit: OnText): void {
  const { from, to } = places;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from);
  for (const escape of ESCAPES) {
    let next = from;
    for (const place of places.of(escape.kind)) {
      if (place < next) continue;
      const code = escape.one.exec(latin1(bytes, place, Math.min(to, place + 6)))?.[1];
      if (isOfValue(code)) next = from + visitAround(view, place - from, from, escape, visit);
    }
  }
}

function isOfValue(code: string | undefined): boolean {
  const byte = code === undefined ? 0 : Number.parseInt(code, 16);
  return ((CLASS[byte] ?? 0) & KEY) !== 0 || VALUE.has(byte);
}

/** Returns where the text ends. */
function visitAround(view: Buffer, at: number, from: number, { each }: Escape, visit: OnText): number {
  let start = at;
  const lowest = Math.max(0, at - LONGEST);
  while (start > lowest && ((CLASS[view[start - 1] as number] as number) & KEY) !== 0) start -= 1;
  const text = latin1(view, start, Math.min(view.length, start + 2 * LONGEST));
  const decoded: number[] = [];
  const places: number[] = [];
  each.lastIndex = 0;
  let end = 0;
  for (let match = each.exec(text); match !== null; match = each.exec(text)) {
    decoded.push(match[1] === undefined ? match[0].charCodeAt(0) : Number.parseInt(match[1], 16));
    places.push(from + start + match.index);
    end = each.lastIndex;
  }
  const last = from + start + end;
  // Rules look at what stands before a value.
  const before = view.subarray(Math.max(0, start - CONTEXT_BYTES), start);
  const placeOf = (at: number): number => places[Math.max(0, at - before.length)] ?? last;
  visit(Buffer.concat([before, Buffer.from(decoded)]), from + start, last, placeOf, before.length);
  return Math.max(at + 1, start + end);
}
