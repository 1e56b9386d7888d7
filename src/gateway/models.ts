/** The model list: the provider's own, reduced to what the token may call. Asked, limited and recorded like any other call. */
import { allows } from '../access/scope.ts';
import type { Token } from '../access/tokens.ts';
import { SallyportError } from '../core/errors.ts';
import type { Provider } from '../providers/catalog.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import { answerTo } from './answer.ts';
import { beginCall, onDisk, selectKey } from './begin-call.ts';
import type { CallContext } from './call-context.ts';
import type { Connection, Gate } from './gate.ts';
import { planCall } from './plan.ts';
import { jsonReply } from './reply.ts';
import { sendCall } from './send-call.ts';
import { enterNow, waitForTurn } from './take-turn.ts';
import type { Load } from './turns.ts';
import { watchClient } from './watch-client.ts';

/** Answers `GET models` and, with `modelId`, `GET models/{id}`. */
export async function listModels(
  gate: Gate,
  context: CallContext,
  token: Token,
  provider: Provider,
  modelId: string | null,
  request: Request,
  connection: Connection,
): Promise<Response> {
  const may = (model: string): boolean => mayCall(gate, token, provider, model);
  context.model = modelId;
  // One error for what does not exist and what may not be called: the list is not a way around the scopes.
  if (modelId !== null && !may(modelId)) throw unknownModel(modelId);
  const decide = (): { slot: KeySlot; load: Load } => {
    const slot = selectKey(gate, context, token);
    return {
      slot,
      load: { subjects: gate.ledger.limits.withKey(context.path.limits, slot.name), tokens: 0 },
    };
  };
  let decided = decide();
  if (!enterNow(gate, context, token, decided.load))
    decided = await waitForTurn(gate, context, request, connection, token, decided, decide);
  const { slot } = decided;
  const begun = beginCall(gate, context, connection, { token, slot, plan: null, metadata: {} });
  if (gate.strict) await onDisk(begun);
  const stopWatching = watchClient(request, begun.call, { kind: 'free' });
  const endpoint = modelId === null ? 'models' : `models/${encodeURIComponent(modelId)}`;
  const reply = await sendCall(gate, context, begun.call, slot, {
    provider,
    method: 'GET',
    endpoint,
    headers: request.headers,
    body: null,
  });
  const answer = await answerTo(gate, context, begun, slot, reply, { stream: false, dropUsageChunk: false });
  stopWatching();
  if (modelId !== null || answer.status !== 200) return answer;
  const list = readList(await answer.text());
  const allowed = list.data.filter((item) => {
    const id = (item as { id?: unknown } | null)?.id;
    return typeof id === 'string' && may(id);
  });
  return jsonReply(200, { ...list, data: allowed }, Object.fromEntries(answer.headers));
}

/** Throws `upstream.bad_reply` for what is no list: it could not be reduced to what the token may see. */
function readList(text: string): { readonly data: readonly unknown[] } {
  try {
    const list = JSON.parse(text) as { data?: unknown } | null;
    if (list !== null && Array.isArray(list.data)) return { ...list, data: list.data as unknown[] };
  } catch {
    // Not JSON at all.
  }
  throw new SallyportError(
    'upstream.bad_reply',
    'The provider answered with something that is no model list.',
  );
}

/** Who may read models sees those that the team may call, and calls none of them. */
function mayCall(gate: Gate, token: Token, provider: Provider, model: string): boolean {
  const reads = allows(token.scopes, 'read:models');
  const rights = reads ? { scopes: ['call:*'], bounds: token.bounds } : token;
  const facts = { provider: provider.id, model, outputCap: null, choices: 1, features: [], promptTokens: 0 };
  return planCall(gate.prices, rights, gate.teams.get(token.team ?? '').limits, facts, gate.clock.wallMs())
    .allow;
}

function unknownModel(model: string): SallyportError {
  return new SallyportError(
    'model.unknown',
    `There is no model ${model.slice(0, 100)} that this token may use.`,
    {
      fix: 'GET /models lists them.',
    },
  );
}
