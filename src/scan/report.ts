/**
 * Reports of a scan, for people and for programs. No value, and no part of one, is in any of them, also when it is a file's name. A hook that
 * finds nothing has nothing to report, so each is loaded when it is needed.
 */
import type { SourceKind } from './remedy.ts';
import type { ScanResult, Sink } from './sink.ts';

export const FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'gitlab', 'gitlab-secrets'] as const;
export type Format = (typeof FORMATS)[number];

export interface Report extends Sink {
  /** Writes what is left. */
  end(result: ScanResult): void;
}

export interface ReportOptions {
  readonly write: (text: string) => void;
  readonly kind: SourceKind;
  /** Findings that are allowed are listed as well; they are counted in any case. */
  readonly showAllowed: boolean;
  /** Asked when there is something to print. */
  readonly colour: () => boolean;
  /** Of this program. */
  readonly version: string;
  /** For a sentence: `the staged changes`. */
  readonly what: string;
  readonly startedAtMs: number;
  readonly nowMs: () => number;
}

export async function reportOf(format: Format, options: ReportOptions): Promise<Report> {
  switch (format) {
    case 'text':
      return new (await import('./reports/text.ts')).TextReport(options);
    case 'json':
      return new (await import('./reports/json.ts')).JsonReport(options);
    case 'sarif':
      return atTheEnd((await import('./reports/sarif.ts')).sarifReport, options);
    case 'junit':
      return atTheEnd((await import('./reports/junit.ts')).junitReport, options);
    case 'github':
      return atTheEnd((await import('./reports/github.ts')).githubReport, options);
    case 'gitlab':
      return atTheEnd((await import('./reports/gitlab.ts')).gitlabQualityReport, options);
    case 'gitlab-secrets':
      return atTheEnd((await import('./reports/gitlab.ts')).gitlabSecretsReport, options);
  }
}

/** A report that is one document. */
function atTheEnd(
  textOf: (result: ScanResult, options: ReportOptions) => string,
  options: ReportOptions,
): Report {
  return {
    finding: () => undefined,
    problem: () => undefined,
    skip: () => undefined,
    looked: () => undefined,
    end: (result) => options.write(textOf(result, options)),
  };
}
