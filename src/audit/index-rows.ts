/** How a journal entry becomes a row of the audit index. Pure: the same entries give the same rows, live and in replay. */
import type { AppEntry, CallEnd, CallStart, CallSubject, Entry, EntryBody, Position } from './entry.ts';
import type { IndexRow } from './store.ts';

const NO_CALL = {
  principal: null,
  userId: null,
  team: null,
  project: null,
  environment: null,
  tokenId: null,
  resource: null,
  provider: null,
  model: null,
  keyId: null,
  address: null,
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  costPicoUsd: 0n,
  boundPicoUsd: 0n,
  overrunPicoUsd: 0n,
  basis: null,
  latencyMs: null,
  result: null,
  errorCode: null,
  charges: '[]',
  metadata: '{}',
} as const;

/** The row of an opened call. Written out, as the next one is: spreading objects costs more than all else of a row. */
export function startRow(entry: Entry & CallStart, position: Position): IndexRow {
  return {
    id: entry.id,
    stream: position.stream,
    seq: entry.seq,
    atMs: Date.parse(entry.at),
    action: 'call',
    principal: entry.principal,
    userId: entry.userId,
    team: entry.team,
    project: entry.project,
    environment: entry.environment,
    tokenId: entry.tokenId,
    resource: entry.resource,
    provider: entry.provider,
    model: entry.model,
    keyId: entry.keyId,
    address: entry.address,
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    costPicoUsd: 0n,
    boundPicoUsd: BigInt(entry.holdPicoUsd),
    overrunPicoUsd: 0n,
    basis: null,
    latencyMs: null,
    result: null,
    errorCode: null,
    charges: JSON.stringify(entry.charges),
    metadata: JSON.stringify(entry.metadata),
  };
}

/** The same row with what the call turned out to be. */
export function endRow(open: IndexRow, entry: CallEnd): IndexRow {
  return {
    id: open.id,
    stream: open.stream,
    seq: open.seq,
    atMs: open.atMs,
    action: open.action,
    principal: open.principal,
    userId: open.userId,
    team: open.team,
    project: open.project,
    environment: open.environment,
    tokenId: open.tokenId,
    resource: open.resource,
    provider: open.provider,
    model: open.model,
    keyId: open.keyId,
    address: open.address,
    promptTokens: entry.promptTokens,
    completionTokens: entry.completionTokens,
    cachedTokens: entry.cachedTokens,
    costPicoUsd: BigInt(entry.costPicoUsd),
    boundPicoUsd: open.boundPicoUsd,
    overrunPicoUsd: BigInt(entry.overrunPicoUsd),
    basis: entry.basis,
    latencyMs: entry.latencyMs,
    result: entry.result,
    errorCode: entry.errorCode,
    charges: open.charges,
    metadata: open.metadata,
  };
}

/** The row of every entry that is not part of a call's life. */
export function otherRow(entry: Entry, position: Position): IndexRow {
  const base = {
    ...NO_CALL,
    id: `${position.stream}#${entry.seq}`,
    stream: position.stream,
    seq: entry.seq,
    atMs: Date.parse(entry.at),
    action: entry.action,
  };
  if (entry.action === 'call.refused') {
    const { id, errorCode, count } = entry;
    const metadata = count === undefined ? '{}' : JSON.stringify({ count });
    return { ...base, ...subjectOf(entry), id, result: 'error', errorCode, metadata };
  }
  if (entry.action === 'app.entry') return { ...base, ...appFields(entry) };
  const errorCode = 'errorCode' in entry ? entry.errorCode : null;
  return {
    ...base,
    principal: 'principal' in entry ? entry.principal : null,
    tokenId: 'tokenId' in entry ? entry.tokenId : null,
    keyId: 'keyId' in entry ? entry.keyId : null,
    address: 'address' in entry ? entry.address : null,
    errorCode,
    metadata: JSON.stringify(metadataOf(entry)),
  };
}

function appFields(entry: AppEntry): Partial<IndexRow> {
  return {
    action: `app.${entry.event}`,
    principal: entry.principal,
    userId: entry.userId,
    team: entry.team,
    project: entry.project,
    environment: entry.environment,
    resource: entry.resource,
    provider: entry.provider,
    model: entry.model,
    promptTokens: entry.promptTokens,
    completionTokens: entry.completionTokens,
    costPicoUsd: BigInt(entry.costPicoUsd),
    latencyMs: entry.latencyMs,
    result: entry.result,
    errorCode: entry.errorCode,
    metadata: JSON.stringify(entry.metadata),
  };
}

function subjectOf(entry: CallSubject): CallSubject {
  const { principal, userId, team, project, environment, tokenId, resource, provider, model, address } =
    entry;
  return { principal, userId, team, project, environment, tokenId, resource, provider, model, address };
}

const COLUMNS: ReadonlySet<string> = new Set(['action', 'seq', 'at', 'principal', 'keyId']);

/** All fields but those that have a column. */
function detailsOf(entry: EntryBody): object {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !COLUMNS.has(name)));
}

function metadataOf(entry: EntryBody): object {
  switch (entry.action) {
    case 'journal.open':
      return { version: entry.version, tornBytes: entry.tornBytes };
    case 'journal.close':
      return { reason: entry.reason };
    case 'auth.refused':
      return { count: entry.count };
    case 'budget.alert':
    case 'budget.exhausted':
    case 'budget.paused':
    case 'budget.resumed':
    case 'budget.adjusted':
    case 'budget.overrun':
    case 'budget.opened': {
      const { budget, period, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd, deltaPicoUsd, reason } =
        entry;
      const event = {
        budget,
        period,
        percent,
        spentPicoUsd,
        heldPicoUsd,
        limitPicoUsd,
        deltaPicoUsd,
        reason,
      };
      const { overrunPicoUsd } = entry;
      return overrunPicoUsd === undefined ? event : { ...event, overrunPicoUsd };
    }
    case 'clock.jumped':
    case 'clock.resumed':
      return { jumpMs: entry.jumpMs, stoppedAt: entry.stoppedAt };
    case 'prices.loaded':
      return { file: entry.file, sha256: entry.sha256, rows: entry.rows };
    case 'key.rejected':
    case 'key.verified':
      return { provider: entry.provider, status: entry.status };
    case 'auth.burst':
    case 'key.age':
    case 'disk.low':
    case 'disk.recovered':
    case 'alert.tested':
    case 'alert.undelivered':
    case 'leak.lookup':
      return detailsOf(entry);
    case 'recovery.kit':
    case 'recovery.drill':
    case 'recovery.drill_failed':
    case 'recovery.backup_begun':
    case 'recovery.backup':
    case 'recovery.restored':
      return { rootFingerprint: entry.rootFingerprint, ...entry.details };
    case 'call.start':
    case 'call.progress':
    case 'call.end':
    case 'call.refused':
    case 'app.entry':
      return {};
    default:
      return { records: entry.records.map(({ kind, id, revision }) => ({ kind, id, revision })) };
  }
}
