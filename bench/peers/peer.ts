/** A gateway that is measured: a process of its own between the load generator and the same fake provider. */
import type { Target } from '../jobs.ts';

/** Counters of a journal since its process started. */
export interface JournalCount {
  readonly entries: number;
  /** Null when the gateway does not say. */
  readonly syncs: number | null;
}

export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly target: Target;
  /** Answered by the gateway itself; null when it has no such address. */
  readonly pingUrl: string | null;
  /** How many calls are enough for its CPU time to be told from one tick, relative to the floor. */
  readonly weight: number;
  /** Resolves when what the calls left to do is done. Not there for a gateway that leaves nothing. */
  readonly caughtUp?: () => Promise<void>;
  readonly journal?: () => Promise<JournalCount>;
}

/** Why a peer is not measured; anything else that goes wrong ends the benchmark. */
export class Absent extends Error {
  override readonly name = 'Absent';
}

export const CHAT_PATH = '/openai/v1/chat/completions';

/** What an SDK sends beside its credential. */
export const CLIENT_HEADERS = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'bench/1',
  'x-stainless-retry-count': '0',
} as const;
