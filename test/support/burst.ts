/** Many calls at once, and what one of them may cost. */
import { MODEL, type OpenGate } from './harness.ts';
import { priceOf, worstCase } from '../../src/ledger/price.ts';

export const BUDGET_SUBJECT = 'team:acme';

function bodyOf(cap: number): string {
  return JSON.stringify({
    model: MODEL,
    messages: [{ role: 'user', content: 'hi' }],
    max_completion_tokens: cap,
  });
}

/** What the gateway holds for one call of `callsAt`: the bytes of the body bound its prompt. */
export function worstCaseOf(cap: number): bigint {
  const price = priceOf('groq', MODEL, Date.now());
  if (!price) throw new Error(`no price for ${MODEL}`);
  return worstCase(price, { promptTokens: Buffer.byteLength(bodyOf(cap)) + 16 + 64, completionTokens: cap });
}

/** The statuses of `count` calls that start together. */
export function callsAt(gate: OpenGate, count: number, cap: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const reply = await gate.chat({}, { body: bodyOf(cap) });
      await reply.arrayBuffer();
      return reply.status;
    }),
  );
}
