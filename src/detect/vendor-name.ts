/**
 * Whether a value without a shape of its own belongs to a provider: whether the provider's name is near it, in one of the ways in which files name
 * what they hold. A value that could be any hash needs, besides, that something calls it a key.
 */
import { latin1 } from './bytes.ts';

export interface VendorName {
  readonly words: RegExp;
  /** The values look like hashes. */
  readonly hash: boolean;
}

/** `words` are alternatives of an expression; case does not matter. */
export function vendor(words: string, options: { readonly hash?: boolean } = {}): VendorName {
  return { words: new RegExp(words, 'gi'), hash: options.hash ?? false };
}

/** Of what stands before a value, no more is looked at. */
export const VENDOR_BEFORE_BYTES = 240;
const BEHIND_BYTES = 120;
/** On one line, up to a value. */
const NEAR = 80;
const MOST_LINES = 4;
/** Behind the name of a head of a table, so many rows are its. */
const MOST_ROWS = 3;

const KEYISH = /key|token|secret|passw|pwd|auth|cred|bearer/i;
/** What hashes are called, right before them. */
const HASHED =
  /(?:sha-?\d*|md5|hash(?:es)?|commit|digest|checksum|crc|etag|integrity|revision|rev|u?uid|guid|trace|span|cache[\s_-]?\w{0,12}|thumbprint|finger_?print|request\w{0,12}|id|version|blob|tree|parent|ref|branch|tag|gguf|file\w{0,8})["'\]\s)]{0,3}[^\w\n]{0,8}$/i;
/** A name that says no more than that it is a key, up to the value. */
const GENERIC =
  /^(?:[\s"'`<>*#|+({[\\,-]|-H\s|--header\s|\w{1,12}:\s?["'](?=x-api|api|auth))*(?:(?:x-)?(?:api|access|auth|secret|subscription)?[._\s-]?(?:key|token|secret|password|credentials?|pat)|value|default|content|string|authorization)["'`\]>\\]*\s*(?:[:=,>(]|=>)?[\s"'`<({[\\]*(?:(?:bearer|token|basic)\s+)?(?:[rbf]?["'`])?$/i;
const GENERIC_KEY = /key|token|secret|passw|cred|auth/i;
/** Nothing but what quotes, lists and marks of a comment need. */
const ALONE = /^[\s"'`>*#|+-]*(?:[rbf]?["'`])?$/;
const DELIMITERS = ['\t', ';', '|', ','] as const;

/** How far away the provider's name is, in characters; null when it is not there, or says something else. */
export function distanceOf({ words, hash }: VendorName, around: Surroundings): number | null {
  const { line, behind, lines } = around;
  const label = line.slice(-48);
  if (hash && HASHED.test(label)) return null;
  const near = lastOf(words, line);
  if (near) {
    const distance = line.length - near.end;
    const called = !hash || KEYISH.test(line) || isUser(line.slice(near.end), behind);
    if (called && (distance <= NEAR || GENERIC_KEY.test(label))) return distance;
    if (hash && headed(lines, around, KEYISH)) return distance;
  }
  const after = firstOf(words, behind);
  if (after !== null && (!hash || KEYISH.test(line) || KEYISH.test(behind))) return NEAR + after;
  return aboveOf(words, hash, around);
}

/** In the lines above: the key of a map, the name beside a value, the request of a header, the head of a table. */
function aboveOf(words: RegExp, hash: boolean, around: Surroundings): number | null {
  const { line, lines, next } = around;
  for (const [index, above] of lines.entries()) {
    const found = lastOf(words, above);
    if (!found) continue;
    const called = !hash || GENERIC_KEY.test(line) || KEYISH.test(above.slice(found.start));
    const distance = VENDOR_BEFORE_BYTES * (index + 1) - found.end;
    if (called && GENERIC.test(line)) return distance;
    if (called && index === 0 && ALONE.test(line)) return distance;
    if (called && index < MOST_ROWS && sameColumn(above, found, around)) return distance;
  }
  const below = next === null ? null : firstOf(words, next);
  return below !== null && GENERIC.test(line) && GENERIC_KEY.test(line) ? 2 * VENDOR_BEFORE_BYTES : null;
}

/** `name:VALUE@` and `-u name:VALUE`. */
function isUser(between: string, behind: string): boolean {
  return /^[:=]["']?$/.test(between) && /^(?:@|["']?\s)/.test(behind);
}

function headed(lines: readonly string[], around: Surroundings, name: RegExp): boolean {
  return lines.slice(0, MOST_ROWS).some((head) => {
    const match = name.exec(head);
    return match !== null && sameColumn(head, { start: match.index, end: match.index + 1 }, around);
  });
}

/** Whether a name in a head stands in the column that the value is in. */
function sameColumn(head: string, at: Span, { line, behind }: Surroundings): boolean {
  const delimiter = DELIMITERS.find(
    (one) => head.includes(one) && (line.includes(one) || behind.startsWith(one)),
  );
  if (delimiter === undefined) return false;
  return countOf(head.slice(0, at.start), delimiter) === countOf(line, delimiter);
}

function countOf(text: string, character: string): number {
  return text.split(character).length - 1;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function lastOf(words: RegExp, text: string): Span | null {
  let last: Span | null = null;
  words.lastIndex = 0;
  for (const match of text.matchAll(words)) last = { start: match.index, end: match.index + match[0].length };
  return last;
}

function firstOf(words: RegExp, text: string): number | null {
  words.lastIndex = 0;
  const match = words.exec(text);
  return match ? match.index : null;
}

/** What is around a value, taken apart once for all rules. */
export interface Surroundings {
  /** On its line, up to it. */
  readonly line: string;
  /** On its line, behind it. */
  readonly behind: string;
  /** Above, the nearest first, up to an empty one. */
  readonly lines: readonly string[];
  readonly next: string | null;
}

export function surroundingsOf(bytes: Uint8Array, start: number, end: number, to: number): Surroundings {
  const before = linesOf(latin1(bytes, Math.max(0, start - VENDOR_BEFORE_BYTES), start));
  const [behind = '', next = null] = linesOf(latin1(bytes, end, Math.min(to, end + BEHIND_BYTES)));
  const line = before.pop() ?? '';
  const above = before.toReversed();
  const empty = above.findIndex((one) => one.trim() === '');
  return { line, behind, lines: above.slice(0, empty < 0 ? MOST_LINES : Math.min(empty, MOST_LINES)), next };
}

/** Line ends as they are, and escaped ones. */
function linesOf(text: string): string[] {
  return text.split(/\r?\n|\r|(?:\\+r)?\\+n/);
}
