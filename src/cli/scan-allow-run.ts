/** What `scan allow` does: adds a line, lists the lines, puts them in order. */
import { join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { RULES } from '../detect/rules.ts';
import { ATTRIBUTE, addAttribute, changeAllowFile } from '../scan/allow-edit.ts';
import {
  ALLOW_FILE,
  allowLine,
  dayOf,
  MOST_DAYS,
  parseAllowances,
  tidied,
  withLine,
} from '../scan/allow-file.ts';
import { readAllowFile, topOf } from '../scan/allowances.ts';
import { lineOf } from '../scan/reports/names.ts';
import { noWorkTree } from '../scan/repository.ts';
import { choice, duration } from './args.ts';
import { EXIT } from './command.ts';
import type { Io } from './io.ts';
import { note, printJson, printTable } from './output.ts';

const DAY_MS = 86_400_000;
const USUAL_DAYS = 90;
const LONGEST_REASON = 200;

export interface AllowValues {
  readonly rule: string | undefined;
  readonly reason: string | undefined;
  readonly until: string | undefined;
  readonly tidy: boolean;
  readonly json: boolean;
}

export async function runAllow(
  fingerprint: string | undefined,
  values: AllowValues,
  io: Io,
): Promise<number> {
  const top = await topOf(io);
  if (top === null) throw noWorkTree();
  if (fingerprint !== undefined) {
    if (values.tidy) throw usage('--tidy takes no fingerprint', 'run it by itself');
    return add(top, fingerprint, values, io);
  }
  for (const name of ['rule', 'reason', 'until'] as const)
    if (values[name] !== undefined) throw usage(`--${name} needs a fingerprint`, 'copy it from a report');
  return values.tidy ? tidy(top, values.json, io) : list(top, values.json, io);
}

async function add(top: string, fingerprint: string, values: AllowValues, io: Io): Promise<number> {
  // What is given may be the value itself: it is not repeated.
  if (!/^[0-9a-f]{20}$/.test(fingerprint)) {
    throw usage('that is no fingerprint', 'copy the 20 digits from a report; never write the value itself');
  }
  if (values.rule === undefined)
    throw usage('--rule is missing', 'a report names it in front of the fingerprint');
  const rule = choice(
    '--rule',
    values.rule,
    RULES.map(({ id }) => id),
  );
  const reason = reasonOf(values.reason);
  const until = lastDay(values.until, io.wallMs());
  const salt = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex');
  const line = allowLine({ rule, fingerprint, until, reason }, salt);
  let isFirst = false;
  changeAllowFile(top, (text) => {
    isFirst = text === '';
    // A file that nobody can read is not made longer.
    parseAllowances(text, io.wallMs());
    return withLine(text, line);
  });
  const attribute = isFirst && (await addAttribute(top, io));
  if (values.json) printJson(io, { rule, fingerprint, until, reason });
  else {
    io.out(`allowed until ${until}: ${rule}, fingerprint ${fingerprint}\n`);
    if (attribute) note(io, `.gitattributes has a line more, so that branches merge: ${ATTRIBUTE}`);
    note(io, `commit ${attribute ? `${ALLOW_FILE} and .gitattributes` : ALLOW_FILE}`);
  }
  return EXIT.ok;
}

function reasonOf(text: string | undefined): string {
  if (text === undefined) throw usage('--reason is missing', 'say why the value may stay');
  const reason = text.trim().replaceAll(/\s+/g, ' ');
  if (!/[\p{L}\p{N}]{2}/u.test(reason) || reason.length > LONGEST_REASON)
    throw usage(
      '--reason says nothing, or too much',
      `write a sentence of at most ${LONGEST_REASON} characters`,
    );
  if (lineOf(reason) !== reason)
    throw usage('--reason holds a secret or a control character', 'write plain words');
  return reason;
}

function lastDay(text: string | undefined, nowMs: number): string {
  if (text === undefined) return dayOf(nowMs + USUAL_DAYS * DAY_MS);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const ms = isDay ? Date.parse(text) : nowMs + duration('--until', text);
  if (Number.isNaN(ms) || (isDay && dayOf(ms) !== text))
    throw usage('--until is no day', 'write 2027-01-31, or 30d for thirty days');
  const day = dayOf(ms);
  if (day < dayOf(nowMs)) throw usage('--until is over already', 'name a day to come');
  if (day > dayOf(nowMs + MOST_DAYS * DAY_MS))
    throw usage('--until is more than a year away', 'name an earlier day, and renew it then');
  return day;
}

function tidy(top: string, json: boolean, io: Io): number {
  const changed = changeAllowFile(top, (text) => tidied(text, io.wallMs()));
  if (json) printJson(io, { changed });
  else note(io, changed ? 'the file is in order now' : 'the file was in order');
  return EXIT.ok;
}

function list(top: string, json: boolean, io: Io): number {
  const today = dayOf(io.wallMs());
  const lines = parseAllowances(readAllowFile(join(top, ALLOW_FILE)) ?? '', io.wallMs()).map(
    ({ number, rule, until, reason }) => ({
      line: number,
      rule,
      until,
      reason: lineOf(reason),
      ended: until < today,
    }),
  );
  if (json) printJson(io, lines);
  else {
    printTable(
      io,
      ['line', 'rule', 'until', 'reason'],
      lines.map(({ line, rule, until, ended, reason }) => [
        String(line),
        rule,
        `${until}${ended ? ' (ended)' : ''}`,
        reason,
      ]),
      'nothing is allowed',
    );
  }
  return EXIT.ok;
}

function usage(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
