/**
 * The file of allowances that a repository keeps at its top: one line each, `RULE SALT:HASH UNTIL REASON`. A line names no place and no value, so
 * it holds wherever the value goes, for nothing else, and tells nobody what the value is. Lines stand for themselves: in any order, also twice,
 * they mean the same, so that two branches merge by keeping the lines of both.
 */
import { SallyportError } from '../core/errors.ts';

export const ALLOW_FILE = '.sallyport-allow';
/** Whoever wants one for longer renews it, and looks at it then. */
export const MOST_DAYS = 366;
export const MOST_FILE_BYTES = 4 * 1024 * 1024;
const DAY_MS = 86_400_000;

export interface AllowLine {
  /** Counted from 1, in its file. */
  readonly number: number;
  readonly rule: string;
  readonly salt: string;
  readonly hash: string;
  /** The last day on which it holds, in UTC. */
  readonly until: string;
  readonly reason: string;
}

/** `rule`, `salt:hash`, `until`, `reason`; a line is cut at white space, and a reason is the rest. */
const LINE =
  /^(?<rule>[a-z0-9][a-z0-9-]*)\s+(?<salt>[0-9a-f]{16}):(?<hash>[0-9a-f]{28})\s+(?<until>\d{4}-\d{2}-\d{2})\s+(?<reason>\S.*)$/;
/** A length that no rule takes for a key behind the name of its provider. */
const HASH_HEX = 28;
const LABEL = 'sallyport.scan.allow.v1';

/** Throws `config.invalid` for a line that is not in the form, or that allows for longer than anybody may. */
export function parseAllowances(text: string, nowMs: number, name = ALLOW_FILE): AllowLine[] {
  const lines: AllowLine[] = [];
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const parsed = parseLine(line, at + 1);
    // What stands in the line may be a key, in the wrong place.
    if (!parsed) throw malformed(`${name}, line ${at + 1}, is no allowance`);
    const last = Date.parse(parsed.until);
    if (Number.isNaN(last) || !new Date(last).toISOString().startsWith(parsed.until)) {
      throw malformed(`${name}, line ${at + 1}, names a day that there is not`);
    }
    if (last > nowMs + MOST_DAYS * DAY_MS) {
      throw malformed(`${name}, line ${at + 1}, allows for more than a year`);
    }
    lines.push(parsed);
  }
  return lines;
}

function parseLine(line: string, number: number): AllowLine | null {
  const { rule, salt, hash, until, reason } = LINE.exec(line)?.groups ?? {};
  if (rule === undefined || salt === undefined || hash === undefined) return null;
  if (until === undefined || reason === undefined) return null;
  return { number, rule, salt, hash, until, reason };
}

function malformed(message: string): SallyportError {
  return new SallyportError('config.invalid', message, {
    fix: 'Mend or delete the line; sallyport scan allow writes such lines. Until then nothing counts as allowed.',
  });
}

export interface NewAllowance {
  readonly rule: string;
  readonly fingerprint: string;
  readonly until: string;
  readonly reason: string;
}

export function allowLine({ rule, fingerprint, until, reason }: NewAllowance, salt: string): string {
  return `${rule} ${salt}:${allowHash(salt, rule, fingerprint)} ${until} ${reason}`;
}

/**
 * Of the fingerprint, which is itself a hash that costs a guesser as much as the value is worth guessing. With a salt, so that two repositories
 * with the same value cannot be told by their files.
 */
export function allowHash(salt: string, rule: string, fingerprint: string): string {
  const text = `${salt}\0${rule}\0${fingerprint}`;
  return new Bun.CryptoHasher('sha256', LABEL).update(text).digest('hex').slice(0, HASH_HEX);
}

/** With a line more, at its place in the order; lines that are there stay as and where they are. */
export function withLine(text: string, line: string): string {
  const eol = eolOf(text);
  const lines = linesOf(text);
  const before = lines.findIndex((other) => !isComment(other) && order(other, line) > 0);
  lines.splice(before < 0 ? lines.length : before, 0, line);
  return lines.map((one) => one + eol).join('');
}

/** In order, each line once, without those that ended. Comments come first. */
export function tidied(text: string, nowMs: number): string {
  const ended = new Set(
    parseAllowances(text, nowMs)
      .filter(({ until }) => until < dayOf(nowMs))
      .map(({ number }) => number),
  );
  const lines = linesOf(text);
  const kept = lines.filter((line, at) => !isComment(line) && !ended.has(at + 1)).map((line) => line.trim());
  const comments = lines.filter((line) => isComment(line) && line.trim() !== '');
  return [...comments, ...[...new Set(kept)].sort(order)].map((line) => line + eolOf(text)).join('');
}

/** The day in UTC, as it is written in the file. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function isComment(line: string): boolean {
  return /^\s*(?:#|$)/.test(line);
}

/** By bytes, in which `LC_ALL=C sort` goes too. */
function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
