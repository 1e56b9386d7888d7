/**
 * Walks bytes that are known to be valid JSON (JSON.parse took them) and says where elements and members stand, so that they can be cut
 * out or replaced. It checks nothing: `scanObject` and JSON.parse come first.
 */
import type { Span } from './json-scan.ts';

export interface MemberSpan {
  /** Decoded. */
  readonly key: string;
  /** From the key's quote to the value's end. */
  readonly span: Span;
  readonly value: Span;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The elements of the array at `array`, in order. */
export function elementsOf(bytes: Buffer, array: Span): Span[] {
  const elements: Span[] = [];
  let at = skipSpace(bytes, array.start + 1);
  while (at < array.end && bytes[at] !== CLOSE_BRACKET) {
    const end = valueEnd(bytes, at);
    elements.push({ start: at, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return elements;
}

/** The members of the object at `object`, in order. */
export function membersOf(bytes: Buffer, object: Span): MemberSpan[] {
  const members: MemberSpan[] = [];
  let at = skipSpace(bytes, object.start + 1);
  while (at < object.end && bytes[at] === QUOTE) {
    const keyEnd = stringEnd(bytes, at);
    const key = JSON.parse(bytes.toString('utf8', at, keyEnd)) as string;
    let start = skipSpace(bytes, keyEnd);
    if (bytes[start] === COLON) start = skipSpace(bytes, start + 1);
    const end = valueEnd(bytes, start);
    members.push({ key, span: { start: at, end }, value: { start, end } });
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return members;
}

/**
 * What has to be cut out so that the parts for which `drop` says so are gone, commas included; of the parts of one array or object, in
 * order. At least one must stay.
 */
export function cutsOf(parts: readonly Span[], drop: (index: number) => boolean): Span[] {
  const cuts: Span[] = [];
  let kept = false;
  for (const [index, part] of parts.entries()) {
    if (!drop(index)) {
      kept = true;
      continue;
    }
    const before = parts[index - 1];
    const after = parts[index + 1];
    // With a neighbour in front that stays, or is cut up to its own end, the comma before goes; else the one behind.
    if (kept && before) cuts.push({ start: before.end, end: part.end });
    else if (after) cuts.push({ start: part.start, end: after.start });
    else throw new TypeError('Nothing would be left of the array or object.');
  }
  return cuts;
}

/** The JSON value at `span`. */
export function valueAt(bytes: Buffer, span: Span): unknown {
  return JSON.parse(bytes.toString('utf8', span.start, span.end));
}

/** Index just behind the value that begins at `at`. */
function valueEnd(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return stringEnd(bytes, at);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return containerEnd(bytes, at);
  let end = at;
  while (end < bytes.length && !endsScalar(bytes[end])) end += 1;
  return end;
}

function containerEnd(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case QUOTE:
        at = stringEnd(bytes, at) - 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        if (depth === 0) return at + 1;
        break;
      default:
    }
  }
  throw new TypeError('The bytes are not valid JSON.');
}

/** Index just behind the closing quote of the string that opens at `at`. */
function stringEnd(bytes: Buffer, at: number): number {
  for (let end = bytes.indexOf(QUOTE, at + 1); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  throw new TypeError('The bytes are not valid JSON.');
}

function endsScalar(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at += 1;
  return at;
}
