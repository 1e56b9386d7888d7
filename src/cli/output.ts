/**
 * What commands print. Results go to stdout, everything said about them to stderr. Text from elsewhere (names, models, end users) is
 * printed without control characters, which a terminal would obey.
 */
import { formatUsd } from '../core/money.ts';
import type { SallyportError } from '../core/errors.ts';
import { plain } from '../core/plain.ts';
import { hideCredentials } from '../admin/credentials.ts';
import type { Io } from './io.ts';

/** A line for people and messages: one JSON value, machine-readable. */
export function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`);
}

/** Columns as wide as their widest cell; a message instead when there are no rows. */
export function printTable(
  io: Io,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): void {
  if (rows.length === 0) {
    note(io, none);
    return;
  }
  io.out(formatTable([header.map((cell) => cell.toUpperCase()), ...rows]));
}

/** Name and value, one pair a line. */
export function printFields(io: Io, fields: readonly (readonly [string, string])[]): void {
  io.out(formatTable(fields));
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(plain));
  const widths: number[] = [];
  for (const row of clean) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return clean
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Cells that a spreadsheet would take for a formula are made text. */
export function formatCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

function csvCell(cell: string): string {
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function dollars(picoUsd: string): string {
  return `$${formatUsd(BigInt(picoUsd))}`;
}

export function orDash(value: string | number | null): string {
  return value === null ? '-' : String(value);
}

export function note(io: Io, text: string): void {
  io.err(`sallyport: ${plain(text)}\n`);
}

export function warn(io: Io, text: string): void {
  io.err(`sallyport: warning: ${plain(text)}\n`);
}

/** An error with its hint. Whatever looks like a credential is hidden, wherever it came from. */
export function printError(io: Io, error: Pick<SallyportError, 'message' | 'fix'>): void {
  io.err(`sallyport: error: ${plain(hideCredentials(terse(error.message)))}\n`);
  if (error.fix !== undefined) io.err(`sallyport: hint: ${plain(hideCredentials(terse(error.fix)))}\n`);
}

/** A sentence as a message: no capital at its start, no full stop at its end. */
function terse(sentence: string): string {
  const start = /^[A-Z](?=[a-z' ])/.test(sentence)
    ? sentence.slice(0, 1).toLowerCase()
    : sentence.slice(0, 1);
  return `${start}${sentence.slice(1)}`.replace(/(?<!\.)\.$/, '');
}
