/** Byte edits: everything outside the edited places stays exactly as it came. */
import type { Span } from './json-scan.ts';

export interface Edit extends Span {
  /** Put in place of the span; an empty span inserts. */
  readonly text: string;
}

/** Applies edits that do not overlap; returns `bytes` itself when there are none. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  const parts: Buffer[] = [];
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(at, edit.start), Buffer.from(edit.text));
    at = edit.end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}

/**
 * The edits that take those parts out for which `drop` says so, commas included; of the elements of an array or the members of an object,
 * in order. At least one must stay.
 */
export function cutsOf(parts: readonly Span[], drop: (index: number) => boolean): Edit[] {
  const cuts: Edit[] = [];
  let kept = false;
  for (const [index, part] of parts.entries()) {
    if (!drop(index)) {
      kept = true;
      continue;
    }
    const before = parts[index - 1];
    const after = parts[index + 1];
    // Behind one that stays the comma before goes; at the beginning the one behind.
    if (kept && before) cuts.push({ start: before.end, end: part.end, text: '' });
    else if (after) cuts.push({ start: part.start, end: after.start, text: '' });
    else throw new TypeError('Nothing would be left of the array or object.');
  }
  return cuts;
}
