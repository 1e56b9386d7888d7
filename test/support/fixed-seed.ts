/**
 * Loaded before every test file: properties take the same inputs in every run, so that a run says something about the change it is for.
 * PROPERTY_SEED takes others: a whole number, or `random`; `npm run fuzz` takes new ones by itself.
 */
import * as fc from 'fast-check';

const chosen = process.env['PROPERTY_SEED'] ?? '20261126';
if (chosen !== 'random') {
  const seed = Number(chosen);
  if (!Number.isSafeInteger(seed)) throw new TypeError('PROPERTY_SEED is a whole number, or "random"');
  fc.configureGlobal({ seed });
}
