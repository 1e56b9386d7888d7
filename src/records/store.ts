/** The port behind control-plane records. A store keeps bytes; it is not trusted to keep them unchanged. */

export const RECORD_KINDS = [
  'team',
  'project',
  'environment',
  'token',
  'provider_key',
  'key_version',
  'budget',
  'limit',
  'preset',
  'template',
  'template_binding',
  'alert_destination',
  'spend_limit',
] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** One row, exactly as stored. Rows are never deleted: a record ends in a state (revoked, destroyed), not in absence. */
export interface RecordRow {
  readonly kind: RecordKind;
  readonly id: string;
  /** 1 for a new record, then +1 for every change. */
  readonly revision: number;
  /** JSON text. Also written to the journal, so it holds nothing secret. */
  readonly body: string;
  /** Bytes that must not enter the journal (a token's verifier, a sealed provider key), or null. */
  readonly sealed: Uint8Array | null;
  /** Tag over all fields above. */
  readonly mac: Uint8Array;
}

/** The single row that says up to where the journal is applied; its MAC also covers what the tables must then contain. */
export interface TrustRow {
  readonly stream: string;
  /** Number of the last applied entry of `stream`; 0 when none. */
  readonly seq: number;
  /** Hash of that entry (32 bytes). */
  readonly hash: Uint8Array;
  readonly segment: number;
  /** Byte offset just behind that entry in its segment. */
  readonly offset: number;
  readonly mac: Uint8Array;
}

export interface RecordStore {
  loadRecords(): Promise<RecordRow[]>;
  loadTrust(): Promise<TrustRow | null>;
  /** Writes the rows (insert, or replace by kind and id) and the trust row in one transaction. */
  commitRecords(rows: readonly RecordRow[], trust: TrustRow): Promise<void>;
}
