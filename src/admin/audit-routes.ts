/** The audit index, with what is not yet in it. Addresses and end users appear in clear while their clear value exists. */
import type { IndexFilter, IndexRow } from '../audit/store.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteInput } from './contract.ts';
import { defined } from './defined.ts';
import type { AuditEntryShape } from './shapes.ts';

type Deps = Pick<AdminDeps, 'index' | 'indexer'>;

const DEFAULT_LIMIT = 100;

export function auditRoutes(deps: Deps): Handlers<'audit.query'> {
  return {
    'audit.query': async ({ query }) => {
      await deps.indexer.flush();
      const rows = await deps.index.query(filterOf(query));
      const clear = await clearValues(deps, rows);
      return { entries: rows.map((row) => entryShape(row, clear)) };
    },
  };
}

function filterOf(query: RouteInput<'audit.query'>['query']): IndexFilter {
  const { token, call, since, until, limit, overrun, ...same } = query;
  const renamed = {
    ...same,
    tokenId: token,
    callId: call,
    overrun: overrun === undefined ? undefined : (true as const),
    sinceMs: since === undefined ? undefined : Date.parse(since),
    untilMs: until === undefined ? undefined : Date.parse(until),
  };
  return { ...defined(renamed), limit: limit ?? DEFAULT_LIMIT };
}

async function clearValues(deps: Deps, rows: readonly IndexRow[]): Promise<ReadonlyMap<string, string>> {
  const commitments = rows.flatMap(({ userId, address }) => [userId, address]).filter((one) => one !== null);
  const found = await deps.index.pseudonyms(commitments);
  return new Map(found.map(({ commitment, value }) => [commitment, value]));
}

function entryShape(row: IndexRow, clear: ReadonlyMap<string, string>): AuditEntryShape {
  const { atMs, charges: _, metadata, costPicoUsd, boundPicoUsd, overrunPicoUsd, ...same } = row;
  const inClear = (commitment: string | null): string | null =>
    commitment === null ? null : (clear.get(commitment) ?? commitment);
  return {
    ...same,
    timestamp: new Date(atMs).toISOString(),
    userId: inClear(row.userId),
    address: inClear(row.address),
    costPicoUsd: costPicoUsd.toString(),
    boundPicoUsd: boundPicoUsd.toString(),
    overrunPicoUsd: overrunPicoUsd.toString(),
    metadata: JSON.parse(metadata) as Record<string, unknown>,
  };
}
