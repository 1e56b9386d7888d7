/**
 * Reports of a scan, for people and for programs. No value, and no part of one, is in any of them, also when it is a file's name. What only CI
 * asks for is loaded when it is asked for.
 */
import { JsonReport } from './reports/json.ts';
import { TextReport } from './reports/text.ts';
import type { SourceKind } from './remedy.ts';
import type { ScanResult, Sink } from './sink.ts';

export const FORMATS = ['text', 'json'] as const;
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
  readonly colour: boolean;
}

export async function reportOf(format: Format, options: ReportOptions): Promise<Report> {
  switch (format) {
    case 'text':
      return new TextReport(options);
    case 'json':
      return new JsonReport(options);
  }
}
