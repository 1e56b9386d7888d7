/** Asks a provider whether it takes a key: one GET of the model list, with the leased key, on record as a key event. */
import { Abort } from '../core/abort.ts';
import { SallyportError } from '../core/errors.ts';
import { findProvider } from '../providers/catalog.ts';
import { newCallId } from '../core/ids.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import type { ProbeAnswer } from '../vault/verify.ts';
import type { Vault } from '../vault/vault.ts';
import { decodedBody } from './http1/decode.ts';
import type { HttpReply } from './http1/exchange.ts';
import type { Upstream } from './upstream.ts';

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 4 * 1024 * 1024;
const NO_HEADERS = { get: () => null };

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
  const abort = new Abort();
  const timer = setTimeout(() => abort.abort(new Error('no answer in time')), TIMEOUT_MS);
  try {
    const answer = await vault.lease(principal, slot, (key) =>
      upstream.send(
        {
          provider,
          origin: slot.origin,
          method: 'GET',
          endpoint: 'models',
          headers: NO_HEADERS,
          body: null,
          callId: newCallId(),
          abort,
        },
        key,
      ),
    );
    return { status: answer.status, body: parseBody((await readSome(answer)).toString('utf8')) };
  } finally {
    clearTimeout(timer);
  }
}

/** The body, or as much of it as is of interest. */
async function readSome({ headers, body }: HttpReply): Promise<Buffer> {
  const clear = decodedBody(body, headers.get('content-encoding')) ?? body;
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let part = await clear.read(); part !== null; part = await clear.read()) {
    size += part.length;
    if (size > MAX_BYTES) {
      clear.cancel();
      break;
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
