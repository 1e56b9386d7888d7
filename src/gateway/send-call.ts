/** Sends a begun call with the leased key, and settles it when no answer comes. */
import { failpoint } from '../core/failpoint.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import type { CallContext } from './call-context.ts';
import type { Gate } from './gate.ts';
import type { HttpReply } from './http1/exchange.ts';
import type { OpenCall } from './open-call.ts';
import { sendFailure, type UpstreamRequest } from './upstream.ts';

type Sendable = Pick<UpstreamRequest, 'provider' | 'method' | 'endpoint' | 'headers' | 'body'>;

/** Resolves with the provider's status and headers. Rejects with the error to answer; the call is settled then. */
export async function sendCall(
  gate: Gate,
  context: CallContext,
  call: OpenCall,
  slot: KeySlot,
  request: Sendable,
): Promise<HttpReply> {
  const { abort } = call;
  // INVARIANT: the key is in the header before the lease ends; only the answer is awaited outside it.
  const answer = gate.vault.lease(`token:${call.tokenId}`, slot, (key) =>
    gate.upstream.send({ ...request, origin: slot.origin, callId: context.id, abort }, key),
  );
  failpoint('after-send');
  try {
    const reply = await answer;
    call.enter('provider');
    return reply;
  } catch (thrown) {
    const { sent, error } = sendFailure(abort.aborted ? abort.reason : thrown);
    call.end(sent ? { kind: 'unknown' } : { kind: 'free' }, error.code);
    throw error;
  }
}
