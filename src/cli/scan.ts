/** `scan`: looks for secrets. Needs no server. */
import { JsonReport, textReport } from '../scan/report.ts';
import { Collector, type ScanResult, type Sink } from '../scan/sink.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { note, plain, printError } from './output.ts';
import { sourceOf } from './scan-source.ts';

export const scan = defineCommand({
  name: 'scan',
  summary: 'Look for provider keys and other secrets.',
  options: {
    staged: {
      type: 'boolean',
      help: 'scan the lines that are staged as added; context and removed lines never',
    },
    stdin: { type: 'boolean', help: 'scan what is piped in, such as a log' },
    generic: {
      type: 'boolean',
      help: 'report the value of any name such as password or token as well; much of that is none',
    },
    quiet: { type: 'boolean', help: 'print nothing when nothing is found' },
    json: { type: 'boolean', help: 'print one JSON object a line on stdout: each finding, then a summary' },
  },
  examples: ['sallyport scan --staged', 'sallyport scan --staged --json', 'sallyport scan --stdin'],
  notes: [
    'Exit code 0: nothing was found. 1: something was. 2: wrong usage, or no repository. 3: not everything could be scanned.',
    'What is printed holds no value, nor a part of one; a fingerprint is the same for the same value everywhere.',
  ],
  run: async ({ values, io }) => {
    const source = sourceOf(values, io);
    const result = new Collector();
    const json = values.json ? new JsonReport(io.out) : null;
    await source.scan(json ? both(result, json) : result);
    if (json) json.end(result);
    else printText(result, source.what, values.quiet, io);
    if (result.findings.length > 0) return EXIT.refused;
    return result.problems.length > 0 ? EXIT.unavailable : EXIT.ok;
  },
});

function both(first: Sink, second: Sink): Sink {
  return {
    finding: (finding) => {
      first.finding(finding);
      second.finding(finding);
    },
    problem: (text) => {
      first.problem(text);
      second.problem(text);
    },
    looked: (files, bytes) => {
      first.looked(files, bytes);
      second.looked(files, bytes);
    },
  };
}

function printText(result: ScanResult, what: string, quiet: boolean, io: Io): void {
  const { findings, problems, files } = result;
  for (const line of textReport(result)) io.err(`${plain(line)}\n`);
  for (const problem of problems) {
    printError(io, {
      message: `not everything could be scanned: ${problem}`,
      fix: 'mend that, then try again; until it was scanned, nothing is known to be clean',
    });
  }
  if (findings.length > 0) {
    note(io, `${findings.length} ${findings.length === 1 ? 'secret' : 'secrets'} in ${what}`);
  } else if (problems.length === 0 && !quiet) {
    io.out(`no secret in ${what} (${files} ${files === 1 ? 'file' : 'files'})\n`);
  }
}
