/** Calls as an observer is told of them. */
import type { Token } from '../../src/access/tokens.ts';
import type { CallEnd } from '../../src/audit/entry.ts';
import { CallContext } from '../../src/gateway/call-context.ts';

export function observed(token: Partial<Token> | null): CallContext {
  const context = new CallContext(0, '127.0.0.1');
  context.provider = 'groq';
  context.endpoint = 'chat/completions';
  context.model = 'openai/gpt-oss-20b';
  const base = { id: '0123456789ab', team: 'acme', environment: 'dev', project: null };
  context.token = token && ({ ...base, ...token } as Token);
  return context;
}

export function endOf(change: Partial<CallEnd>): CallEnd {
  return {
    action: 'call.end',
    id: 'req_1',
    result: 'success',
    errorCode: null,
    promptTokens: 10,
    completionTokens: 20,
    cachedTokens: 5,
    costPicoUsd: '1000',
    basis: 'usage',
    overrunPicoUsd: '0',
    charges: [],
    latencyMs: 100,
    recovered: false,
    ...change,
  };
}
