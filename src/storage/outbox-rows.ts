/** Rows of the alert outbox, between the port's shape and the table's. */
import type { Insertable, Selectable } from 'kysely';
import type { OutboxRow } from '../audit/store.ts';
import type { OutboxItem } from '../watch/store.ts';
import { BulkWrite } from './bulk-write.ts';
import type { AlertOutboxTable } from './schema.ts';
import { toNumber, whole } from './values.ts';

export function insertOutbox(): BulkWrite<Insertable<AlertOutboxTable>> {
  return new BulkWrite((tx, rows) => tx.insertInto('alert_outbox').values(rows).compile());
}

/** A new row waits from the time of its event on. */
export function toOutboxTable(row: OutboxRow): Insertable<AlertOutboxTable> {
  return {
    alert: row.alert,
    destination: row.destination,
    type: row.type,
    at_ms: whole(row.atMs),
    fold: row.fold,
    payload: row.payload,
    mac: row.mac,
    state: 'pending',
    attempts: 0,
    next_at_ms: whole(row.atMs),
    error: null,
    settled_at_ms: null,
  };
}

export function fromOutboxTable(row: Selectable<AlertOutboxTable>): OutboxItem {
  return {
    alert: row.alert,
    destination: row.destination,
    type: row.type,
    atMs: toNumber(row.at_ms),
    fold: row.fold,
    payload: row.payload,
    mac: row.mac,
    state: row.state,
    attempts: toNumber(row.attempts),
    nextAtMs: toNumber(row.next_at_ms),
    error: row.error,
    settledAtMs: row.settled_at_ms === null ? null : toNumber(row.settled_at_ms),
  };
}
