/**
 * What calls cost above what was held for them: of each call, and of each budget's period. Rows from before have 0, which is what their
 * MACs say (a budget without an overrun is authenticated as it was before there was this column).
 */
export const overrunColumns: readonly string[] = [
  'alter table audit_index add column overrun_pico_usd integer not null default 0 check (overrun_pico_usd >= 0)',
  'create index audit_index_overrun on audit_index (at_ms, seq) where overrun_pico_usd > 0',
  'alter table budget_status add column overrun_pico_usd integer not null default 0 check (overrun_pico_usd >= 0)',
];
