/** What the pipeline works with. Built once by app.ts; every field is a part's front door. */
import type { Teams } from '../access/teams.ts';
import type { Tokens } from '../access/tokens.ts';
import type { AuthRefused } from '../audit/entry.ts';
import type { Indexer } from '../audit/indexer.ts';
import type { Journal } from '../audit/journal.ts';
import type { Pseudonyms } from '../audit/pseudonyms.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Templates } from '../guard/templates.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Prices } from '../ledger/prices.ts';
import type { Vault } from '../vault/vault.ts';
import type { HolderRefusals } from './holder-refusals.ts';
import type { Intake } from './intake.ts';
import type { LateEntries } from './late-entries.ts';
import type { LiveCalls } from './live-calls.ts';
import type { CallObserver } from './observer.ts';
import type { OwnRecords } from './own-records.ts';
import type { RejectedKeys } from './rejected-keys.ts';
import type { StrangerRefusals } from './stranger-refusals.ts';
import type { Turns } from './turns.ts';
import type { Upstream } from './upstream.ts';

export interface Gate {
  readonly clock: Clock;
  readonly log: Log;
  readonly teams: Teams;
  readonly tokens: Tokens;
  readonly templates: Templates;
  readonly ledger: Ledger;
  readonly prices: Prices;
  readonly vault: Vault;
  readonly journal: Journal;
  readonly indexer: Indexer;
  readonly pseudonyms: Pseudonyms;
  readonly upstream: Upstream;
  readonly live: LiveCalls;
  readonly late: LateEntries;
  readonly strangers: StrangerRefusals;
  readonly holders: HolderRefusals;
  readonly rejectedKeys: RejectedKeys;
  readonly observer: CallObserver;
  readonly own: OwnRecords;
  /** Looks at refused credentials, once a second, as they go on record. */
  readonly seeRefusals: (refused: readonly AuthRefused[]) => void;
  readonly turns: Turns;
  readonly maxBodyBytes: number;
  /** A call is on disk before anything of it is sent. */
  readonly strict: boolean;
  readonly intake: Intake;
  /** False while starting and stopping: no call is let through. */
  readonly open: () => boolean;
}

/** The connection a request came on. */
export interface Connection {
  readonly address: string;
  /** While a provider thinks, the runtime must not cut the connection: our own timers rule until the call ends. */
  readonly suspendTimeout: () => void;
  readonly restoreTimeout: () => void;
}
