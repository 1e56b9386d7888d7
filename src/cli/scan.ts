/** `scan`: looks for secrets. Needs no server. */
import { prepareSkimming } from '../detect/skim.ts';
import { FORMATS } from '../scan/report.ts';
import { Collector, scanThrough, type ScanResult, toAll } from '../scan/sink.ts';
import { defineCommand, EXIT } from './command.ts';
import { GATE_OPTIONS } from './gate-options.ts';
import type { Io } from './io.ts';
import { note, printError } from './output.ts';
import { ScanReports } from './scan-report.ts';
import { sourceOf } from './scan-source.ts';
import { stagesOf } from './scan-stages.ts';

export const scan = defineCommand({
  name: 'scan',
  summary: 'Look for provider keys and other secrets.',
  args: ['[PATH...]'],
  options: {
    staged: {
      type: 'boolean',
      help: 'scan the lines that are staged as added; context and removed lines never',
    },
    bundle: {
      type: 'boolean',
      help: 'scan what browsers get: the folders named, else those that builds have (dist, build, .next/static and so on); source maps say which source it is',
    },
    stdin: { type: 'boolean', help: 'scan what is piped in, such as a log' },
    history: {
      type: 'boolean',
      help: 'scan everything that was ever committed and is still in the repository, merges, stashes and deleted branches too',
    },
    range: {
      type: 'string',
      value: 'A..B',
      help: 'scan what the commits bring that are in B and not in A, all of them, also what a later one takes back',
    },
    push: { type: 'boolean', help: 'scan what is pushed, as git tells a pre-push hook on standard input' },
    'all-files': { type: 'boolean', help: 'of folders, scan what git ignores as well; all but .git' },
    'pre-commit': {
      type: 'boolean',
      help: 'for the framework pre-commit: scan the files that are named, or if there are none, the staged changes',
    },
    generic: {
      type: 'boolean',
      help: 'report the value of any name such as password or token as well; much of that is none',
    },
    images: {
      type: 'boolean',
      help: 'read the text in pictures as well, about a second each; what that needs is installed at the first use',
    },
    yes: { type: 'boolean', help: 'with --images: install what is missing without asking' },
    whose: {
      type: 'boolean',
      help: 'ask the running gateway whose each value is: by a salted hash, never the value',
    },
    respond: {
      type: 'boolean',
      help: 'likewise, and have it revoke its access tokens and mark its provider keys as exposed',
    },
    verify: {
      type: 'boolean',
      help: 'ask each provider whether it takes the value: one free GET a value; not in a hook',
    },
    'show-allowed': { type: 'boolean', help: 'list what is allowed as well' },
    'no-cache': { type: 'boolean', help: 'look again at what an earlier scan found to be clean' },
    'no-progress': { type: 'boolean', help: 'show no line of progress on the terminal' },
    quiet: { type: 'boolean', help: 'print nothing when nothing is found' },
    format: { type: 'string', value: 'FORMAT', help: `the report: ${FORMATS.join(', ')}; text if not given` },
    ...GATE_OPTIONS,
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: 'write the report into a file, complete or not at all; the text for people is printed as well',
    },
    annotate: { type: 'boolean', help: 'print annotations for GitHub Actions on stdout besides' },
    json: { type: 'boolean', help: 'print one JSON object a line on stdout: each finding, then a summary' },
  },
  examples: [
    'sallyport scan',
    'sallyport scan src .env --json',
    'sallyport scan --staged',
    'sallyport scan --staged --json',
    'sallyport scan --stdin',
    'sallyport scan --history',
    'sallyport scan --bundle dist',
    'sallyport scan --staged --format sarif --output leaks.sarif',
  ],
  notes: [
    'Without PATH or another source it scans the current folder. In a work tree of git these are the files that git has or would take; a file or a folder that is named is scanned even if git ignores it.',
    'Exit code 0: nothing was found. 1: something was. 2: wrong usage, or no repository. 3: not everything could be scanned.',
    'What is printed holds no value, nor a part of one; a fingerprint is the same for the same value everywhere.',
  ],
  run: async ({ values, args, io }) => {
    const { images, yes, ...rest } = values;
    const choice = { ...rest, paths: args };
    const source = sourceOf(
      images ? { ...choice, images: await (await import('./scan-images.ts')).imagesFor(yes, io) } : choice,
      io,
    );
    using reports = await ScanReports.open(values, source, io);
    const result = new Collector();
    // A hook is done before it would be loaded.
    if (source.kind !== 'staged') await prepareSkimming();
    const stages = await stagesOf(values, source, io, result);
    await scanThrough(source.scan, stages, toAll([result, reports.sink]));
    try {
      await reports.end(result);
    } finally {
      if (reports.forPeople) await printVerdict(result, source.what, values.quiet, io);
    }
    if (result.findings.length > 0) return EXIT.refused;
    return result.problems.length > 0 ? EXIT.unavailable : EXIT.ok;
  },
});

async function printVerdict(result: ScanResult, what: string, quiet: boolean, io: Io): Promise<void> {
  const { findings, allowed, problems, notes, files, skipped } = result;
  if (problems.length + notes.length > 0) await printProblems(result, io);
  const images = skipped.get('images') ?? 0;
  if (images > 0 && !quiet)
    note(io, `${images} ${images === 1 ? 'picture was' : 'pictures were'} not read; --images does that`);
  const besides = allowed.length > 0 ? `${allowed.length} allowed` : '';
  if (findings.length > 0) {
    const count = `${findings.length} ${findings.length === 1 ? 'secret' : 'secrets'}`;
    note(io, `${count} in ${what}${besides && `; ${besides}`}`);
  } else if (problems.length === 0 && !quiet) {
    io.out(`no secret in ${what} (${files} ${files === 1 ? 'file' : 'files'}${besides && `; ${besides}`})\n`);
  }
}

async function printProblems({ problems, notes }: ScanResult, io: Io): Promise<void> {
  const { lineOf } = await import('../scan/reports/names.ts');
  for (const problem of problems) {
    printError(io, {
      message: `not everything could be scanned: ${lineOf(problem)}`,
      fix: 'mend that, then try again; until it was scanned, nothing is known to be clean',
    });
  }
  for (const text of notes) note(io, lineOf(text));
}
