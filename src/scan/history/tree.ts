/** Trees of git: the names in a folder, each with its mode and the id of its object. */
import type { NewParts } from './delta.ts';

const NUL = 0;
const BLANK = 0x20;

/** The name is `bytes[from..to)`; the id begins behind the zero byte that follows. */
export type TreeVisitor = (from: number, to: number, isSubmodule: boolean) => void;

/** Visits the entries that touch a new part, or all when `parts` is null. What is no tree ends where it makes no sense. */
export function eachTreeEntry(
  bytes: Uint8Array,
  idBytes: number,
  visit: TreeVisitor,
  parts: NewParts | null = null,
): void {
  const size = bytes.length;
  let at = 0;
  let part = 0;
  while (at < size) {
    const start = at;
    while (at < size && bytes[at] !== BLANK) at += 1;
    const name = at + 1;
    while (at < size && bytes[at] !== NUL) at += 1;
    const nameEnd = at;
    at += 1 + idBytes;
    if (at > size || name >= nameEnd) return;
    if (parts) {
      // Where two copied parts meet, the entries on both sides count.
      while (part < parts.count && (parts.ranges[2 * part + 1] as number) < start) part += 1;
      if (part === parts.count) return;
      if ((parts.ranges[2 * part] as number) > at) continue;
    }
    // 160000 is a commit of another repository.
    visit(name, nameEnd, bytes[start] === 0x31 && bytes[start + 1] === 0x36);
  }
}
