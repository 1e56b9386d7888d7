/** What a scan tells while it goes on, and what it comes to. */
import type { Finding } from './finding.ts';

/** Where a source puts what it sees, as soon as it sees it. */
export interface Sink {
  finding(finding: Finding): void;
  /** Something was not scanned, and why: from then on the scan is not complete, and must not be taken for clean. */
  problem(text: string): void;
  /** A file, an object of git or a message was looked at, or as many bytes more of the same one. */
  looked(files: number, bytes: number): void;
}

export interface ScanResult {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly bytes: number;
  /** Why not everything was scanned; empty when it was. */
  readonly problems: readonly string[];
}

/** Keeps all of it. */
export class Collector implements Sink, ScanResult {
  readonly findings: Finding[] = [];
  readonly problems: string[] = [];
  files = 0;
  bytes = 0;

  finding(finding: Finding): void {
    this.findings.push(finding);
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  looked(files: number, bytes: number): void {
    this.files += files;
    this.bytes += bytes;
  }
}
