/** Asks a provider whether it takes a key: one GET of the model list, with the leased key, on record as a key event. */
import { SallyportError } from '../core/errors.ts';
import { findProvider } from '../providers/catalog.ts';
import { newCallId } from '../core/ids.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import type { ProbeAnswer } from '../vault/verify.ts';
import type { Vault } from '../vault/vault.ts';
import type { Upstream } from './upstream.ts';

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Rejects when the provider gives no answer within 15 seconds. */
export async function probeKey(
  vault: Vault,
  upstream: Upstream,
  principal: string,
  slot: KeySlot,
): Promise<ProbeAnswer> {
  const provider = findProvider(slot.provider);
  if (!provider) {
    throw new SallyportError('input.invalid', `There is no provider "${slot.provider}".`, {
      fix: 'Add the key with --provider groq or openai.',
    });
  }
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await vault.lease(principal, slot, (key) =>
    upstream.send(
      {
        provider,
        origin: slot.origin,
        method: 'GET',
        endpoint: 'models',
        headers: new Headers(),
        body: null,
        callId: newCallId(),
        signal,
      },
      key,
    ),
  );
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body ?? []) {
    size += part.length;
    if (size > MAX_BYTES) break;
    parts.push(part);
  }
  return { status: answer.status, body: parseBody(Buffer.concat(parts).toString('utf8')) };
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
