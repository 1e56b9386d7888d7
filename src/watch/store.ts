/** The port behind the alert outbox. New rows come with the audit index (audit/store.ts), in the transaction of the entries they are about. */
import type { OutboxRow } from '../audit/store.ts';
import type { TrustRow } from '../records/store.ts';
import type { OUTBOX_STATES } from './terms.ts';

export type OutboxState = (typeof OUTBOX_STATES)[number];

/** Names a row. */
export interface OutboxKey {
  readonly alert: string;
  readonly destination: string;
}

export interface OutboxItem extends OutboxRow {
  readonly state: OutboxState;
  /** How often it was tried. */
  readonly attempts: number;
  /** While it waits: not before this. */
  readonly nextAtMs: number;
  /** Why the last try failed. */
  readonly error: string | null;
  readonly settledAtMs: number | null;
}

export type KnownRow = OutboxKey & Pick<OutboxRow, 'fold' | 'atMs'>;

export interface Settled {
  readonly state: 'delivered' | 'dead';
  readonly attempts: number;
  readonly error: string | null;
  readonly settledAtMs: number;
}

export interface OutboxFilter {
  readonly state?: OutboxState;
  readonly destination?: string;
  readonly limit: number;
}

export interface OutboxStore {
  /** Every row that waits, oldest first. */
  waiting(): Promise<OutboxItem[]>;
  /** Which rows there are, whatever their state. */
  known(): Promise<KnownRow[]>;
  /** Newest first. */
  list(filter: OutboxFilter): Promise<OutboxItem[]>;
  /** How many rows each destination has in each state. */
  count(): Promise<{ readonly destination: string; readonly state: OutboxState; readonly rows: number }[]>;
  /** A try failed, and there will be another. */
  postpone(key: OutboxKey, attempts: number, nextAtMs: number, error: string): Promise<void>;
  /** It was delivered, or given up. The trust row no longer vouches for it. */
  settle(key: OutboxKey, settled: Settled, trust: TrustRow): Promise<void>;
  /** It was given up, and waits again. The trust row vouches for it. */
  revive(key: OutboxKey, nextAtMs: number, trust: TrustRow): Promise<void>;
  /** Deletes rows that were settled before. */
  prune(beforeMs: number): Promise<void>;
}
