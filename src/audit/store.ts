/** The port behind the audit index and the budget states: tables that the journal can rebuild, with the position they stand at. */
import type { TrustRow } from '../records/store.ts';
import type { CallResult, CostBasis } from './entry.ts';

/** One row a call; other entries have one row each as well, with the call's fields null. */
export interface IndexRow {
  /** The call's id; `<stream>#<seq>` for an entry that is no call. */
  readonly id: string;
  readonly stream: string;
  /** Of the call's start entry, or of the entry itself. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly action: string;
  readonly principal: string | null;
  readonly userId: string | null;
  readonly team: string | null;
  readonly project: string | null;
  readonly environment: string | null;
  readonly tokenId: string | null;
  readonly resource: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly keyId: string | null;
  readonly address: string | null;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly costPicoUsd: bigint;
  /** What a crash would charge while the call is open: its hold, or what its newest progress entry states. Kept after its end. */
  readonly boundPicoUsd: bigint;
  /** By how much the cost is above what was held. */
  readonly overrunPicoUsd: bigint;
  readonly basis: CostBasis | null;
  readonly latencyMs: number | null;
  /** Null while the call is open. */
  readonly result: CallResult | null;
  readonly errorCode: string | null;
  /** JSON: a call's charges while it is open and after. */
  readonly charges: string;
  /** JSON object. */
  readonly metadata: string;
}

/** The state of one budget in its newest period. */
export interface BudgetStatusRow {
  readonly budget: string;
  /** Such as `2026-11`, `2026-11-21` or `total`. */
  readonly period: string;
  readonly spentPicoUsd: bigint;
  /** The part of it that was above what had been held. */
  readonly overrunPicoUsd: bigint;
  /** The highest threshold alerted in this period, 0 when none. */
  readonly alertedPercent: number;
  /** A call was refused for lack of budget in this period. */
  readonly exhausted: boolean;
  /** Calls are refused until an operator resumes the budget; outlives the period. */
  readonly paused: boolean;
  readonly mac: Uint8Array;
}

/** Clear value behind a commitment in the journal; may be erased. */
export interface PseudonymRow {
  readonly commitment: string;
  readonly kind: 'address' | 'user';
  readonly value: string;
  readonly salt: Uint8Array;
}

/** One alert that is to be sent to one destination. New rows wait to be sent; nothing but their state changes afterwards. */
export interface OutboxRow {
  /** The alert's id: the same for the same event, whenever and however often it is derived. */
  readonly alert: string;
  /** Id of the destination's record. */
  readonly destination: string;
  readonly type: string;
  /** Of the entry that the alert is about. */
  readonly atMs: number;
  /** Alerts with this in common are sent once in a while only; null for those that are always sent. */
  readonly fold: string | null;
  /** What is sent, as JSON. */
  readonly payload: string;
  readonly mac: Uint8Array;
}

export interface IndexBatch {
  /** Inserted, or replaced by id. */
  readonly rows: readonly IndexRow[];
  /** Inserted, or replaced by budget. */
  readonly statuses: readonly BudgetStatusRow[];
  /** Inserted unless present. */
  readonly pseudonyms: readonly PseudonymRow[];
  /** Inserted; none of them is there yet. */
  readonly outbox: readonly OutboxRow[];
  readonly trust: TrustRow;
}

export interface IndexFilter {
  readonly team?: string;
  readonly environment?: string;
  readonly tokenId?: string;
  readonly model?: string;
  readonly action?: string;
  readonly result?: CallResult;
  readonly errorCode?: string;
  /** Only calls that cost more than was held for them. */
  readonly overrun?: true;
  readonly callId?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** At most this many rows, newest first. */
  readonly limit: number;
}

export const USAGE_DIMENSIONS = ['team', 'token', 'model', 'env', 'user'] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

export interface UsageRow {
  /** The team, token id, model, environment or end user; null where a call named none. */
  readonly group: string | null;
  readonly calls: number;
  readonly errors: number;
  readonly promptTokens: bigint;
  readonly completionTokens: bigint;
  readonly costPicoUsd: bigint;
}

/** Calls that have these in common; none given: all calls. */
export interface CallMatch {
  readonly tokenId?: string;
  readonly team?: string;
  readonly project?: string;
  readonly environment?: string;
}

/** A call, as far as it says who uses a provider key. */
export interface KeyUse {
  readonly atMs: number;
  readonly tokenId: string | null;
  readonly team: string | null;
}

export interface IndexStore {
  commitIndex(batch: IndexBatch): Promise<void>;
  /** Calls without an end, oldest first. */
  openCalls(): Promise<IndexRow[]>;
  findCalls(ids: readonly string[]): Promise<IndexRow[]>;
  loadStatuses(): Promise<BudgetStatusRow[]>;
  /** Newest first. */
  query(filter: IndexFilter): Promise<IndexRow[]>;
  /** The newest call that was made with a provider key version, `<slot>@<version>`. */
  keyUse(keyId: string): Promise<KeyUse | null>;
  /** Of the calls that match all of `calls`; by default of all. */
  usage(by: UsageDimension, sinceMs: number, untilMs: number, calls?: CallMatch): Promise<UsageRow[]>;
  /** What ended calls that match all of `calls` cost since `sinceMs`, by the time they started. */
  spentSince(calls: CallMatch, sinceMs: number): Promise<bigint>;
  /** How many calls that match all of `calls` were started with `sinceMs <= atMs < untilMs`. */
  callsBetween(calls: CallMatch, sinceMs: number, untilMs: number): Promise<number>;
  pseudonyms(commitments: readonly string[]): Promise<PseudonymRow[]>;
}
