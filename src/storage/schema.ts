/** The tables as Kysely sees them. Columns are created in migrations.ts; integers are read as bigint, so that none is rounded. */
import type { ColumnType } from 'kysely';
import type { CallResult, CostBasis } from '../audit/entry.ts';
import type { PseudonymRow } from '../audit/store.ts';
import type { RecordKind } from '../records/store.ts';
import type { OutboxState } from '../watch/store.ts';

/** A number of the ports: whole, 0..2^53-1. Written by `whole()`, read by `toNumber()`. */
export type Whole = ColumnType<bigint, number, number>;
/** Pico-USD, 0..2^63-1. Written by `picoUsd()`. */
export type Money = bigint;
/** 0 or 1. */
export type Flag = ColumnType<bigint, 0 | 1, 0 | 1>;

export interface RecordsTable {
  kind: RecordKind;
  id: string;
  revision: Whole;
  body: string;
  sealed: Uint8Array | null;
  mac: Uint8Array;
}

export interface TrustTable {
  id: Whole;
  stream: string;
  seq: Whole;
  hash: Uint8Array;
  segment: Whole;
  byte_offset: Whole;
  mac: Uint8Array;
}

export interface AuditIndexTable {
  id: string;
  stream: string;
  seq: Whole;
  at_ms: Whole;
  action: string;
  principal: string | null;
  user_id: string | null;
  team: string | null;
  project: string | null;
  environment: string | null;
  token_id: string | null;
  resource: string | null;
  provider: string | null;
  model: string | null;
  key_id: string | null;
  address: string | null;
  prompt_tokens: Whole;
  completion_tokens: Whole;
  cached_tokens: Whole;
  cost_pico_usd: Money;
  bound_pico_usd: Money;
  overrun_pico_usd: Money;
  basis: CostBasis | null;
  latency_ms: number | null;
  result: CallResult | null;
  error_code: string | null;
  charges: string;
  metadata: string;
}

export interface BudgetStatusTable {
  budget: string;
  period: string;
  spent_pico_usd: Money;
  overrun_pico_usd: Money;
  alerted_percent: Whole;
  exhausted: Flag;
  paused: Flag;
  mac: Uint8Array;
}

export interface PseudonymsTable {
  commitment: string;
  kind: PseudonymRow['kind'];
  value: string;
  salt: Uint8Array;
}

export interface AlertOutboxTable {
  alert: string;
  destination: string;
  type: string;
  at_ms: Whole;
  fold: string | null;
  payload: string;
  mac: Uint8Array;
  state: OutboxState;
  attempts: Whole;
  next_at_ms: Whole;
  error: string | null;
  settled_at_ms: ColumnType<bigint | null, number | null, number | null>;
}

export interface KeyUsesTable {
  key_id: string;
  at_ms: Whole;
  token_id: string | null;
  team: string | null;
}

export interface InstanceTable {
  id: Whole;
  instance: string;
  root_fingerprint: string;
  root_check: Uint8Array;
  root_kdf: string | null;
  created_at_ms: Whole;
}

export interface KeyringTermsTable {
  term: Whole;
  wrapped: Uint8Array;
  created_at_ms: Whole;
}

export interface Schema {
  records: RecordsTable;
  trust: TrustTable;
  audit_index: AuditIndexTable;
  budget_status: BudgetStatusTable;
  pseudonyms: PseudonymsTable;
  alert_outbox: AlertOutboxTable;
  key_uses: KeyUsesTable;
  instance: InstanceTable;
  keyring_terms: KeyringTermsTable;
}
