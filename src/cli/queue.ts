/** How calls may wait for their turn, as options: `--queue 100 --queue-wait 20s`. */
import type { QueuePolicy } from '../ledger/limits.ts';
import { duration, integer } from './args.ts';
import type { OptionSpecs, Values } from './command.ts';

const DEFAULT: QueuePolicy = { length: 100, waitMs: 30_000 };

export const QUEUE_OPTIONS = {
  queue: {
    type: 'string',
    value: 'N',
    help: 'calls that may wait for their turn at once; 0: none, "none": as the team\'s',
  },
  'queue-wait': {
    type: 'string',
    value: 'TIME',
    help: 'how long after it came a call may still wait, up to 5m (default 30s)',
  },
} as const satisfies OptionSpecs;

/** Undefined when nothing is said, null for `none`. */
export function queueFrom(values: Values<typeof QUEUE_OPTIONS>): QueuePolicy | null | undefined {
  const { queue, 'queue-wait': wait } = values;
  if (queue === undefined && wait === undefined) return undefined;
  if (queue === 'none') return null;
  return {
    length: queue === undefined ? DEFAULT.length : integer('--queue', queue, 0, 10_000),
    waitMs: wait === undefined ? DEFAULT.waitMs : duration('--queue-wait', wait),
  };
}
