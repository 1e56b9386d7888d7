/**
 * What the journal records. Format on disk: docs/spec/audit-log.md. Every field is listed here: prompts, answers and secrets have no
 * field to be in. Amounts are pico-USD as decimal strings, times are ISO 8601 UTC, durations milliseconds.
 */
import type { JournaledRecord } from '../records/records.ts';

export type CallResult = 'success' | 'error';

/** Where the cost of a call comes from. */
export type CostBasis =
  /** The provider's own usage numbers. */
  | 'usage'
  /** No usage was seen: what was delivered, counted by us. */
  | 'delivered'
  /** The outcome is unknown: the whole hold. */
  | 'hold'
  /** The provider answered with an error, or was never reached. */
  | 'none';

/** Who called what. */
export interface CallSubject {
  /** `token:<id>`. */
  readonly principal: string;
  /** Commitment to the end user named by the caller (see pseudonyms.ts), or null. */
  readonly userId: string | null;
  readonly team: string;
  readonly project: string | null;
  readonly environment: string;
  readonly tokenId: string;
  /** `<provider>/<endpoint>`. */
  readonly resource: string;
  readonly provider: string;
  readonly model: string | null;
  /** Commitment to the caller's address. */
  readonly address: string;
}

/** One budget that a call is charged to, in the period of its reservation. */
export interface Charge {
  readonly budget: string;
  readonly period: string;
}

export interface CallStart extends CallSubject {
  readonly action: 'call.start';
  readonly id: string;
  readonly keyId: string;
  /** Held on every budget in `charges`. */
  readonly holdPicoUsd: string;
  readonly charges: readonly Charge[];
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
}

/** What a running call would cost if the process died before the next progress entry. */
export interface CallProgress {
  readonly action: 'call.progress';
  readonly id: string;
  readonly boundPicoUsd: string;
  readonly completionTokens: number;
}

export interface CallEnd {
  readonly action: 'call.end';
  readonly id: string;
  readonly result: CallResult;
  readonly errorCode: string | null;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly costPicoUsd: string;
  readonly basis: CostBasis;
  /** By how much the cost is above what was held; "0" normally. */
  readonly overrunPicoUsd: string;
  readonly charges: readonly Charge[];
  readonly latencyMs: number;
  /** True when this entry was written by the recovery of a later process. */
  readonly recovered: boolean;
}

/** An authenticated call that was refused before anything was sent. */
export interface CallRefused extends CallSubject {
  readonly action: 'call.refused';
  readonly id: string;
  readonly errorCode: string;
  /** Set where one token had many: so many refusals of this token and reason within a second, of which `id` and the rest name the first. */
  readonly count?: number;
}

/** Refusals of callers whose token is unknown or has ended, folded per address and second. */
export interface AuthRefused {
  readonly action: 'auth.refused';
  readonly address: string;
  /** The token that was revoked or has expired: its secret was right, so somebody has it. Null for an unknown one. */
  readonly tokenId: string | null;
  readonly count: number;
  readonly errorCode: string;
}

/** What happened to a budget, other than a call's charge. */
export interface BudgetEvent {
  readonly action:
    | 'budget.alert'
    | 'budget.exhausted'
    | 'budget.paused'
    | 'budget.resumed'
    | 'budget.adjusted'
    | 'budget.overrun'
    | 'budget.opened';
  readonly budget: string;
  readonly period: string;
  readonly principal: string;
  /** The threshold passed: 50, 80, 95; 100 for exhausted and paused; 0 otherwise. */
  readonly percent: number;
  readonly spentPicoUsd: string;
  readonly heldPicoUsd: string;
  readonly limitPicoUsd: string;
  /** Signed change of `spent` by a correction, with its reason; "0" otherwise. */
  readonly deltaPicoUsd: string;
  /** Of `budget.overrun`, the first of a period: by how much a call cost more than was held. */
  readonly overrunPicoUsd?: string;
  readonly reason: string | null;
}

/** The wall clock was set: budgets stand still from `jumped` to `resumed`. */
export interface ClockEvent {
  readonly action: 'clock.jumped' | 'clock.resumed';
  /** `system`, or the operator who confirmed the time. */
  readonly principal: string;
  /** How far the wall clock is from where it should be: above zero for a jump ahead. */
  readonly jumpMs: number;
  /** The time that budgets were stopped at. */
  readonly stoppedAt: string;
}

/** This process goes by prices of the operator's own. */
export interface PricesLoaded {
  readonly action: 'prices.loaded';
  readonly principal: string;
  readonly file: string;
  /** Of the file's bytes, in hex. */
  readonly sha256: string;
  readonly rows: number;
}

/** The provider refused our own key. */
export interface KeyEvent {
  readonly action: 'key.rejected' | 'key.verified';
  readonly keyId: string;
  readonly provider: string;
  readonly status: number;
  readonly errorCode: string | null;
  readonly principal: string;
}

