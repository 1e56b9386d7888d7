/**
 * Finds where the members of a JSON object stand in its bytes, so that a request can be changed by splicing bytes instead of being
 * written anew. Refuses what different parsers read differently: a duplicate key anywhere, and nesting beyond a bound.
 * It does not check the rest of the grammar: the caller parses the same bytes with JSON.parse before it trusts the result.
 */
import { SallyportError } from './errors.ts';

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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Throws `request.invalid` when the bytes are no object, are nested deeper than 64, or have a key twice in one object. */
export function scanObject(bytes: Buffer): ScannedObject {
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== OPEN_BRACE) throw invalid('The request body is not a JSON object.');
  const members = new Map<string, Span>();
  // Per open container: the keys seen so far, or null for an array.
  const stack: (Set<string> | null)[] = [];
  let expectKey = false;
  let key: string | undefined;
  let valueStart = -1;
  const endMember = (at: number): void => {
    if (key !== undefined && valueStart >= 0)
      members.set(key, { start: valueStart, end: trimEnd(bytes, at) });
    key = undefined;
    valueStart = -1;
  };
  for (let at = start; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case QUOTE: {
        const end = stringEnd(bytes, at);
        if (expectKey) {
          const name = readKey(bytes, at, end);
          addKey(stack.at(-1) ?? null, name);
          if (stack.length === 1) key = name;
          expectKey = false;
        }
        at = end - 1;
        break;
      }
      case COLON:
        if (stack.length === 1 && key !== undefined && valueStart < 0) valueStart = skipSpace(bytes, at + 1);
        break;
      case COMMA:
        if (stack.length === 1) endMember(at);
        expectKey = (stack.at(-1) ?? null) !== null;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        expectKey = bytes[at] === OPEN_BRACE;
        stack.push(expectKey ? new Set() : null);
        if (stack.length > MAX_DEPTH)
          throw invalid(`The request body is nested deeper than ${MAX_DEPTH} levels.`);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (stack.length === 1) endMember(at);
        stack.pop();
        expectKey = false;
        if (stack.length === 0) return { bodyStart: start + 1, members };
        break;
      default:
    }
  }
  throw invalid('The request body is not complete JSON.');
}

function addKey(keys: Set<string> | null, name: string): void {
  if (!keys) return;
  if (keys.has(name))
    throw invalid(`The request body has the key ${JSON.stringify(name.slice(0, 64))} twice in one object.`);
  keys.add(name);
}

/** Index just behind the closing quote of the string that opens at `at`. */
function stringEnd(bytes: Buffer, at: number): number {
  for (let end = bytes.indexOf(QUOTE, at + 1); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  throw invalid('The request body is not complete JSON.');
}

function readKey(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start + 1, end - 1);
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(bytes.toString('utf8', start, end)) as string;
  } catch {
    throw invalid('The request body is not valid JSON.');
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function trimEnd(bytes: Buffer, end: number): number {
  let at = end;
  while (isSpace(bytes[at - 1])) at -= 1;
  return at;
}

function invalid(message: string): SallyportError {
  return new SallyportError('request.invalid', message, { fix: 'Send one JSON object in UTF-8.' });
}
