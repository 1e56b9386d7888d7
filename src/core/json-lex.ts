/** The words of JSON (RFC 8259) in bytes: where each ends. Whatever is not one throws `request.invalid`; nothing is decoded here. */
import { SallyportError } from './errors.ts';

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACE = 0x7b;
export const OPEN_BRACKET = 0x5b;
/** Lower bytes stand in no string, and above it no byte is white space. */
export const SPACE = 0x20;

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const SMALL_E = 0x65;
const SMALL_U = 0x75;
/** To lower case, for letters. */
const CASE_BIT = 0x20;
const UNICODE_DIGITS = 4;

/** 1 for what may follow a backslash by itself. */
const SIMPLE_ESCAPES = tableOf('"\\/bfnrt');
const HEX = tableOf('0123456789abcdefABCDEF');
/** 1 for what ends a run of plain characters: a quote, a backslash, and what may not be in a string. */
const SPECIAL = tableOf('"\\').fill(1, 0, SPACE);
const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/** Index of the next byte that is no white space, or the length. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte > SPACE || (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at += 1;
  }
  return at;
}

/** Index just behind the closing quote of the string whose first character is at `from`. */
export function stringEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    at = plainEnd(bytes, at);
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] !== BACKSLASH) throw notJson(bytes, at);
    while (bytes[at] === BACKSLASH)
      at = SIMPLE_ESCAPES[bytes[at + 1] ?? 0] === 1 ? at + 2 : lastOfEscape(bytes, at) + 1;
  }
}

/** Index of the next byte that is not a character of a string by itself. Four at a time: most of a request is text. */
function plainEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (const last = bytes.length - 3; at < last; at += 4) {
    const special =
      isSpecial(bytes, at) | isSpecial(bytes, at + 1) | isSpecial(bytes, at + 2) | isSpecial(bytes, at + 3);
    if (special !== 0) break;
  }
  while (at < bytes.length && isSpecial(bytes, at) === 0) at += 1;
  return at;
}

function isSpecial(bytes: Uint8Array, at: number): number {
  return SPECIAL[bytes[at] ?? 0] ?? 0;
}

/** Index of the last byte of the escape whose backslash is at `at`. */
export function lastOfEscape(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1] ?? 0;
  if (SIMPLE_ESCAPES[kind] === 1) return at + 1;
  if (kind !== SMALL_U) throw notJson(bytes, at + 1);
  const digits = isHex(bytes, at + 2) & isHex(bytes, at + 3) & isHex(bytes, at + 4) & isHex(bytes, at + 5);
  if (digits !== 1) throw notJson(bytes, at + UNICODE_DIGITS + 1);
  return at + UNICODE_DIGITS + 1;
}

function isHex(bytes: Uint8Array, at: number): number {
  return HEX[bytes[at] ?? 0] ?? 0;
}

/** Index just behind the number, `true`, `false` or `null` that begins at `at`. */
export function wordEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first === MINUS || isDigit(first)) return numberEnd(bytes, at);
  for (const word of WORDS) {
    if (word[0] !== first) continue;
    for (let index = 1; index < word.length; index += 1)
      if (bytes[at + index] !== word[index]) throw notJson(bytes, at + index);
    return at + word.length;
  }
  throw notJson(bytes, at);
}

function numberEnd(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === MINUS ? from + 1 : from;
  // No zero before other digits.
  at = bytes[at] === ZERO ? at + 1 : digitsEnd(bytes, at);
  if (bytes[at] === POINT) at = digitsEnd(bytes, at + 1);
  if (((bytes[at] ?? 0) | CASE_BIT) === SMALL_E) {
    const sign = bytes[at + 1];
    at = digitsEnd(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
  }
  return at;
}

/** Index behind one or more digits. */
function digitsEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isDigit(bytes[at] ?? 0)) at += 1;
  if (at === from) throw notJson(bytes, at);
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

export function notJson(bytes: Uint8Array, at: number): SallyportError {
  return invalid(`The request body is not ${at >= bytes.length ? 'complete' : 'valid'} JSON.`);
}

export function invalid(message: string): SallyportError {
  return new SallyportError('request.invalid', message, { fix: 'Send one JSON object in UTF-8.' });
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) table[byte] = 1;
  return table;
}
