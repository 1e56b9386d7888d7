/**
 * What people saw in a provider's console: the spend limit of the account that a key belongs to, with the day they looked. No provider of
 * ours tells it to a program, so all that can be known is who said so, and when.
 */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { NAME_SHAPE } from '../core/names.ts';
import type { RecordBook } from '../records/records.ts';

const schema = z.strictObject({
  /** Name of the key's slot. */
  slot: z.string().regex(NAME_SHAPE),
  /** A month. */
  limitPicoUsd: z.string().regex(/^[1-9]\d{0,18}$/),
  attestedOn: z.iso.date(),
  attestedBy: z.string(),
  recordedAt: z.iso.datetime(),
});

export type SpendLimit = Readonly<z.infer<typeof schema>>;

export interface SpendLimitsDeps {
  readonly book: RecordBook;
  readonly clock: Pick<Clock, 'wallMs'>;
}

const DAY_MS = 86_400_000;

export class SpendLimits {
  readonly #deps: SpendLimitsDeps;
  readonly #limits = new Map<string, SpendLimit>();

  constructor(deps: SpendLimitsDeps) {
    this.#deps = deps;
    deps.book.subscribe('spend_limit', ({ id, body }) => this.#limits.set(id, schema.parse(body)));
  }

  get(slot: string): SpendLimit | null {
    return this.#limits.get(slot) ?? null;
  }

  /** Throws `input.invalid` for a day that has not come anywhere on earth. That there is such a slot is for the caller to know. */
  async attest(
    principal: string,
    { slot, limitPicoUsd, on }: { readonly slot: string; readonly limitPicoUsd: string; readonly on: string },
  ): Promise<SpendLimit> {
    const { book, clock } = this.#deps;
    const nowMs = clock.wallMs();
    if (Date.parse(on) > nowMs + DAY_MS) {
      throw new SallyportError('input.invalid', `${on} has not come yet.`, {
        fix: 'Say on which day the limit was seen in the console.',
      });
    }
    const limit = schema.parse({
      slot,
      limitPicoUsd,
      attestedOn: on,
      attestedBy: principal,
      recordedAt: new Date(nowMs).toISOString(),
    });
    await book.change('key.attest', principal, () => [{ kind: 'spend_limit', id: slot, body: limit }]);
    return limit;
  }
}
