/**
 * Calls that a dead process left open. Each is charged before anything listens: the bound that its last progress entry stated, else its
 * whole hold, because what the provider did meanwhile cannot be known.
 */
import { failpoint } from '../core/failpoint.ts';
import type { Charge } from './entry.ts';
import type { Indexer } from './indexer.ts';
import type { Journal } from './journal.ts';

/** Writes the missing ends into the journal of this process. Returns how many calls were charged. */
export async function closeOpenCalls(indexer: Indexer, journal: Journal): Promise<number> {
  const open = indexer.openCalls();
  for (const row of open) {
    const position = journal.append({
      action: 'call.end',
      id: row.id,
      result: 'error',
      errorCode: 'gateway.died',
      promptTokens: 0,
      completionTokens: row.completionTokens,
      cachedTokens: 0,
      costPicoUsd: row.boundPicoUsd.toString(),
      basis: row.completionTokens > 0 ? 'delivered' : 'hold',
      overrunPicoUsd: '0',
      charges: JSON.parse(row.charges) as Charge[],
      latencyMs: 0,
      recovered: true,
    });
    failpoint('in-recovery');
    await (row === open.at(-1) ? journal.durable(position) : undefined);
  }
  await indexer.flush();
  return open.length;
}