/** So many credentials were refused within a minute that somebody may be guessing. */
export interface AuthBurst {
  readonly action: 'auth.burst';
  readonly principal: string;
  /** Refusals in the window. While it goes on, there is an entry every ten minutes. */
  readonly count: number;
  readonly windowSeconds: number;
  /** Different addresses among them, as far as they were told apart. */
  readonly addresses: number;
  /** How many within a minute are a burst. */
  readonly threshold: number;
}

/**
 * Somebody showed that they have the values of these: they were found where they do not belong. Lookups that match nothing leave no entry.
 */
export interface LeakLookup {
  readonly action: 'leak.lookup';
  readonly principal: string;
  /** How many values were asked about. */
  readonly asked: number;
  /** Provider key versions, `<slot>@<version>`. */
  readonly keys: readonly string[];
  /** Ids of access tokens whose text was right. */
  readonly tokens: readonly string[];
}

/** How near a provider key is to the age at which it should be replaced. */
export type KeyAgeStage = 'soon' | 'due' | 'overdue';

/** A provider key gets old. Once for each version and stage. */
export interface KeyAged {
  readonly action: 'key.age';
  readonly principal: string;
  readonly keyId: string;
  readonly provider: string;
  /** Of its slot; null when it serves all. */
  readonly environment: string | null;
  readonly stage: KeyAgeStage;
  readonly ageDays: number;
  readonly cadenceDays: number;
}

/** The disk of the data folder runs full, or has room again. */
export interface DiskEvent {
  readonly action: 'disk.low' | 'disk.recovered';
  readonly principal: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly thresholdBytes: number;
}

/** An alert was sent on trial, or could not be delivered after many tries. */
export interface AlertEvent {
  readonly action: 'alert.tested' | 'alert.undelivered';
  readonly principal: string;
  /** Name of the destination. */
  readonly destination: string;
  readonly alert: string;
  readonly delivered: boolean;
  /** Why not; null when it was. */
  readonly error: string | null;
}

/** What was done so that the instance can be brought back. */
export interface RecoveryEvent {
  readonly action:
    | 'recovery.kit'
    | 'recovery.drill'
    | 'recovery.drill_failed'
    | 'recovery.backup_begun'
    | 'recovery.backup'
    | 'recovery.restored';
  readonly principal: string;
  /** Of the root key that is needed with it. */
  readonly rootFingerprint: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** What an application put on record. All but `principal` is what it says of itself; nothing of it counts as a call or as money spent. */
export interface AppEntry {
  readonly action: 'app.entry';
  /** Such as `login.failed`. */
  readonly event: string;
  /** The admin token that wrote it, or `local`. */
  readonly principal: string;
  /** Commitment to the end user. */
  readonly userId: string | null;
  readonly team: string | null;
  readonly project: string | null;
  readonly environment: string | null;
  readonly resource: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly costPicoUsd: string;
  readonly latencyMs: number | null;
  readonly result: CallResult | null;
  readonly errorCode: string | null;
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
}

/** A change of control-plane records, `<noun>.<verb>`. Also what a lost database is rebuilt from. */
export interface ControlChange {
  readonly action: `control.${string}`;
  readonly principal: string;
  readonly records: readonly JournaledRecord[];
}

/** The first entry of every process: ties its chain to the one before. */
export interface JournalOpened {
  readonly action: 'journal.open';
  readonly instance: string;
  readonly version: string;
  /** Head of the previous stream, or null for the first one. */
  readonly previous: { readonly stream: string; readonly seq: number; readonly hash: string } | null;
  /** Bytes of an unfinished last line that the previous process left and this one cut off. */
  readonly tornBytes: number;
}

export interface JournalClosed {
  readonly action: 'journal.close';
  readonly reason: string;
}

export type EntryBody =
  | JournalOpened
  | JournalClosed
  | CallStart
  | CallProgress
  | CallEnd
  | CallRefused
  | AuthRefused
  | BudgetEvent
  | ClockEvent
  | PricesLoaded
  | KeyEvent
  | RecoveryEvent
  | AuthBurst
  | KeyAged
  | DiskEvent
  | AlertEvent
  | AppEntry
  | LeakLookup
  | ControlChange;

/** An entry as it stands in the journal. */
export type Entry = EntryBody & { readonly seq: number; readonly at: string };

/** Where an entry stands, and its hash: what a receipt names. */
export interface Position {
  readonly stream: string;
  readonly seq: number;
  readonly hash: Buffer;
  readonly segment: number;
  /** Byte offset just behind the entry. */
  readonly offset: number;
}

export interface PlacedEntry {
  readonly entry: Entry;
  readonly position: Position;
}
