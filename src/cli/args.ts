/** Values that people type: durations, amounts, counts, times. Every function throws `input.invalid` and names the option. */
import { SallyportError } from '../core/errors.ts';
import { parseUsd, type PicoUsd } from '../core/money.ts';
import { looksLikeCredential } from '../admin/credentials.ts';

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const MAX_DURATION_MS = 3650 * UNIT_MS.d;

/** Milliseconds of a duration such as `15m`, `12h` or `30d`. */
export function duration(option: string, text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : 0;
  if (ms > 0 && ms <= MAX_DURATION_MS) return ms;
  throw wrong(option, text, 'is no duration', 'write a number and a unit, such as 15m, 12h or 30d');
}

/** An ISO time from an ISO time or date, or from a duration before now. */
export function pastTime(option: string, text: string, nowMs: number): string {
  if (/^\d{1,6}[smhd]$/.test(text)) return new Date(nowMs - duration(option, text)).toISOString();
  const atMs = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(atMs)) return new Date(atMs).toISOString();
  throw wrong(option, text, 'is no time', 'write 1h for an hour ago, or a time such as 2026-11-21T09:30:00Z');
}

export function integer(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return value;
  throw wrong(option, text, 'is out of range', `write a whole number from ${least} to ${most}`);
}

/** As `integer`, or null for `none`. */
export function integerOrNone(option: string, text: string, least: number, most: number): number | null {
  return text === 'none' ? null : integer(option, text, least, most);
}

/** An amount above zero. */
export function usd(option: string, text: string): PicoUsd {
  const amount = /^[\d.]+$/.test(text) ? parseUsd(text) : undefined;
  if (amount !== undefined && amount > 0n) return amount;
  throw wrong(option, text, 'is no amount', 'write dollars above zero, such as 0.50 or 250');
}

/** A signed amount of dollars in pico-USD. */
export function signedUsd(option: string, text: string): bigint {
  const match = /^([+-]?)([\d.]+)$/.exec(text);
  if (!match)
    throw wrong(option, text, 'is no amount', 'write dollars with their sign, such as -1.25 or +0.50');
  const amount: bigint = parseUsd(match[2] ?? '');
  return match[1] === '-' ? -amount : amount;
}

/** One of a closed list. */
export function choice<const T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find((candidate) => candidate === text);
  if (found !== undefined) return found;
  throw wrong(option, text, 'is not known', `use one of ${known.join(', ')}`);
}

/** The parts of a comma-separated list. */
export function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `text` for a message, or nothing of it when it may be a credential. */
export function shown(text: string): string {
  const plain = /^[\p{L}\p{N}\p{P}\p{S} ]{1,40}$/u.test(text) && !looksLikeCredential(text);
  return plain && !/[A-Za-z0-9_-]{25,}/.test(text) ? `"${text}"` : 'the value';
}

function wrong(option: string, text: string, what: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', `${option}: ${shown(text)} ${what}`, { fix });
}
