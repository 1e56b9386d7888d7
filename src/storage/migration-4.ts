/** Alerts that are to be sent, one row for each destination, and those that were, so that none is sent twice. */
export const alertOutbox: readonly string[] = [
  `create table alert_outbox (
    alert text not null,
    destination text not null,
    type text not null,
    at_ms integer not null check (at_ms between 0 and 9007199254740991),
    fold text,
    payload text not null,
    mac blob not null,
    state text not null check (state in ('pending', 'delivered', 'dead')),
    attempts integer not null check (attempts between 0 and 9007199254740991),
    next_at_ms integer not null check (next_at_ms between 0 and 9007199254740991),
    error text,
    settled_at_ms integer check (settled_at_ms between 0 and 9007199254740991),
    primary key (alert, destination)
  ) strict`,
  'create index alert_outbox_at on alert_outbox (at_ms)',
];
