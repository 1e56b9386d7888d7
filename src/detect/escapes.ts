/** Values of which some characters are escaped: `%5F`, `\u005f`, `\x5f`. Only an escape that stands for a key character begins a look. */
import { ALPHABETS, CLASS, latin1 } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';

const KEY = ALPHABETS.key.bit;
/** To both sides of an escape; an escaped value of 330 characters is six times as long. */
const LONGEST = 2048;

interface Escape {
  readonly begins: string;
  /** At the place of an escape. */
  readonly one: RegExp;
  /** An escape or a character that may be between two. */
  readonly each: RegExp;
}

const ESCAPES: readonly Escape[] = [
  { begins: '%', one: /^%([0-9A-Fa-f]{2})/, each: /%([0-9A-Fa-f]{2})|[A-Za-z0-9_.~-]/y },
  { begins: '\\u00', one: /^\\u00([0-9A-Fa-f]{2})/, each: /\\u00([0-9A-Fa-f]{2})|[A-Za-z0-9_-]/y },
  { begins: '\\x', one: /^\\x([0-9A-Fa-f]{2})/, each: /\\x([0-9A-Fa-f]{2})|[A-Za-z0-9_-]/y },
];

/** Visits the text around each escape of a key character, without its escapes. */
export function eachEscapedText(view: Buffer, from: number, visit: OnText): void {
  for (const escape of ESCAPES) {
    let at = view.indexOf(escape.begins, 0, 'latin1');
    while (at >= 0) {
      const code = escape.one.exec(latin1(view, at, Math.min(view.length, at + 6)))?.[1];
      const stands = code === undefined ? 0 : (CLASS[Number.parseInt(code, 16)] ?? 0);
      const end = (stands & KEY) === 0 ? at + 1 : visitAround(view, at, from, escape, visit);
      at = view.indexOf(escape.begins, end, 'latin1');
    }
  }
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
  visit(Buffer.from(decoded), from + start, last, (place) => places[place] ?? last);
  return Math.max(at + 1, start + end);
}
