/**
 * Budget periods as keys: `2026-11-21` for a day, `2026-11` for a month, `total` for all time. Keys of one kind sort by time.
 * NOTE: dates are UTC. `periodKey` and `periodSpan` alone know the calendar; a budget's zone becomes a parameter of these two.
 */

export const PERIODS = ['day', 'month', 'total'] as const;
export type Period = (typeof PERIODS)[number];

/** Half open: startMs belongs to the period, endMs to the next one. */
export interface PeriodSpan {
  readonly startMs: number;
  readonly endMs: number;
}

const TOTAL: PeriodSpan = { startMs: 0, endMs: Number.POSITIVE_INFINITY };

/** The key of the period that `wallMs` falls into. */
export function periodKey(period: Period, wallMs: number): string {
  if (period === 'total') return 'total';
  return new Date(wallMs).toISOString().slice(0, period === 'day' ? 10 : 7);
}

/** The time that a key names. `total` has no end. */
export function periodSpan(key: string): PeriodSpan {
  if (key === 'total') return TOTAL;
  const [year = 0, month = 1, day] = key.split('-').map(Number);
  if (day === undefined) return { startMs: Date.UTC(year, month - 1), endMs: Date.UTC(year, month) };
  return { startMs: Date.UTC(year, month - 1, day), endMs: Date.UTC(year, month - 1, day + 1) };
}

/** When the period around `wallMs` began: from where earlier spending counts for a budget that is opened now. */
export function periodStartMs(period: Period, wallMs: number): number {
  return periodSpan(periodKey(period, wallMs)).startMs;
}

/** Below zero when `a` is the older one, zero when they are the same. Both must be of one kind. */
export function comparePeriods(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
