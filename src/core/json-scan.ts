/**
 * Reads JSON bytes in one pass and makes a value of none of them: checks the whole grammar (RFC 8259, UTF-8) and notes where each value
 * stands. So a request can be changed by splicing bytes, and no body holds the loop for long: the pass is linear, allocates nothing for
 * a value, and stops at a bound on their number. Refuses what different parsers read differently: a duplicate key anywhere.
 *
 * What it notes is a tape: seven numbers a value, in the order in which the values begin, in an array that is there once in the process
 * and is lent to one reader at a time.
 */
import { isUtf8 } from 'node:buffer';
import { SallyportError } from './errors.ts';
import {
  BACKSLASH,
  COLON,
  COMMA,
  invalid,
  lastOfEscape,
  notJson,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
  SPACE,
  stringEnd,
  wordEnd,
} from './json-lex.ts';
import { DecodedNames, type NameSet, sameBytes } from './json-names.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ScannedObject {
  /** Index just behind the object's `{`. */
  readonly bodyStart: number;
  /** Values by decoded key, in order. */
  readonly members: ReadonlyMap<string, Span>;
}

export const MAX_DEPTH = 64;
/** Of one document, objects and arrays counted. A million tokens of conversation have a tenth of it. */
export const MAX_VALUES = 100_000;
/** Of all names of members together, as they are written: each byte of a name is read more than once. */
export const MAX_NAMES_BYTES = 2 * 1024 * 1024;

// A value on the tape, and the name of a member: where it is written, or, with escapes, where it is in `decoded`.
const START = 0;
const END = 1;
/** The value behind this one and all that is inside it. */
const NEXT = 2;
const NAME = 3;
const NAME_END = 4;
const HASH = 5;
/** Index in `decoded`, and then NAME_END is one too; or -1. */
const DECODED = 6;
const STRIDE = 7;

/** Up to so many names of one object are compared each with each. */
const FEW_NAMES = 8;
/** More than there are values: beside a hash of 32 bits, a number below it is exact in a double. */
const VALUES_RANGE = 2 ** 20;
/** A character takes at most so many bytes: an escape. */
const MAX_CHAR_BYTES = 6;
const MAX_SHOWN_CHARS = 64;
/** No text is looked for that is longer, also when all of it is escaped. */
const MAX_NAME_BYTES = 384;

/** Nobody outside knows it, so nobody can make names that share a hash: they would only cost time, but a lot of it. */
const HASH_SEED = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
const HASH_FACTOR = (crypto.getRandomValues(new Int32Array(1))[0] ?? 0) | 0x41000001;

let tape = new Int32Array(256 * STRIDE);
const decoded = new DecodedNames();
/** Of each open container: its number, and how many members it has so far. */
const openValues = new Int32Array(MAX_DEPTH);
const memberCounts = new Int32Array(MAX_DEPTH);
let namesBytes = 0;
let lent = false;

/** The values of a document, by number. 0 is the whole; what is inside a value follows it, up to its `next`. */
export class JsonTree {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The first byte of a value says what it is. */
  kind(value: number): number {
    return this.bytes[field(value, START)] ?? 0;
  }

  span(value: number): Span {
    return { start: field(value, START), end: field(value, END) };
  }

  /** A member with its name, from the quote on. */
  memberSpan(member: number): Span {
    return { start: field(member, NAME) - 1, end: field(member, END) };
  }

  next(value: number): number {
    return field(value, NEXT);
  }

  /** The place of a member's name among `names`, or -1. */
  nameIn(names: NameSet, member: number): number {
    const start = field(member, DECODED);
    const end = field(member, NAME_END);
    return start < 0
      ? names.find(this.bytes, field(member, NAME), end)
      : names.find(decoded.bytes, start, end);
  }

  /** The same for a parser that ignores case. */
  foldedNameIn(names: NameSet, member: number): number {
    const start = field(member, DECODED);
    const end = field(member, NAME_END);
    return start < 0
      ? names.findFolded(this.bytes, field(member, NAME), end)
      : names.findFolded(decoded.bytes, start, end);
  }

  /** The place of a string's text among `names`, or -1; also for what is no string. */
  textIn(names: NameSet, value: number): number {
    if (value < 0 || this.kind(value) !== QUOTE) return -1;
    const start = field(value, START) + 1;
    const end = field(value, END) - 1;
    if (end - start > MAX_NAME_BYTES) return -1;
    const place = names.find(this.bytes, start, end);
    if (place >= 0) return place;
    let escaped = false;
    for (let at = start; at < end && !escaped; at += 1) escaped = this.bytes[at] === BACKSLASH;
    if (!escaped) return -1;
    const from = decoded.length;
    decoded.add(this.bytes, start);
    return names.find(decoded.bytes, from, decoded.length);
  }

