/** What is known of an object while a history is scanned: one byte each, in memory that threads share. */

/** Not looked at yet. */
export const OPEN = 0;
/** Holds nothing. */
export const CLEAN = 1;
/** May hold something, or has to be opened as what it is. */
export const SUSPECT = 2;
/** Looked at, and the search is still to come. */
export const PENDING = 3;
/** Was clean in an earlier scan. */
export const KNOWN = 4;
/** Is in another pack as well, and looked at there. */
export const ELSEWHERE = 5;
/** A clean folder with files that are opened by their names: looked at every time, because it says which these are. */
export const TELLING = 6;

/** Whether an object that copies from one in this state can have from it nothing that counts. */
export function isHarmless(state: number): boolean {
  return state === CLEAN || state === KNOWN || state === PENDING || state === TELLING;
}
