/**
 * Names of members, compared byte by byte. A name that is written with escapes is decoded first, so that it is the same name however it
 * is spelled.
 */
import { BACKSLASH, lastOfEscape, notJson, QUOTE, SPACE } from './json-lex.ts';

/** What the character after a backslash stands for; 0 for what is longer than that. */
const ESCAPED = escapedTable();
const SMALL_U = 0x75;
/** What becomes ASCII by way of upper case, though it is not: the long s, the Kelvin sign and the like. */
const FOLDS: ReadonlyMap<number, string> = new Map([
  [0xdf, 'ss'],
  [0x131, 'i'],
  [0x17f, 's'],
  [0x212a, 'k'],
  [0xfb00, 'ff'],
  [0xfb01, 'fi'],
  [0xfb02, 'fl'],
  [0xfb03, 'ffi'],
  [0xfb04, 'ffl'],
  [0xfb05, 'st'],
  [0xfb06, 'st'],
]);
const NOTHING = Buffer.alloc(0);
/** Of one character. */
const MAX_PUT_BYTES = 4;
/** Room for any name that is looked for. */
const folded = Buffer.alloc(64);

export function sameBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let at = 0; at < length; at += 1) if (a[aStart + at] !== b[bStart + at]) return false;
  return true;
}

/** Names that are looked for: lower-case ASCII, each at its place in the list. */
export class NameSet {
  readonly list: readonly string[];
  /** Places of the names that are so long. */
  readonly #byLength: (number[] | undefined)[] = [];
  readonly #names: readonly Buffer[];

  constructor(names: readonly string[]) {
    this.list = names;
    this.#names = names.map((name) => Buffer.from(name));
    for (const [place, { length }] of this.#names.entries()) (this.#byLength[length] ??= []).push(place);
  }

  /** The place of the name that these bytes are, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const places = this.#byLength[end - start];
    if (places === undefined) return -1;
    for (const place of places) {
      const name = this.#names[place];
      if (name && sameBytes(bytes, start, name, 0, name.length)) return place;
    }
    return -1;
  }

  /** The place of a name that these bytes are in other letters, or -1: as `toUpperCase().toLowerCase()` has it. Not for the name itself. */
  findFolded(bytes: Uint8Array, start: number, end: number): number {
    let length = 0;
    let plain = true;
    for (let at = start; at < end && plain; at += 1) plain = isPlain(bytes[at] ?? 0);
    if (plain) return -1;
    for (let at = start; at < end;) {
      if (length >= folded.length) return -1;
      const byte = bytes[at] ?? 0;
      if (byte < 0x80) {
        folded[length] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
        length += 1;
        at += 1;
        continue;
      }
      const width = byte < 0xe0 ? 2 : 3;
      const text = FOLDS.get(codePoint(bytes, at, width));
      if (text === undefined) return -1;
      length += folded.write(text, length, 'latin1');
      at += width;
    }
    return this.find(folded, 0, length);
  }
}

/** In lower case already. */
function isPlain(byte: number): boolean {
  return byte < 0x80 && (byte < 0x41 || byte > 0x5a);
}

/** Of valid UTF-8; what four bytes long is comes out as something that nothing folds from. */
function codePoint(bytes: Uint8Array, at: number, width: number): number {
  const second = (bytes[at + 1] ?? 0) & 0x3f;
  if (width === 2) return (((bytes[at] ?? 0) & 0x1f) << 6) | second;
  return (((bytes[at] ?? 0) & 0x1f) << 12) | (second << 6) | ((bytes[at + 2] ?? 0) & 0x3f);
}

/** The names of one document that are written with escapes, decoded, one behind the other. */
export class DecodedNames {
  bytes: Buffer = NOTHING;
  length = 0;

  clear(): void {
    this.bytes = NOTHING;
    this.length = 0;
  }

  /**
   * Decodes the name whose first character is at `from`, and returns the index of its closing quote. It then stands at the end of these
   * bytes. Half a surrogate pair is kept as three bytes, which no other name has.
   */
  add(source: Uint8Array, from: number): number {
    let { bytes, length } = this;
    let at = from;
    for (; at < source.length; at += 1) {
      const byte = source[at] ?? 0;
      if (byte === QUOTE) {
        this.length = length;
        return at;
      }
      if (byte < SPACE) break;
      if (length + MAX_PUT_BYTES > bytes.length) bytes = this.#grow(length);
      const stands = byte === BACKSLASH ? (ESCAPED[source[at + 1] ?? 0] ?? 0) : byte;
      if (stands === 0) {
        this.length = length;
        at = this.#addUnicode(source, lastOfEscape(source, at));
        length = this.length;
        continue;
      }
      bytes[length] = stands;
      length += 1;
      if (byte === BACKSLASH) at += 1;
    }
    throw notJson(source, at);
  }

  /** The character of the `\u` escape that ends at `last`, with the other half of a pair. Returns where what was read ends. */
  #addUnicode(source: Uint8Array, last: number): number {
    const unit = unitAt(source, last);
    if (unit >= 0xd800 && unit < 0xdc00 && source[last + 1] === BACKSLASH && source[last + 2] === SMALL_U) {
      const lowLast = lastOfEscape(source, last + 1);
      const low = unitAt(source, lowLast);
      if (low >= 0xdc00 && low < 0xe000) {
        const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        this.#put(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f));
        this.#put(0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
        return lowLast;
      }
    }
    if (unit < 0x80) this.#put(unit);
    else if (unit < 0x800) this.#put(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else {
      this.#put(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f));
      this.#put(0x80 | (unit & 0x3f));
    }
    return last;
  }

  #put(first: number, second?: number): void {
    this.bytes[this.length] = first;
    this.length += 1;
    if (second === undefined) return;
    this.bytes[this.length] = second;
    this.length += 1;
  }

  #grow(length: number): Buffer {
    const larger = Buffer.allocUnsafeSlow(Math.max(256, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, length));
    this.bytes = larger;
    return larger;
  }
}

function escapedTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (const char of '"\\/bfnrt')
    table[char.charCodeAt(0)] = (JSON.parse(`"\\${char}"`) as string).charCodeAt(0);
  return table;
}

/** The value of the four hexadecimal digits that end at `last`. */
function unitAt(source: Uint8Array, last: number): number {
  let unit = 0;
  for (let at = last - 3; at <= last; at += 1) {
    const byte = source[at] ?? 0;
    // Of a letter the low bits count from 1.
    unit = (unit << 4) | ((byte & 0x0f) + (byte > 0x39 ? 9 : 0));
  }
  return unit;
}
