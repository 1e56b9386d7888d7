/**
 * Finds long runs of key characters without looking at every byte: a run of `RUN` characters has one at every `RUN`th place, so look
 * there, and walk back to the last byte that cannot belong to it. Each byte is looked at twice at most.
 */
import { ALPHABETS, CLASS } from './bytes.ts';

/**
 * The shortest key that any rule knows is an AWS id of 20 characters. Longer runs alone (32) would take two thirds of the time, but each
 * prefix of a shorter key would then cost a search of its own, of which two take longer than that saves.
 */
export const RUN = 20;
const KEY = ALPHABETS.key.bit;

/** Calls `visit(start, end)` for each longest run of at least `RUN` key characters in `bytes[from..to)`, in order. */
export function eachRun(
  bytes: Uint8Array,
  from: number,
  to: number,
  visit: (start: number, end: number) => void,
): void {
  let start = from;
  while (start + RUN <= to) {
    let at = start + RUN - 1;
    while (at >= start && ((CLASS[bytes[at] as number] as number) & KEY) !== 0) at -= 1;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    let end = start + RUN;
    while (end < to && ((CLASS[bytes[end] as number] as number) & KEY) !== 0) end += 1;
    visit(start, end);
    start = end + 1;
  }
}
