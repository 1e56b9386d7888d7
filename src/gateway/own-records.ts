/**
 * What a token may read about itself, or about the token it reads for: what was used in the last 24 hours, and its newest entries. Asked of
 * the audit index, never of the hot path, and in a small share of the process's time, so that no reader slows calls down.
 */
import { allows } from '../access/scope.ts';
import type { Token } from '../access/tokens.ts';
import type { Indexer } from '../audit/indexer.ts';
import type { IndexRow, IndexStore } from '../audit/store.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { formatUsd } from '../core/money.ts';
import type { CallContext } from './call-context.ts';
import type { Gate } from './gate.ts';
import { jsonReply } from './reply.ts';

export type RecordsKind = 'usage' | 'audit';

const WINDOW_MS = 86_400_000;
const MAX_ENTRIES = 100;
/** After a query, this many times as long belongs to others. */
const REST = 4;

export interface OwnRecordsDeps {
  readonly clock: Clock;
  readonly index: Pick<IndexStore, 'query' | 'usage'>;
  readonly indexer: Pick<Indexer, 'flush'>;
}

export class OwnRecords {
  readonly #deps: OwnRecordsDeps;
  #busy = false;
  #restUntilMs = 0;

  constructor(deps: OwnRecordsDeps) {
    this.#deps = deps;
  }

  /** Throws `limit.rate` when others have just read. */
  async read(kind: RecordsKind, tokenId: string): Promise<object> {
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    if (this.#busy || startMs < this.#restUntilMs) {
      throw new SallyportError('limit.rate', 'Usage and entries were read a moment ago.', {
        fix: 'Ask again in a second.',
        retryable: true,
        retryAfterSeconds: 1,
      });
    }
    this.#busy = true;
    try {
      await this.#deps.indexer.flush();
      return kind === 'usage' ? await this.#usage(tokenId) : await this.#entries(tokenId);
    } finally {
      this.#busy = false;
      const nowMs = clock.monotonicMs();
      this.#restUntilMs = nowMs + REST * (nowMs - startMs);
    }
  }

  async #usage(tokenId: string): Promise<object> {
    const untilMs = this.#deps.clock.wallMs() + 1;
    const sinceMs = untilMs - WINDOW_MS;
    const rows = await this.#deps.index.usage('model', sinceMs, untilMs, { tokenId });
    return {
      token: tokenId,
      since: new Date(sinceMs).toISOString(),
      models: rows.map(({ group, calls, errors, promptTokens, completionTokens, costPicoUsd }) => ({
        model: group,
        calls,
        errors,
        promptTokens: Number(promptTokens),
        completionTokens: Number(completionTokens),
        costUsd: formatUsd(costPicoUsd),
      })),
    };
  }

  async #entries(tokenId: string): Promise<object> {
    const sinceMs = this.#deps.clock.wallMs() - WINDOW_MS;
    const rows = await this.#deps.index.query({ tokenId, sinceMs, limit: MAX_ENTRIES });
    return { token: tokenId, entries: rows.map(entryShape) };
  }
}

/** Throws `access.feature` without the scope. */
export async function ownRecords(
  gate: Gate,
  context: CallContext,
  token: Token,
  kind: RecordsKind,
): Promise<Response> {
  context.endpoint = kind;
  if (!allows(token.scopes, `read:${kind}`)) {
    throw new SallyportError('access.feature', `This token's scopes do not allow reading ${kind}.`, {
      fix: `Ask for a token with the scope read:${kind}.`,
    });
  }
  return jsonReply(200, await gate.own.read(kind, token.readsFor ?? token.id), context.headers);
}

/** Without addresses and end users: who reads how an app does need not learn about its users. */
function entryShape(row: IndexRow): object {
  const { id, action, provider, model, promptTokens, completionTokens, cachedTokens, result, errorCode } =
    row;
  return {
    id,
    timestamp: new Date(row.atMs).toISOString(),
    action,
    provider,
    model,
    promptTokens,
    completionTokens,
    cachedTokens,
    costUsd: formatUsd(row.costPicoUsd),
    latencyMs: row.latencyMs,
    result,
    errorCode,
    metadata: JSON.parse(row.metadata) as unknown,
  };
}
