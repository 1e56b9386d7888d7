/** Text as its lines show it, read on over line ends: a value that is longer than a line is one only when the lines are joined. */
import { ALPHABETS, isAt } from '../detect/bytes.ts';

const KEY = ALPHABETS.key.bit;
const NEWLINE = 0x0a;

export interface JoinedLines {
  readonly bytes: Buffer;
  readonly placeOf: (at: number) => number;
  /** Whether a line ended between the two places of the joined text. */
  readonly spansLines: (start: number, end: number) => boolean;
}

/** Without the line ends that have a key character on both sides; spaces at the ends of lines do not count. */
export function joinLines(text: Buffer): JoinedLines {
  const bytes = Buffer.allocUnsafe(text.length);
  const places = new Uint32Array(text.length);
  const joints: number[] = [];
  let size = 0;
  for (let at = 0; at < text.length; at += 1) {
    const next = isLineEnd(text, at) ? joint(text, at) : at;
    if (next > at) {
      joints.push(size);
      at = next;
    }
    bytes[size] = text[at] ?? 0;
    places[size] = at;
    size += 1;
  }
  return {
    bytes: bytes.subarray(0, size),
    placeOf: (at) => places[Math.min(at, size - 1)] ?? 0,
    spansLines: (start, end) => joints.some((joined) => start < joined && joined < end),
  };
}

function isLineEnd(text: Buffer, at: number): boolean {
  const byte = text[at];
  return byte === NEWLINE || byte === 0x20 || byte === 0x0d;
}

const LONGEST_INDENT = 40;

/** Where the next line goes on, when what begins at `at` is a line end between two key characters; else `at`. */
function joint(text: Buffer, at: number): number {
  if (!isAt(text, at - 1, KEY)) return at;
  let next = at;
  let lines = 0;
  while (next - at < LONGEST_INDENT && isLineEnd(text, next)) {
    if (text[next] === NEWLINE) lines += 1;
    next += 1;
  }
  return lines === 1 && isAt(text, next, KEY) ? next : at;
}
