/** Rows of the audit index and its neighbours, between the port's shape and the tables'. */
import type { Insertable, Selectable } from 'kysely';
import type { BudgetStatusRow, IndexRow, PseudonymRow } from '../audit/store.ts';
import { picoUsd } from '../core/money.ts';
import type { AuditIndexTable, BudgetStatusTable, PseudonymsTable } from './schema.ts';
import { duration, toNumber, whole } from './values.ts';

/** Throws `input.invalid` for an amount outside 0..2^63-1 or a count that is not whole. */
export function toIndexTable(row: IndexRow): Insertable<AuditIndexTable> {
  return {
    id: row.id,
    stream: row.stream,
    seq: whole(row.seq),
    at_ms: whole(row.atMs),
    action: row.action,
    principal: row.principal,
    user_id: row.userId,
    team: row.team,
    project: row.project,
    environment: row.environment,
    token_id: row.tokenId,
    resource: row.resource,
    provider: row.provider,
    model: row.model,
    key_id: row.keyId,
    address: row.address,
    prompt_tokens: whole(row.promptTokens),
    completion_tokens: whole(row.completionTokens),
    cached_tokens: whole(row.cachedTokens),
    cost_pico_usd: picoUsd(row.costPicoUsd),
    bound_pico_usd: picoUsd(row.boundPicoUsd),
    overrun_pico_usd: picoUsd(row.overrunPicoUsd),
    basis: row.basis,
    latency_ms: row.latencyMs === null ? null : duration(row.latencyMs),
    result: row.result,
    error_code: row.errorCode,
    charges: row.charges,
    metadata: row.metadata,
  };
}

/** The values of `toIndexTable` in its order, without the object: there is a row for every call. */
export function bindIndexRow(row: IndexRow, into: unknown[]): void {
  into.push(
    row.id,
    row.stream,
    whole(row.seq),
    whole(row.atMs),
    row.action,
    row.principal,
    row.userId,
    row.team,
    row.project,
    row.environment,
    row.tokenId,
    row.resource,
    row.provider,
    row.model,
    row.keyId,
    row.address,
    whole(row.promptTokens),
    whole(row.completionTokens),
    whole(row.cachedTokens),
    picoUsd(row.costPicoUsd),
    picoUsd(row.boundPicoUsd),
    picoUsd(row.overrunPicoUsd),
    row.basis,
    row.latencyMs === null ? null : duration(row.latencyMs),
    row.result,
    row.errorCode,
    row.charges,
    row.metadata,
  );
}

export function fromIndexTable(row: Selectable<AuditIndexTable>): IndexRow {
  return {
    id: row.id,
    stream: row.stream,
    seq: toNumber(row.seq),
    atMs: toNumber(row.at_ms),
    action: row.action,
    principal: row.principal,
    userId: row.user_id,
    team: row.team,
    project: row.project,
    environment: row.environment,
    tokenId: row.token_id,
    resource: row.resource,
    provider: row.provider,
    model: row.model,
    keyId: row.key_id,
    address: row.address,
    promptTokens: toNumber(row.prompt_tokens),
    completionTokens: toNumber(row.completion_tokens),
    cachedTokens: toNumber(row.cached_tokens),
    costPicoUsd: row.cost_pico_usd,
    boundPicoUsd: row.bound_pico_usd,
    overrunPicoUsd: row.overrun_pico_usd,
    basis: row.basis,
    latencyMs: row.latency_ms,
    result: row.result,
    errorCode: row.error_code,
    charges: row.charges,
    metadata: row.metadata,
  };
}

export function toStatusTable(row: BudgetStatusRow): Insertable<BudgetStatusTable> {
  return {
    budget: row.budget,
    period: row.period,
    spent_pico_usd: picoUsd(row.spentPicoUsd),
    overrun_pico_usd: picoUsd(row.overrunPicoUsd),
    alerted_percent: whole(row.alertedPercent),
    exhausted: row.exhausted ? 1 : 0,
    paused: row.paused ? 1 : 0,
    mac: row.mac,
  };
}

export function fromStatusTable(row: Selectable<BudgetStatusTable>): BudgetStatusRow {
  return {
    budget: row.budget,
    period: row.period,
    spentPicoUsd: row.spent_pico_usd,
    overrunPicoUsd: row.overrun_pico_usd,
    alertedPercent: toNumber(row.alerted_percent),
    exhausted: row.exhausted === 1n,
    paused: row.paused === 1n,
    mac: row.mac,
  };
}

export function toPseudonymTable(row: PseudonymRow): Insertable<PseudonymsTable> {
  return { commitment: row.commitment, kind: row.kind, value: row.value, salt: row.salt };
}
