/** Where the reports of a scan go: one for programs to stdout or into a file, and one for people to stderr, unless a program reads alone. */
import { SallyportError } from '../core/errors.ts';
import { type Format, FORMATS, type Report, reportOf, type ReportOptions } from '../scan/report.ts';
import type { ReportFile } from '../scan/report-file.ts';
import type { ScanResult, Sink } from '../scan/sink.ts';
import { toAll } from '../scan/sink.ts';
import { VERSION } from '../version.ts';
import type { Io } from './io.ts';
import type { Source } from './scan-source.ts';

export interface ReportChoice {
  readonly format: string | undefined;
  readonly json: boolean;
  readonly output: string | undefined;
  readonly annotate: boolean;
  readonly 'show-allowed': boolean;
}

export class ScanReports implements Disposable {
  readonly sink: Sink;
  /** Whether people read the outcome as well. */
  readonly forPeople: boolean;
  readonly #reports: readonly Report[];
  readonly #file: ReportFile | null;
  readonly #options: ReportOptions;

  private constructor(
    reports: readonly Report[],
    file: ReportFile | null,
    forPeople: boolean,
    options: ReportOptions,
  ) {
    this.#reports = reports;
    this.#file = file;
    this.forPeople = forPeople;
    this.sink = toAll(reports);
    this.#options = options;
  }

  /** Throws `input.invalid` for options that contradict each other, and where the file cannot be written. */
  static async open(choices: ReportChoice, source: Source, io: Io): Promise<ScanReports> {
    const format = await formatOf(choices);
    const { output, annotate } = choices;
    const file =
      output === undefined ? null : new (await import('../scan/report-file.ts')).ReportFile(output, io.cwd);
    const forPeople = file !== null || format === 'text' || format === 'github';
    const options: ReportOptions = {
      write: io.out,
      kind: source.kind,
      what: source.what,
      showAllowed: choices['show-allowed'],
      colour: () => false,
      version: VERSION,
      startedAtMs: io.wallMs(),
      nowMs: io.wallMs,
    };
    const reports: Report[] = [];
    if (file) reports.push(await reportOf(format, { ...options, write: (text) => file.write(text) }));
    else if (format !== 'text') reports.push(await reportOf(format, options));
    if (annotate) reports.push(await reportOf('github', options));
    return new ScanReports(reports, file, forPeople, {
      ...options,
      write: io.err,
      colour: () => hasColours(io),
    });
  }

  /** Throws `store.unavailable` when the file cannot be written; what is printed was printed then. */
  async end(result: ScanResult): Promise<void> {
    for (const report of this.#reports) report.end(result);
    // Where there is nothing to say, what says it is not loaded: a git hook waits for it.
    if (this.forPeople && result.findings.length + result.allowed.length > 0)
      (await reportOf('text', this.#options)).end(result);
    this.#file?.commit();
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}

async function formatOf({ format, json, output, annotate }: ReportChoice): Promise<Format> {
  if (json && format !== undefined && format !== 'json')
    throw usage('--json and another --format', 'leave out one of them');
  const named =
    format === undefined ? 'text' : (await import('./args.ts')).choice('--format', format, FORMATS);
  const chosen = json ? 'json' : named;
  if (annotate && output === undefined && chosen !== 'text')
    throw usage(
      '--annotate prints on stdout, where the report goes',
      'write the report to a file with --output',
    );
  return chosen;
}

function usage(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}

/** https://no-color.org */
function hasColours({ env, stderrIsTerminal }: Io): boolean {
  return stderrIsTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
