/** What a call throws, when it has to be an error of ours. */
import { SallyportError } from '../../src/core/errors.ts';

/** The error that `run` throws. Throws itself when there is none, or another kind. */
export function refusalOf(run: () => unknown): SallyportError {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  return asRefusal(thrown);
}

/** The error of ours that `promise` rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<SallyportError> {
  return asRefusal(await thrownBy(promise));
}

/** Whatever `promise` rejects with; undefined when it does not. */
export function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function asRefusal(thrown: unknown): SallyportError {
  if (thrown instanceof SallyportError) return thrown;
  throw new Error(`no SallyportError was thrown, but ${String(thrown)}`, { cause: thrown });
}