  /** A member's name; of a long one, see `text`. */
  name(member: number, maxChars: number): string {
    const start = field(member, NAME);
    const end = field(member, DECODED) < 0 ? field(member, NAME_END) : stringEnd(this.bytes, start) - 1;
    return textBetween(this.bytes, start, end, maxChars);
  }

  /** A string's text; of one that is longer than `maxChars`, its beginning, which is longer too. Nobody decodes megabytes for a name. */
  text(value: number, maxChars: number): string {
    return textBetween(this.bytes, field(value, START) + 1, field(value, END) - 1, maxChars);
  }
}

/**
 * Calls `read` with the values of one JSON object, and returns what it returns. The tree is good only until then. Throws `request.invalid`
 * when the bytes are no such object, are nested deeper than 64 or have a name twice in one object, and `request.too_large` for more values
 * or longer names than the bounds above.
 */
export function readJson<T>(bytes: Buffer, read: (tree: JsonTree) => T): T {
  if (lent) throw new TypeError('The values of one document are read while those of another still are.');
  lent = true;
  try {
    if (!isUtf8(bytes)) throw invalid('The request body is not valid JSON in UTF-8.');
    scan(bytes);
    return read(new JsonTree(bytes));
  } finally {
    lent = false;
    decoded.clear();
  }
}

/** The members of one JSON object. Throws as `readJson` does. */
export function scanObject(bytes: Buffer): ScannedObject {
  return readJson(bytes, (tree) => {
    const members = new Map<string, Span>();
    for (let member = 1; member < tree.next(0); member = tree.next(member))
      members.set(tree.name(member, bytes.length), tree.span(member));
    return { bodyStart: tree.span(0).start + 1, members };
  });
}

function scan(bytes: Buffer): void {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) throw invalid('The request body is not a JSON object.');
  namesBytes = 0;
  let value = 0;
  let depth = 0;
  for (;;) {
    makeRoom(value);
    const byte = bytes[at];
    setField(value, START, at);
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === MAX_DEPTH) throw invalid(`The request body is nested deeper than ${MAX_DEPTH} levels.`);
      openValues[depth] = value;
      memberCounts[depth] = 0;
      depth += 1;
      value += 1;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== closing(byte)) {
        if (byte === OPEN_BRACE) at = readName(bytes, at, value, depth);
        continue;
      }
    } else {
      at = byte === QUOTE ? stringEnd(bytes, at + 1) : wordEnd(bytes, at);
      setField(value, END, at);
      value += 1;
      setField(value - 1, NEXT, value);
      at = skipSpace(bytes, at);
    }
    // Behind a value, or at the end of an empty container: one after the other ends, until there is a comma.
    while (bytes[at] !== COMMA) {
      depth -= 1;
      at = skipSpace(bytes, closeContainer(bytes, at, depth, value));
      if (depth > 0) continue;
      if (at < bytes.length) throw notJson(bytes, at);
      return;
    }
    at = skipSpace(bytes, at + 1);
    if (isObject(bytes, depth)) at = readName(bytes, at, value, depth);
  }
}

/** Notes the name that is at `at` for the value to come, and returns where that begins. */
function readName(bytes: Buffer, at: number, value: number, depth: number): number {
  if (bytes[at] !== QUOTE) throw notJson(bytes, at);
  const start = at + 1;
  let end = start;
  let hash = HASH_SEED;
  let plain = true;
  for (; end < bytes.length; end += 1) {
    const byte = bytes[end] ?? 0;
    if (byte === QUOTE) break;
    if (byte === BACKSLASH) {
      plain = false;
      break;
    }
    if (byte < SPACE) throw notJson(bytes, end);
    hash = Math.imul(hash ^ byte, HASH_FACTOR);
  }
  memberCounts[depth - 1] = (memberCounts[depth - 1] ?? 0) + 1;
  setField(value, NAME, start);
  if (plain) {
    setField(value, NAME_END, end);
    setField(value, HASH, hash);
    setField(value, DECODED, -1);
  } else end = readEscapedName(bytes, start, value);
  namesBytes += end - start;
  if (namesBytes > MAX_NAMES_BYTES)
    throw tooLarge(`The names in the request body take more than ${MAX_NAMES_BYTES} bytes.`);
  const colon = skipSpace(bytes, end + 1);
  if (bytes[colon] !== COLON) throw notJson(bytes, colon);
  return skipSpace(bytes, colon + 1);
}

function readEscapedName(bytes: Buffer, start: number, value: number): number {
  const from = decoded.length;
  const end = decoded.add(bytes, start);
  setField(value, NAME_END, decoded.length);
  setField(value, HASH, hashOf(decoded.bytes, from, decoded.length));
  setField(value, DECODED, from);
  return end;
}

