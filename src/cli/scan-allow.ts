/** `scan allow`: lets a value pass, for a reason and for a time. Needs no server. */
import { defineCommand } from './command.ts';

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
      help: 'the last day on which it holds, or how long, such as 2027-01-31 or 30d; 90d if not given, a year at most',
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
  run: async ({ values, args, io }) => (await import('./scan-allow-run.ts')).runAllow(args[0], values, io),
});
