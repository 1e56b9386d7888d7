/**
 * Calendar days of an IANA time zone, from what Intl knows and nothing else. A day is a range of local dates: 23 or 25 hours long where
 * clocks change, and empty where a zone skipped it.
 */
import { SallyportError } from '../core/errors.ts';

export const UTC = 'UTC';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Further from a local midnight than any zone's offset from UTC. */
const REACH_MS = 30 * HOUR_MS;
const MAX_NAME = 64;

const formats = new Map<string, Intl.DateTimeFormat>();

/** True for a name that `checkZone` takes. */
export function isZone(zone: string): boolean {
  try {
    checkZone(zone);
    return true;
  } catch {
    return false;
  }
}

/** The zone's name as Intl spells it. Throws `input.invalid` for one that it does not know. */
export function checkZone(zone: string): string {
  try {
    // INVARIANT: no fixed offsets such as +02:00: they look like a zone, and are wrong for half of the year.
    if (zone.length <= MAX_NAME && /^[A-Za-z]/.test(zone)) {
      return zone === UTC
        ? UTC
        : new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone;
    }
  } catch {
    // Said below.
  }
  throw new SallyportError('input.invalid', `"${zone.slice(0, MAX_NAME)}" is not a time zone.`, {
    fix: 'Use a name of the IANA database, such as UTC, Europe/Berlin or America/New_York.',
  });
}

/** The local date at `wallMs`, as the milliseconds of that date's midnight in UTC. */
export function localDate(zone: string, wallMs: number): number {
  const date = floorDay(wallMs + offsetMs(zone, wallMs));
  // Where clocks go back over midnight the old date comes again for a while: the new one had begun, and goes on.
  return wallMs >= startOfDate(zone, date + DAY_MS) ? date + DAY_MS : date;
}

/** The first moment of a local date, which is given by its midnight in UTC; of a skipped one, the first moment after it. */
export function startOfDate(zone: string, dateMs: number): number {
  if (zone === UTC) return dateMs;
  const before = offsetMs(zone, dateMs - REACH_MS);
  const after = offsetMs(zone, dateMs + REACH_MS);
  const starts = [dateMs - before, dateMs - after].filter((at) => at + offsetMs(zone, at) === dateMs);
  return starts.length > 0 ? Math.min(...starts) : endOfGap(zone, dateMs - after, dateMs - before, after);
}

/** Midnight does not exist on that date: the moment at which the zone took its new offset. */
function endOfGap(zone: string, from: number, to: number, after: number): number {
  let [low, high] = [Math.min(from, to) - 1, Math.max(from, to)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(zone, middle) === after) high = middle;
    else low = middle;
  }
  return high;
}

/** Local time minus UTC. */
function offsetMs(zone: string, wallMs: number): number {
  if (zone === UTC) return 0;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(wallMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(wallMs / 1000) * 1000;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, format);
  return format;
}

function floorDay(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}