/** Returns the index behind the bracket at `at`, which must be that of the container at `depth`. */
function closeContainer(bytes: Buffer, at: number, depth: number, next: number): number {
  const container = openValues[depth] ?? 0;
  const kind = bytes[field(container, START)] ?? 0;
  if (bytes[at] !== closing(kind)) throw notJson(bytes, at);
  setField(container, END, at + 1);
  setField(container, NEXT, next);
  if (kind === OPEN_BRACE) checkNames(bytes, container, memberCounts[depth] ?? 0);
  return at + 1;
}

/** Throws `request.invalid` when two members of an object have one name. */
function checkNames(bytes: Buffer, object: number, count: number): void {
  const end = field(object, NEXT);
  if (count > FEW_NAMES) {
    checkManyNames(bytes, object, count);
    return;
  }
  for (let one = object + 1; one < end; one = field(one, NEXT)) {
    const hash = field(one, HASH);
    for (let other = field(one, NEXT); other < end; other = field(other, NEXT))
      if (field(other, HASH) === hash && sameName(bytes, one, other)) throw twice(bytes, one);
  }
}

/** In the order of their hashes, the same names stand together: linear but for the sort, whatever the names are. */
function checkManyNames(bytes: Buffer, object: number, count: number): void {
  const end = field(object, NEXT);
  const order = new Float64Array(count);
  let index = 0;
  for (let member = object + 1; member < end; member = field(member, NEXT)) {
    order[index] = (field(member, HASH) >>> 0) * VALUES_RANGE + member;
    index += 1;
  }
  order.sort();
  const tree = new JsonTree(bytes);
  let hash = -1;
  // Names of one hash, when there are several: different ones are rare, unless somebody made them so.
  let names: Set<string> | undefined;
  for (let at = 0; at < count; at += 1) {
    const place = order[at] ?? 0;
    const member = place % VALUES_RANGE;
    const next = (place - member) / VALUES_RANGE;
    if (next !== hash) {
      hash = next;
      names = undefined;
      continue;
    }
    names ??= new Set([tree.name((order[at - 1] ?? 0) % VALUES_RANGE, bytes.length)]);
    const name = tree.name(member, bytes.length);
    if (names.has(name)) throw twice(bytes, member);
    names.add(name);
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_SEED;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), HASH_FACTOR);
  return hash;
}

function sameName(bytes: Buffer, a: number, b: number): boolean {
  const aDecoded = field(a, DECODED);
  const bDecoded = field(b, DECODED);
  const aStart = aDecoded < 0 ? field(a, NAME) : aDecoded;
  const bStart = bDecoded < 0 ? field(b, NAME) : bDecoded;
  const length = field(a, NAME_END) - aStart;
  if (length !== field(b, NAME_END) - bStart) return false;
  const aBytes = aDecoded < 0 ? bytes : decoded.bytes;
  return sameBytes(aBytes, aStart, bDecoded < 0 ? bytes : decoded.bytes, bStart, length);
}

function twice(bytes: Buffer, member: number): SallyportError {
  const name = new JsonTree(bytes).name(member, MAX_SHOWN_CHARS).slice(0, MAX_SHOWN_CHARS);
  return invalid(`The request body has the key ${JSON.stringify(name)} twice in one object.`);
}

/** For the value of this number and the name of the next one. */
function makeRoom(value: number): void {
  if (value >= MAX_VALUES) throw tooLarge(`The request body has more than ${MAX_VALUES} values.`);
  if ((value + 2) * STRIDE <= tape.length) return;
  const larger = new Int32Array(tape.length * 2);
  larger.set(tape);
  tape = larger;
}

function tooLarge(message: string): SallyportError {
  return new SallyportError('request.too_large', message, {
    fix: 'Send fewer messages, tools or list items in one request.',
  });
}

function field(value: number, which: number): number {
  return tape[value * STRIDE + which] ?? 0;
}

function setField(value: number, which: number, to: number): void {
  tape[value * STRIDE + which] = to;
}

/** The bracket that ends what this one begins: two further on, for both kinds. */
function closing(bracket: number): number {
  return bracket + 2;
}

function isObject(bytes: Buffer, depth: number): boolean {
  return bytes[field(openValues[depth - 1] ?? 0, START)] === OPEN_BRACE;
}

/** The text of the string at `string`; of one that is longer than `maxChars`, its beginning, which is longer too. */
export function textAt(bytes: Buffer, string: Span, maxChars: number): string {
  return textBetween(bytes, string.start + 1, string.end - 1, maxChars);
}

function textBetween(bytes: Buffer, start: number, end: number, maxChars: number): string {
  const text = bytes.toString('utf8', start, cutOff(bytes, start, end, maxChars));
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Where to end so that more than `maxChars` characters are left of a longer text, and no character is cut in two. */
function cutOff(bytes: Buffer, start: number, end: number, maxChars: number): number {
  const enough = start + MAX_CHAR_BYTES * (maxChars + 1);
  if (end <= enough) return end;
  let at = start;
  while (at < enough) at = 1 + (bytes[at] === BACKSLASH ? lastOfEscape(bytes, at) : at);
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at += 1;
  return at;
}
