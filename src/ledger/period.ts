/**
 * Budget periods as keys: `2026-11-21` for a day, `2026-W47` for an ISO week (Monday to Sunday), `2026-11` for a month, `total` for all
 * time. A key names local dates; which moments those are depends on the budget's time zone. Keys of one kind sort by time.
 */
import { localDate, startOfDate, UTC } from './zone.ts';

export const PERIODS = ['day', 'week', 'month', 'total'] as const;
export type Period = (typeof PERIODS)[number];

/** Half open: startMs belongs to the period, endMs to the next one. */
export interface PeriodSpan {
  readonly startMs: number;
  readonly endMs: number;
}

const DAY_MS = 86_400_000;
const TOTAL: PeriodSpan = { startMs: 0, endMs: Number.POSITIVE_INFINITY };

/** The key of the period that `wallMs` falls into. */
export function periodKey(period: Period, wallMs: number, zone: string = UTC): string {
  if (period === 'total') return 'total';
  const dateMs = localDate(zone, wallMs);
  const date = new Date(dateMs).toISOString();
  if (period === 'week') return weekKey(dateMs);
  return date.slice(0, period === 'day' ? 10 : 7);
}

/** The time that a key names in a zone. `total` has no end. */
export function periodSpan(key: string, zone: string = UTC): PeriodSpan {
  if (key === 'total') return TOTAL;
  const [first, next] = datesOf(key);
  return { startMs: startOfDate(zone, first), endMs: startOfDate(zone, next) };
}

/** When the period around `wallMs` began: from where earlier spending counts for a budget that is opened now. */
export function periodStartMs(period: Period, wallMs: number, zone: string = UTC): number {
  return periodSpan(periodKey(period, wallMs, zone), zone).startMs;
}

/** Below zero when `a` is the older one, zero when they are the same. Both must be of one kind. */
export function comparePeriods(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The first date of a key and the first one after it, as their midnights in UTC. */
function datesOf(key: string): [first: number, next: number] {
  const week = /^(\d{4})-W(\d\d)$/.exec(key);
  if (week) {
    const monday = firstMonday(Number(week[1])) + (Number(week[2]) - 1) * 7 * DAY_MS;
    return [monday, monday + 7 * DAY_MS];
  }
  const [year = 0, month = 1, day] = key.split('-').map(Number);
  if (day === undefined) return [Date.UTC(year, month - 1), Date.UTC(year, month)];
  return [Date.UTC(year, month - 1, day), Date.UTC(year, month - 1, day + 1)];
}

/** ISO 8601: a week belongs to the year that its Thursday is in. */
function weekKey(dateMs: number): string {
  const monday = mondayOf(dateMs);
  const year = new Date(monday + 3 * DAY_MS).getUTCFullYear();
  const week = Math.round((monday - firstMonday(year)) / (7 * DAY_MS)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** The Monday of the week with 4 January, which is always the first one. */
function firstMonday(year: number): number {
  return mondayOf(Date.UTC(year, 0, 4));
}

function mondayOf(dateMs: number): number {
  return dateMs - ((new Date(dateMs).getUTCDay() + 6) % 7) * DAY_MS;
}
