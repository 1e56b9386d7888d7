/** Follows the audit index by asking again. A call is printed once, when it has ended. */
import type { AuditEntryShape } from '../admin/shapes.ts';
import type { AdminClient } from './client.ts';
import type { Io } from './io.ts';
import { warn } from './output.ts';

const POLL_MS = 500;
const PAGE = 1000;

/** Prints the newest `limit` entries and then every new one, until the process is told to stop. */
export async function follow(
  client: AdminClient,
  limit: number,
  print: (entry: AuditEntryShape) => void,
  io: Io,
): Promise<void> {
  const stopped = io.stopped().then(() => true);
  const printed = new Set<string>();
  const newest = await client.call('audit.query', { query: { limit: PAGE } });
  for (const { id } of newest.entries.filter(hasEnded).slice(limit)) printed.add(id);
  let from = printEnded(newest.entries, printed, print, new Date(io.wallMs()).toISOString());
  while (!(await Promise.race([stopped, Bun.sleep(POLL_MS)]))) {
    const { entries } = await client.call('audit.query', { query: { since: from, limit: PAGE } });
    if (entries.length === PAGE)
      warn(io, `more than ${PAGE} entries at once: some are left out; use audit query`);
    from = printEnded(entries, printed, print, from);
    // Only what can come again has to be remembered.
    const again = new Set(entries.map(({ id }) => id));
    for (const id of printed) if (!again.has(id) && printed.size > PAGE) printed.delete(id);
  }
}

/** Prints what has ended and was not printed; returns the time from which to ask again. */
function printEnded(
  newestFirst: readonly AuditEntryShape[],
  printed: Set<string>,
  print: (entry: AuditEntryShape) => void,
  from: string,
): string {
  let oldestOpen: string | undefined;
  for (const entry of newestFirst.toReversed()) {
    if (!hasEnded(entry)) {
      oldestOpen ??= entry.timestamp;
    } else if (!printed.has(entry.id)) {
      printed.add(entry.id);
      print(entry);
    }
  }
  return oldestOpen ?? newestFirst[0]?.timestamp ?? from;
}

function hasEnded(entry: AuditEntryShape): boolean {
  return entry.action !== 'call' || entry.result !== null;
}
