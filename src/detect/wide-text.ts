/** Text in UTF-16 or UTF-32 among bytes: runs of key characters with one or three zero bytes behind or before each. Also in base64. */
import { ALPHABETS, isAt, latin1 } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import { RUN } from './run-skip.ts';

const VALUE = ALPHABETS.value.bit;

/** Visits each stretch of such text around a long enough run, with its ASCII characters alone. A character has `size` bytes. */
export function eachWideText(bytes: Uint8Array, from: number, to: number, size: 2 | 4, visit: OnText): void {
  const isWide = size === 2 ? isWide2 : isWide4;
  for (let phase = 0; phase < size; phase += 1) {
    let start = from + phase;
    while (start + size * (RUN - 1) + 1 <= to) {
      let at = start + size * (RUN - 1);
      while (at >= start && isWide(bytes, at)) at -= size;
      if (at >= start) {
        start = at + size;
        continue;
      }
      let end = start + size * RUN;
      while (end < to && isWide(bytes, end)) end += size;
      const last = visitWide(bytes, { start, end, from, to, size }, visit);
      start = Math.max(end + size, last);
    }
  }
}

function isWide2(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + 1] === 0 || bytes[at - 1] === 0) && isAt(bytes, at, VALUE);
}

function isWide4(bytes: Uint8Array, at: number): boolean {
  if (!isAt(bytes, at, VALUE)) return false;
  return (
    (bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0) ||
    (bytes[at - 1] === 0 && bytes[at - 2] === 0 && bytes[at - 3] === 0)
  );
}

const BEFORE_CHARACTERS = 100;
/** To the end of the text, but for one that never ends: then another run is come upon. */
const BEHIND_CHARACTERS = 16 * 1024;

interface WideRun {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/** With what stands around it, because rules ask for that. Returns where what was looked at ends. */
function visitWide(bytes: Uint8Array, { start, end, from, to, size }: WideRun, visit: OnText): number {
  let first = start;
  while (first - size >= from && start - first < size * BEFORE_CHARACTERS && bytes[first - 1] === 0)
    first -= size;
  let last = end;
  while (last + size - 1 < to && last - end < size * BEHIND_CHARACTERS && bytes[last + 1] === 0) last += size;
  const text = Buffer.alloc(Math.floor((last - first) / size));
  for (let at = 0; at < text.length; at += 1) text[at] = bytes[first + size * at] ?? 0;
  visit(text, first, last, (at) => first + size * at);
  return last;
}

/** Twenty characters in two bytes each. */
export const LEAST_WIDE_RUN = 54;
/** Six bytes, of which every second is zero, are eight characters; the fifth and the eighth say nothing but that. */
export const WIDE_GROUP = 8;
const GROUPS_TO_TELL = 4;
export const LETTER_A = 0x41;

/** UTF-16 in base64, as commands for PowerShell are: its zeros stand out. */
export function eachWideBase64(bytes: Uint8Array, start: number, end: number, visit: OnText): void {
  for (let phase = 0; phase < WIDE_GROUP; phase += 1) {
    const at = start + phase + WIDE_GROUP;
    if (at + WIDE_GROUP * GROUPS_TO_TELL > end) continue;
    let tells = 0;
    while (tells < GROUPS_TO_TELL && isWideGroup(bytes, at + WIDE_GROUP * tells)) tells += 1;
    if (tells < GROUPS_TO_TELL) continue;
    const first = start + (phase % 4);
    visit(
      Buffer.from(latin1(bytes, first, end), 'base64'),
      first,
      end,
      (place) => first + Math.floor((place * 4) / 3),
    );
    return;
  }
}

function isWideGroup(bytes: Uint8Array, at: number): boolean {
  const third = bytes[at + 2];
  return (
    bytes[at + 4] === LETTER_A && bytes[at + 7] === LETTER_A && (third === LETTER_A || third === LETTER_A + 1)
  );
}
