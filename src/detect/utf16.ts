/** Text in UTF-16 among bytes: runs of key characters with a zero byte behind or before each. */
import { ALPHABETS, isAt } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import { RUN } from './run-skip.ts';

const KEY = ALPHABETS.key.bit;

/** Visits each stretch of UTF-16 around a long enough run, with its ASCII characters alone. */
export function eachUtf16Text(bytes: Uint8Array, from: number, to: number, visit: OnText): void {
  for (let parity = 0; parity < 2; parity += 1) {
    let start = from + parity;
    while (start + 2 * RUN - 1 <= to) {
      let at = start + 2 * (RUN - 1);
      while (at >= start && isWide(bytes, at)) at -= 2;
      if (at >= start) {
        start = at + 2;
        continue;
      }
      let end = start + 2 * RUN;
      while (end < to && isWide(bytes, end)) end += 2;
      visitWide(bytes, start, end, from, to, visit);
      start = end + 2;
    }
  }
}

function isWide(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + 1] === 0 || bytes[at - 1] === 0) && isAt(bytes, at, KEY);
}

const BEFORE_CHARACTERS = 100;
const BEHIND_CHARACTERS = 300;

/** With what stands around it, because rules ask for that. */
function visitWide(
  bytes: Uint8Array,
  start: number,
  end: number,
  from: number,
  to: number,
  visit: OnText,
): void {
  let first = start;
  while (first - 2 >= from && start - first < 2 * BEFORE_CHARACTERS && bytes[first - 1] === 0) first -= 2;
  let last = end;
  while (last + 1 < to && last - end < 2 * BEHIND_CHARACTERS && bytes[last + 1] === 0) last += 2;
  const text = Buffer.alloc((last - first) >> 1);
  for (let at = 0; at < text.length; at += 1) text[at] = bytes[first + 2 * at] ?? 0;
  visit(text, first, last, (at) => first + 2 * at);
}
