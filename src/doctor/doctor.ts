/** Runs checks and sums up. Exit codes: 0 all is well, 1 something was found, 3 nothing was found, but not everything could be checked. */
import { describe, SallyportError } from '../core/errors.ts';
import { type Check, type CheckContext, type Outcome, outcome, type Verdict, verdictOf } from './check.ts';

export interface Checked extends Outcome {
  readonly check: Check;
  readonly verdict: Verdict;
}

/** One after the other, in order. Never rejects: a check that fails is one that could not be made. */
export async function runChecks(checks: readonly Check[], context: CheckContext): Promise<Checked[]> {
  const results: Checked[] = [];
  for (const check of checks) {
    const result = await runOne(check, context);
    results.push({ check, verdict: verdictOf(result), ...result });
  }
  return results;
}

async function runOne(check: Check, context: CheckContext): Promise<Outcome> {
  try {
    return await check.run(context);
  } catch (error) {
    const fix = error instanceof SallyportError ? error.fix : undefined;
    return outcome('', [], [{ what: describe(error), fix: fix ?? 'Mend that, then run the doctor again.' }]);
  }
}

export function exitCodeOf(results: readonly Checked[]): 0 | 1 | 3 {
  if (results.some(({ verdict }) => verdict === 'finding')) return 1;
  return results.some(({ verdict }) => verdict === 'unchecked') ? 3 : 0;
}

/** The checks that are asked for, by id or by what they are about. Throws `input.invalid` for an unknown word, and when none is left. */
export function chooseChecks(
  all: readonly Check[],
  only: readonly string[],
  skip: readonly string[],
): readonly Check[] {
  const words = new Set<string>(all.flatMap(({ id, about }) => [id, about]));
  const unknown = [...only, ...skip].find((word) => !words.has(word));
  if (unknown !== undefined) {
    throw new SallyportError('input.invalid', 'There is no such check.', {
      fix: `Use local, gateway or one of ${all.map(({ id }) => id).join(', ')}.`,
    });
  }
  const isIn = ({ id, about }: Check, list: readonly string[]): boolean =>
    list.includes(id) || list.includes(about);
  const chosen = all.filter((check) => (only.length === 0 || isIn(check, only)) && !isIn(check, skip));
  if (chosen.length > 0) return chosen;
  throw new SallyportError('input.invalid', 'No check is left.', { fix: 'Leave --only or --skip out.' });
}
