/**
 * What may be a secret, from its first character until that is decided. INVARIANT: whether and where it is one depends on the text alone, never on
 * how the text was cut into pieces: a candidate decides at the first character that makes it certain, or at the end of the text.
 */
import type { Table } from './characters.ts';

/** The text as codes, one a character; what came last ends at `length`. */
export interface Codes {
  readonly codes: Uint8Array;
  readonly length: number;
  /** Nothing comes behind. */
  readonly ended: boolean;
  /** Whether all from `start` to `end` is to be replaced anyhow: then it need not be waited for whether it is something else as well. */
  covers(start: number, end: number): boolean;
}

/** A stretch of text that is to be replaced. */
export interface Cut {
  readonly start: number;
  readonly end: number;
  /** What it was: the id of a rule. */
  readonly label: string;
  /** Of cuts that begin at the same place the lowest names them. */
  readonly rank: number;
  /** It goes on behind `end` for as long as characters are in it. */
  readonly goesOn?: Table;
}

export type Cutter = (cut: Cut) => void;

/** Positions are those in the codes; `moved` says that all became smaller. */
export interface Candidate {
  /** From here on the text must not be let go; `Infinity` when nothing has to be held. */
  readonly hold: number;
  /** What stands before this is looked at no more. */
  readonly needs: number;
  /** Looks at what came since. True when it is decided; what is found goes to `cut`. */
  advance(text: Codes, cut: Cutter): boolean;
  moved(by: number): void;
}

/** Ranks: what a rule is sure of, what is told by its surroundings, what only may be a secret, what could be anything. */
export const RANK = { known: -10_000, sure: 0, around: 1000, maybe: 2000, vague: 3000 } as const;

/** In the order of the text; of those that begin together the one that names them first, whichever was found first. */
export function compareCuts(a: Cut, b: Cut): number {
  return a.start - b.start || a.rank - b.rank || (a.label < b.label ? -1 : 1);
}

const NEWLINE = 0x0a;
/** Of what follows a value on its line, no more is waited for. */
const LONGEST_WAIT = 160;

/** Where the line that `at` is in ends, or as far as is waited for; -1 when that has not come yet. */
export function endOfLine({ codes, length, ended }: Codes, at: number): number {
  const farthest = Math.min(length, at + LONGEST_WAIT);
  const newline = codes.subarray(at, farthest).indexOf(NEWLINE);
  if (newline >= 0) return at + newline;
  return length < at + LONGEST_WAIT && !ended ? -1 : farthest;
}
