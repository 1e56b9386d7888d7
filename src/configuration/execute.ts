/** Carries a plan out, change by change, each only on the configuration that the one before left. */
import { asSallyportError, type ErrorCode, type SallyportError } from '../core/errors.ts';
import type { Change, Plan } from './plan.ts';
import type { Contract } from './section.ts';
import type { RevisedContract } from './state.ts';

export interface Stop {
  readonly change: Change;
  readonly error: SallyportError;
  /**
   * `refused`: nothing of the change was made. `begun`: it takes several steps, and some were made. `unknown`: the answer did not come, or
   * the gateway cannot say itself (a full disk), so it may have been made.
   */
  readonly extent: 'refused' | 'begun' | 'unknown';
}

export interface Outcome {
  readonly applied: readonly Change[];
  /** Null when all of the plan is done. */
  readonly stop: Stop | null;
  /** Not tried. */
  readonly left: readonly Change[];
}

const OPEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'admin.unreachable',
  'audit.unavailable',
  'store.unavailable',
  'gateway.internal',
]);

/** Never rejects: what stopped it is in the outcome. `onApplied` hears of each change as it is made. */
export async function execute(
  plan: Plan,
  contract: RevisedContract,
  onApplied: (change: Change) => void = () => undefined,
): Promise<Outcome> {
  const applied: Change[] = [];
  let { revision } = plan;
  for (const [index, change] of plan.changes.entries()) {
    let steps = 0;
    const bound: Contract = {
      call: async (name, input) => {
        const answer = await contract.callAt(name, input, revision);
        ({ revision } = answer);
        steps += 1;
        return answer.reply;
      },
    };
    try {
      await change.run(bound);
      applied.push(change);
      onApplied(change);
    } catch (thrown) {
      const error = asSallyportError(thrown);
      const extent = OPEN.has(error.code) ? 'unknown' : steps > 0 ? 'begun' : 'refused';
      return { applied, stop: { change, error, extent }, left: plan.changes.slice(index + 1) };
    }
  }
  return { applied, stop: null, left: [] };
}
