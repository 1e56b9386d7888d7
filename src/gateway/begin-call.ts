/** The steps that every call to a provider takes before anything is sent, once it has its turn: money, record. */
import type { Token } from '../access/tokens.ts';
import { asSallyportError, SallyportError } from '../core/errors.ts';
import { ZERO_USD } from '../core/money.ts';
import { versionId, type KeySlot } from '../vault/provider-keys.ts';
import type { CallContext } from './call-context.ts';
import type { Connection, Gate } from './gate.ts';
import { OpenCall } from './open-call.ts';
import type { CallPlan } from './plan.ts';

/** How long a hold outlives its last renewal: several ticks of the live calls, even of a loop that was blocked. */
const HOLD_TTL_MS = 120_000;

export interface NewCall {
  readonly token: Token;
  readonly slot: KeySlot;
  /** Null for a call that costs nothing. */
  readonly plan: CallPlan | null;
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
}

export interface BegunCall {
  readonly call: OpenCall;
  /** Resolves when the start entry survives a power cut: no byte of an answer leaves before, and where `strict`, nothing is sent. */
  readonly durable: Promise<void>;
}

/** The key that pays for the call. Throws `upstream.unavailable` when the token's team and environment have none. */
export function selectKey(gate: Gate, context: CallContext, token: Token): KeySlot {
  const slot = gate.vault.select({
    provider: context.provider,
    team: token.team ?? '',
    environment: token.environment,
  });
  if (slot) return slot;
  throw new SallyportError(
    'upstream.unavailable',
    `No ${context.provider} key is set up for this token's team and environment.`,
    {
      detail: `team ${token.team ?? '-'}, environment ${token.environment}`,
      fix: `An operator can add one: sallyport key add NAME --provider ${context.provider}`,
    },
  );
}

/**
 * Reserves the worst case of a call that has its place under the limits (take-turn.ts), and writes the start entry. Throws `token.invalid`,
 * `budget.exceeded` or `audit.unavailable`; the caller then unwinds `context.undo`, which gives back what was taken.
 */
export function beginCall(
  gate: Gate,
  context: CallContext,
  connection: Connection,
  made: NewCall,
): BegunCall {
  const { token, slot, plan, metadata } = made;
  const { undo, path, admission } = context;
  if (!admission) throw new TypeError('A call begins without a place under its limits.');
  // The body may have taken its time to come: what was revoked meanwhile is not let through.
  gate.tokens.stillValid(token.id);
  gate.indexer.checkCapacity();
  // A call that costs nothing has no hold on any budget.
  const reservation = gate.ledger.reserve(
    plan ? path.budgets : [],
    context.id,
    plan?.worstCasePicoUsd ?? ZERO_USD,
    HOLD_TTL_MS,
  );
  undo.defer(() => reservation.release());
  const start = gate.journal.append({
    action: 'call.start',
    id: context.id,
    ...context.subject(token, gate.pseudonyms),
    keyId: versionId(slot.name, slot.activeVersion),
    holdPicoUsd: reservation.amountPicoUsd.toString(),
    charges: reservation.charges,
    metadata,
  });
  admission.started();
  context.setReceipt(start);
  const durable = gate.journal.durable(start);
  // Whoever answers awaits it; a call that ends before must not leave a rejection behind.
  durable.catch(() => undefined);
  const call = new OpenCall(
    {
      clock: gate.clock,
      record: (entry) => {
        gate.late.record(entry);
        gate.observer.ended(context, entry, plan && plan.price.model);
      },
    },
    {
      id: context.id,
      tokenId: token.id,
      price: plan?.price ?? null,
      reservation,
      admission,
      promptBound: plan?.promptBound ?? 0,
      outputBound: plan ? plan.worstCaseTokens - plan.promptBound : 0,
      choices: plan?.choices ?? 1,
      arrivedMs: context.arrivedMs,
      undo,
    },
  );
  context.call = call;
  connection.suspendTimeout();
  undo.defer(connection.restoreTimeout);
  undo.defer(gate.live.add(call));
  return { call, durable };
}

/**
 * Resolves when the call may be sent, where it has to be on disk before. Throws `audit.unavailable`, or what has aborted the call
 * meanwhile; nothing was sent then.
 */
export async function onDisk({ call, durable }: BegunCall): Promise<void> {
  await durable;
  if (call.abort.aborted) throw asSallyportError(call.abort.reason);
}
