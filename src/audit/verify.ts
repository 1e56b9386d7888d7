/** Checks a journal offline: from the files alone, sharing no state with a server. */
import { SallyportError } from '../core/errors.ts';
import { readJournal } from './reader.ts';

export interface Verification {
  readonly ok: boolean;
  /** Entries that verified, up to the first bad one. */
  readonly entries: number;
  readonly streams: number;
  /** True when the head was compared with a copy outside this machine. There is no anchoring yet. */
  readonly anchored: boolean;
  /** What is broken, and where; null when nothing is. */
  readonly problem: string | null;
}

/**
 * Reads the whole journal. A change of any byte, a missing, inserted or reordered line, and a missing segment or stream before the
 * newest one are found. Not found without an anchor: a rewritten chain, and lines cut from the very end.
 */
export function verifyJournal(folder: string): Verification {
  let entries = 0;
  const streams = new Set<string>();
  try {
    for (const { position } of readJournal(folder)) {
      entries += 1;
      streams.add(position.stream);
    }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    return { ok: false, entries, streams: streams.size, anchored: false, problem: error.message };
  }
  // Every process that ever ran has left an entry: an empty journal is a missing one.
  const problem = entries === 0 ? `There is no journal in ${folder}.` : null;
  return { ok: problem === null, entries, streams: streams.size, anchored: false, problem };
}
