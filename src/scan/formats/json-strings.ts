/**
 * The strings of a JSON text, each with its place and where in the document it is. Reads on as far as the text is JSON; without recursion, so that no
 * nesting is too deep.
 */
import { latin1 } from '../../detect/bytes.ts';

export type JsonPath = readonly (string | number)[];

export interface JsonString {
  /** Between the quotes. */
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MOST_DEPTH = 1000;

type Level = { readonly isArray: boolean; key: string | number; awaitsKey: boolean };

/** Visits every string that is a value, in order, up to where the text is no JSON any more. `path` is the same array each time: copy it to keep it. */
export function eachJsonString(bytes: Buffer, visit: (path: JsonPath, string: JsonString) => void): void {
  const levels: Level[] = [];
  const path: (string | number)[] = [];
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at];
    const level = levels.at(-1);
    if (byte === QUOTE) {
      const end = stringEnd(bytes, at + 1);
      if (level?.awaitsKey) {
        level.key = keyText(bytes, at + 1, end);
        path[levels.length - 1] = level.key;
        level.awaitsKey = false;
      } else visit(path, { start: at + 1, end });
      at = end;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (levels.length >= MOST_DEPTH) throw new Error('it is nested too deeply');
      levels.push({ isArray: byte === 0x5b, key: 0, awaitsKey: byte === 0x7b });
      path.push(0);
    } else if (byte === 0x7d || byte === 0x5d) {
      if (!levels.pop()) return;
      path.pop();
    } else if (byte === 0x2c && level) {
      if (level.isArray) path[levels.length - 1] = level.key = Number(level.key) + 1;
      else level.awaitsKey = true;
    }
    at += 1;
  }
}

function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] === QUOTE) return at;
    if (bytes[at] === BACKSLASH) at += 1;
  }
  return bytes.length;
}

const LONGEST_KEY = 200;

function keyText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('utf8', start, Math.min(end, start + LONGEST_KEY));
}

const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The text of strings of one JSON document, one behind the other, with the place of each byte. */
export class JoinedStrings {
  readonly #bytes: Buffer;
  #text: Buffer;
  #places: Uint32Array;
  #size = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = Buffer.allocUnsafe(1024);
    this.#places = new Uint32Array(1024);
  }

  get size(): number {
    return this.#size;
  }

  get text(): Buffer {
    return this.#text.subarray(0, this.#size);
  }

  readonly placeOf = (at: number): number => this.#places[Math.min(at, this.#size - 1)] ?? 0;

  add({ start, end }: JsonString): void {
    this.#reserve(end - start);
    const bytes = this.#bytes;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte !== BACKSLASH) this.#put(byte, at);
      else at = this.#escape(at);
    }
  }

  /** Returns the last byte of the escape that begins at `at`. */
  #escape(at: number): number {
    const letter = String.fromCharCode(this.#bytes[at + 1] ?? 0);
    if (letter !== 'u') {
      this.#put((ESCAPED[letter] ?? letter).charCodeAt(0), at);
      return at + 1;
    }
    const code = Number.parseInt(latin1(this.#bytes, at + 2, at + 6), 16);
    // Of a character outside ASCII only that there is one matters.
    this.#put(code < 0x80 ? code : 0x80, at);
    return at + 5;
  }

  #put(byte: number, place: number): void {
    this.#text[this.#size] = byte;
    this.#places[this.#size] = place;
    this.#size += 1;
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#text.length) return;
    const length = 2 * (this.#size + more);
    const text = Buffer.allocUnsafe(length);
    this.#text.copy(text, 0, 0, this.#size);
    const places = new Uint32Array(length);
    places.set(this.#places.subarray(0, this.#size));
    this.#text = text;
    this.#places = places;
  }
}
