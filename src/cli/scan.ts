/** `scan`: looks for secrets. Needs no server. */
import { SallyportError } from '../core/errors.ts';
import { jsonLines, textReport } from '../scan/report.ts';
import { scanStaged, type ScanResult } from '../scan/staged.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { note, plain, printError } from './output.ts';

export const scan = defineCommand({
  name: 'scan',
  summary: 'Look for provider keys and other secrets in what the next commit would add.',
  options: {
    staged: {
      type: 'boolean',
      help: 'scan the lines that are staged as added; context and removed lines never',
    },
    generic: {
      type: 'boolean',
      help: 'report the value of any name such as password or token as well; much of that is none',
    },
    quiet: { type: 'boolean', help: 'print nothing when nothing is found' },
    json: { type: 'boolean', help: 'print one JSON object a line on stdout: each finding, then a summary' },
  },
  examples: ['sallyport scan --staged', 'sallyport scan --staged --json'],
  notes: [
    'Exit code 0: nothing was found. 1: something was. 2: wrong usage, or no repository. 3: not everything could be scanned.',
    'What is printed holds no value, nor a part of one; a fingerprint is the same for the same value everywhere.',
  ],
  run: async ({ values, io }) => {
    if (!values.staged) {
      throw new SallyportError('input.invalid', 'nothing says what to scan', {
        fix: 'see: sallyport scan --help',
      });
    }
    const result = await scanStaged({ cwd: io.cwd, env: io.env }, { generic: values.generic });
    if (values.json) io.out(jsonLines(result));
    else printText(result, values.quiet, io);
    if (result.findings.length > 0) return EXIT.refused;
    return result.problems.length > 0 ? EXIT.unavailable : EXIT.ok;
  },
});

function printText(result: ScanResult, quiet: boolean, io: Io): void {
  const { findings, problems, files } = result;
  for (const line of textReport(result)) io.err(`${plain(line)}\n`);
  for (const problem of problems) {
    printError(io, {
      message: `not everything could be scanned: ${problem}`,
      fix: 'mend that, then try again; until it was scanned, nothing is known to be clean',
    });
  }
  if (findings.length > 0) {
    note(io, `${findings.length} ${findings.length === 1 ? 'secret' : 'secrets'} in the staged changes`);
  } else if (problems.length === 0 && !quiet) {
    io.out(`no secret in the staged changes of ${files} ${files === 1 ? 'file' : 'files'}\n`);
  }
}
