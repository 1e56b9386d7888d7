/** The decision about a chat request, with all that follows from it. Asked when the request is read, and again at the turn of a call that waited. */
import type { Token } from '../access/tokens.ts';
import { SallyportError } from '../core/errors.ts';
import type { Edit } from '../core/splice.ts';
import type { ShapedRequest } from '../guard/guard.ts';
import type { Provider } from '../providers/catalog.ts';
import { capEdit, includeUsageEdit } from '../providers/openai-request.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import { selectKey } from './begin-call.ts';
import type { CallContext } from './call-context.ts';
import type { Gate } from './gate.ts';
import { type CallPlan, planCall } from './plan.ts';
import type { Load } from './turns.ts';

export interface DecidedCall {
  readonly plan: CallPlan;
  readonly slot: KeySlot;
  /** What is changed in the request, as byte edits. */
  readonly edits: readonly Edit[];
  /** The usage chunk was asked for by us, not by the caller. */
  readonly dropUsageChunk: boolean;
  /** What the call counts for under limits of rate. */
  readonly load: Load;
}

/** Throws what the decision refuses with, or `upstream.unavailable` without a key. */
export function decideCall(
  gate: Gate,
  context: CallContext,
  token: Token,
  provider: Provider,
  { body, asked }: ShapedRequest,
): DecidedCall {
  const { limits } = gate.teams.get(token.team ?? '');
  const facts = { provider: provider.id, ...asked };
  const planned = planCall(gate.prices, token, limits, facts, gate.clock.wallMs());
  if (!planned.allow) throw new SallyportError(planned.code, planned.message, { fix: planned.fix });
  const { plan } = planned;
  const edits = plan.injectCap === null ? [] : [capEdit(asked, plan.injectCap)];
  const dropUsageChunk = provider.streamUsage === 'on-request' && asked.stream && !asked.includeUsage;
  if (dropUsageChunk) edits.push(includeUsageEdit(body, asked));
  const slot = selectKey(gate, context, token);
  const subjects = gate.ledger.limits.withKey(context.path.limits, slot.name);
  return { plan, slot, edits, dropUsageChunk, load: { subjects, tokens: plan.worstCaseTokens } };
}
