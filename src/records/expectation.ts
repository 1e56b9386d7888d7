/**
 * What whoever asks for a change took the configuration for. It goes with everything that is done for a request, so that no part on the
 * way has to hand it on; the record book compares it in the step in which it changes something.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { SallyportError } from '../core/errors.ts';

/** One request's; moves on with the changes of that request. */
export interface Expectation {
  revision: string;
  /** The request is answered: what it set in motion beyond that expects nothing. */
  over: boolean;
}

const expectations = new AsyncLocalStorage<Expectation>();

/** Runs `act`; each of its changes is refused unless the configuration is still what `expectation` says. */
export async function expecting<T>(expectation: Expectation, act: () => T | Promise<T>): Promise<T> {
  try {
    return await expectations.run(expectation, act);
  } finally {
    expectation.over = true;
  }
}

/** What the request that runs now expects, if it said so. */
export function currentExpectation(): Expectation | undefined {
  const expectation = expectations.getStore();
  return expectation?.over === true ? undefined : expectation;
}

/** Throws `conflict` unless the configuration is what was expected. */
export function checkExpectation(expectation: Expectation, revision: string): void {
  if (expectation.revision === revision) return;
  throw new SallyportError('conflict', 'The configuration was changed by somebody else in the meantime.', {
    detail: `expected revision ${expectation.revision}, found ${revision}`,
    fix: 'Read it again, look at what is different now, and repeat the change.',
  });
}
