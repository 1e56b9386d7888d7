/** `scan allow`: lets a value pass, for a reason and for a time. Needs no server. */
import { SallyportError } from '../core/errors.ts';
import { choice, duration } from './args.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { note, printJson, printTable } from './output.ts';

const DAY_MS = 86_400_000;
const USUAL_DAYS = 90;
const LONGEST_REASON = 200;

export const scanAllow = defineCommand({
  name: 'scan allow',
  summary: 'Let a value that is no secret pass, or list what is allowed.',
  args: ['[FINGERPRINT]'],
  options: {
    rule: { type: 'string', value: 'ID', help: 'the rule that found it, as the report names it' },
    reason: { type: 'string', value: 'TEXT', help: 'why it may stay' },
    until: {
      type: 'string',
      value: 'DAY',
      help: `the last day on which it holds, or how long, such as 2027-01-31 or 30d; ${USUAL_DAYS}d if not given, a year at most`,
    },
    tidy: { type: 'boolean', help: 'sort the lines, and take out those that ended or are there twice' },
    json: { type: 'boolean', help: 'print JSON' },
  },
  examples: [
    "sallyport scan allow 3f0c5b1ad2e94c7788a1 --rule groq-api-key --reason 'revoked, in an old test'",
    'sallyport scan allow',
    'sallyport scan allow --tidy',
  ],
  notes: [
    'Rule and fingerprint are those that a report printed. The line goes into .sallyport-allow at the top of the work tree; commit it. It names no place and no value.',
    'To allow a value on its line only, write sallyport:allow and a reason in a comment behind it.',
  ],
  run: async ({ values, args, io }) => {
    const [fingerprint] = args;
    const { topOf } = await import('../scan/allowances.ts');
    const { noWorkTree } = await import('../scan/repository.ts');
    const top = await topOf(io);
    if (top === null) throw noWorkTree();
    if (fingerprint !== undefined) {
      if (values.tidy) throw usage('--tidy takes no fingerprint', 'run it by itself');
      return add(top, fingerprint, values, io);
    }
    for (const name of ['rule', 'reason', 'until'] as const)
      if (values[name] !== undefined) throw usage(`--${name} needs a fingerprint`, 'copy it from a report');
    return values.tidy ? tidy(top, values.json, io) : list(top, values.json, io);
  },
});

interface AllowValues {
  readonly rule: string | undefined;
  readonly reason: string | undefined;
  readonly until: string | undefined;
  readonly json: boolean;
}

async function add(top: string, fingerprint: string, values: AllowValues, io: Io): Promise<number> {
  // What is given may be the value itself: it is not repeated.
  if (!/^[0-9a-f]{20}$/.test(fingerprint)) {
    throw usage('that is no fingerprint', 'copy the 20 digits from a report; never write the value itself');
  }
  const { RULES } = await import('../detect/rules.ts');
  if (values.rule === undefined)
    throw usage('--rule is missing', 'a report names it in front of the fingerprint');
  const rule = choice(
    '--rule',
    values.rule,
    RULES.map(({ id }) => id),
  );
  const reason = await reasonOf(values.reason);
  const until = await lastDay(values.until, io.wallMs());
  const { ALLOW_FILE, allowLine, parseAllowances, withLine } = await import('../scan/allow-file.ts');
  const { ATTRIBUTE, addAttribute, changeAllowFile } = await import('../scan/allow-edit.ts');
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

async function reasonOf(text: string | undefined): Promise<string> {
  if (text === undefined) throw usage('--reason is missing', 'say why the value may stay');
  const { lineOf } = await import('../scan/reports/names.ts');
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

async function lastDay(text: string | undefined, nowMs: number): Promise<string> {
  const { dayOf, MOST_DAYS } = await import('../scan/allow-file.ts');
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

async function tidy(top: string, json: boolean, io: Io): Promise<number> {
  const { tidied } = await import('../scan/allow-file.ts');
  const { changeAllowFile } = await import('../scan/allow-edit.ts');
  const changed = changeAllowFile(top, (text) => tidied(text, io.wallMs()));
  if (json) printJson(io, { changed });
  else note(io, changed ? 'the file is in order now' : 'the file was in order');
  return EXIT.ok;
}

async function list(top: string, json: boolean, io: Io): Promise<number> {
  const { join } = await import('node:path');
  const { ALLOW_FILE, dayOf, parseAllowances } = await import('../scan/allow-file.ts');
  const { readAllowFile } = await import('../scan/allowances.ts');
  const { lineOf } = await import('../scan/reports/names.ts');
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
