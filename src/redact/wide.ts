/** Long runs that mix cases and digits, taken for keys of unknown shape: for a log, where too much is better than too little. */
import { latin1 } from '../detect/bytes.ts';
import { type Cut, RANK } from './candidate.ts';
import { KEY_TABLE } from './characters.ts';

export const UNKNOWN_KEY = 'unknown-key';
const LEAST = 32;
/** A run that is not mixed so far is a name or a hash. */
const LONGEST = 256;

export interface Wide {
  readonly longest: number;
  cut(codes: Uint8Array, start: number, end: number): Cut | null;
}

export const WIDE: Wide = {
  longest: LONGEST,
  cut: (codes, start, end) => {
    if (end - start < LEAST) return null;
    const run = latin1(codes, start, Math.min(end, start + LONGEST));
    if (!/[a-z]/.test(run) || !/[A-Z]/.test(run) || !/\d/.test(run)) return null;
    return { start, end, label: UNKNOWN_KEY, rank: RANK.vague + 2, goesOn: KEY_TABLE };
  },
};
