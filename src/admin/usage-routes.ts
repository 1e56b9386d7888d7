/** Sums over the audit index. */
import type { AdminDeps, Handlers } from './admin.ts';

const DEFAULT_WINDOW_MS = 30 * 86_400_000;

export function usageRoutes(deps: Pick<AdminDeps, 'index' | 'indexer' | 'clock'>): Handlers<'usage.query'> {
  return {
    'usage.query': async ({ query }) => {
      await deps.indexer.flush();
      // The end is not part of the window, and what starts in this millisecond is.
      const untilMs = query.until === undefined ? deps.clock.wallMs() + 1 : Date.parse(query.until);
      const sinceMs = query.since === undefined ? untilMs - DEFAULT_WINDOW_MS : Date.parse(query.since);
      const rows = await deps.index.usage(query.by, sinceMs, untilMs);
      return {
        by: query.by,
        since: new Date(sinceMs).toISOString(),
        until: new Date(untilMs).toISOString(),
        rows: rows.map(({ group, calls, errors, promptTokens, completionTokens, costPicoUsd }) => ({
          group,
          calls,
          errors,
          promptTokens: Number(promptTokens),
          completionTokens: Number(completionTokens),
          costPicoUsd: costPicoUsd.toString(),
        })),
      };
    },
  };
}
