/** Which price applies to a model, and where it comes from. */
import type { KnownPrice } from '../ledger/prices.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { PriceShape } from './shapes.ts';

export function priceRoutes({ prices, clock }: Pick<AdminDeps, 'prices' | 'clock'>): Handlers<'price.list'> {
  return {
    'price.list': ({ query }) => {
      const rows = prices.rowsOf(query.model, clock.wallMs());
      const wanted = rows.filter(
        ({ price }) => query.provider === undefined || price.provider === query.provider,
      );
      return { prices: wanted.map(priceShape) };
    },
  };
}

function priceShape({ price, file, applies }: KnownPrice): PriceShape {
  const { provider, model, contextTokens, maxOutputTokens, longContext, effectiveFromMs, source, asOf } =
    price;
  return {
    provider,
    model,
    applies,
    file,
    effectiveFrom: new Date(effectiveFromMs).toISOString(),
    inputPicoUsd: price.base.inputPicoUsd.toString(),
    cachedPicoUsd: price.base.cachedPicoUsd.toString(),
    outputPicoUsd: price.base.outputPicoUsd.toString(),
    longContextAbove: longContext?.aboveTokens ?? null,
    contextTokens,
    maxOutputTokens,
    source,
    asOf,
  };
}
