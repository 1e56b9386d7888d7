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
