/** Fields that several sections have, as people write them. Descriptions are what editors show. */
import { z } from 'zod';
import { SallyportError } from '../core/errors.ts';
import { formatUsd, parseUsd } from '../core/money.ts';
import { NAME_SHAPE } from '../core/names.ts';
import { checkLimit } from '../ledger/budgets.ts';
import { type QueuePolicy, queuePolicySchema } from '../ledger/limits.ts';
import { checkZone, isZone, UTC } from '../ledger/zone.ts';

export const nameField = z
  .string()
  .regex(
    NAME_SHAPE,
    'a name has 1 to 63 letters, digits, dots, hyphens or underscores, and begins with a letter or digit',
  );

/** The amount of a budget. Numbers are read as they are written, so `0.10` is exactly ten cents; the reader hands them on as text. */
export const usdField = z.string().superRefine((text, context) => {
  try {
    checkLimit(parseUsd(text));
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    context.addIssue({ code: 'custom', message: error.message.replace(/\.$/, '') });
  }
});

/** In the one spelling that amounts are compared in. */
export function amount(text: string): string {
  return formatUsd(parseUsd(text));
}

export function amountPicoUsd(text: string): string {
  return parseUsd(text).toString();
}

export const zoneField = z
  .string()
  .refine(
    isZone,
    'a time zone is a name of the IANA database, such as UTC, Europe/Berlin or America/New_York',
  )
  .default(UTC);

/** In the spelling that the gateway keeps. */
export const zone = checkZone;

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;
const DURATION = /^([1-9]\d{0,11})(ms|s|m|h|d)$/;

const MAX_DURATION_MS = 3650 * 86_400_000;

export const durationField = z
  .string()
  .regex(DURATION, 'a duration is a number and a unit, such as 30s, 15m, 12h or 30d')
  .refine((text) => durationMs(text) <= MAX_DURATION_MS, 'that is longer than ten years');

/** Of what `durationField` takes. */
export function durationMs(text: string): number {
  const [, count = '', unit] = DURATION.exec(text) ?? [];
  return Number(count) * (UNITS.find(([name]) => name === unit)?.[1] ?? 0);
}

/** In the one spelling that durations are compared in: 90s, not 90000ms; 1d, not 24h. */
export function duration(ms: number): string {
  const [unit, size] = UNITS.find(([, of]) => ms % of === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

const MAX_WAIT_MS = 300_000;

export const queueField = z
  .strictObject({
    length: queuePolicySchema.shape.length.describe('Calls that may wait at once; 0: none.'),
    wait: durationField
      .refine((text) => durationMs(text) <= MAX_WAIT_MS, 'a call may wait for 300s at most')
      .describe('How long a call may wait, such as 20s.'),
  })
  .nullable()
  .default(null)
  .describe('How calls over a limit may wait for their turn; null: not at all, or as the team says.');
export type QueueItem = z.infer<typeof queueField>;

export function queueItem(queue: QueuePolicy | null): QueueItem {
  return queue && { length: queue.length, wait: duration(queue.waitMs) };
}

export function queuePolicy(queue: QueueItem): QueuePolicy | null {
  return queue && { length: queue.length, waitMs: durationMs(queue.wait) };
}

/** In one spelling. */
export function tidyQueue(queue: QueueItem): QueueItem {
  return queueItem(queuePolicy(queue));
}
