/** How a call comes to its place under its limits: at once, or by waiting. The place is given back by the context's undo stack. */
import type { Token } from '../access/tokens.ts';
import type { Admission } from '../ledger/limits.ts';
import type { CallContext } from './call-context.ts';
import type { Connection, Gate } from './gate.ts';
import type { Load } from './turns.ts';

/** False for a call that has to wait. Throws the limit's refusal for one that may not. */
export function enterNow(gate: Gate, context: CallContext, token: Token, load: Load): boolean {
  const admission = gate.turns.enter(token.id, token.team ?? '', load);
  if (!admission) return false;
  keep(context, admission);
  return true;
}

/**
 * Waits for the call's turn. At the turn `decideAgain` says what holds then: what it returns last is in force. Rejects when the wait ended
 * otherwise.
 */
export async function waitForTurn<D extends { readonly load: Load }>(
  gate: Gate,
  context: CallContext,
  request: Request,
  connection: Connection,
  token: Token,
  before: D,
  decideAgain: (token: Token) => D,
): Promise<D> {
  const { clock, turns, tokens } = gate;
  const startMs = clock.monotonicMs();
  let decided = before;
  // The runtime would cut a connection that is not answered for so long.
  connection.suspendTimeout();
  context.undo.defer(connection.restoreTimeout);
  const caller = {
    tokenId: token.id,
    team: token.team ?? '',
    arrivedMs: context.arrivedMs,
    patienceMs: patienceOf(request.headers),
    signal: request.signal,
    decideAgain: () => {
      decided = decideAgain(tokens.stillValid(token.id));
      return decided.load;
    },
  };
  try {
    keep(context, await turns.wait(caller, before.load));
  } finally {
    context.waitedMs = Math.round(clock.monotonicMs() - startMs);
  }
  return decided;
}

function keep(context: CallContext, admission: Admission): void {
  context.admission = admission;
  context.undo.defer(() => admission.release());
}

/** How long the client's SDK waits for an answer: longer than that nobody is there to take it. */
function patienceOf(headers: Headers): number | null {
  const seconds = Number(headers.get('x-stainless-timeout') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null;
}
