/** What a scan tells while it goes on, what that passes through, and what it comes to. */
import { describe, SallyportError } from '../core/errors.ts';
import type { Finding } from './finding.ts';

/** What is looked at on request only: text in pictures. */
export type SkippedKind = 'images';

/** Where a source puts what it sees, as soon as it sees it. */
export interface Sink {
  finding(finding: Finding): void;
  /** Something was not scanned, and why: from then on the scan is not complete, and must not be taken for clean. */
  problem(text: string): void;
  /** So many more of a kind were left out because nobody asked for them; the scan is complete all the same. */
  skip(kind: SkippedKind, count: number): void;
  /** A file, an object of git or a message was looked at, or as many bytes more of the same one. */
  looked(files: number, bytes: number): void;
}

/** Stands between a source and the reports: adds to findings, or keeps them until it knows more of them. It drops none. */
export interface Stage extends Sink {
  /** After the source's last word: passes on whatever it kept. */
  end(): Promise<void>;
}

const WRONG: ReadonlySet<string> = new Set(['config.invalid', 'input.invalid']);

export type StageMaker = (next: Sink) => Stage;

/**
 * Runs a source through the stages, of which the first is nearest to it, into `last`. A source that fails on its way is a scan that is not complete:
 * what it found is told. Throws for wrong usage and for what is set up wrongly.
 */
export async function scanThrough(
  scan: (sink: Sink) => Promise<void>,
  stages: readonly StageMaker[],
  last: Sink,
): Promise<void> {
  const made: Stage[] = [];
  for (const make of stages.toReversed()) made.unshift(make(made[0] ?? last));
  const first = made[0] ?? last;
  try {
    await scan(first);
  } catch (error) {
    if (error instanceof SallyportError && WRONG.has(error.code)) throw error;
    first.problem(describe(error));
  }
  for (const stage of made) await stage.end();
}

export interface ScanResult {
  /** What counts. */
  readonly findings: readonly Finding[];
  /** What somebody has allowed. */
  readonly allowed: readonly Finding[];
  readonly files: number;
  readonly bytes: number;
  /** Why not everything was scanned; empty when it was. */
  readonly problems: readonly string[];
  /** What else people should know; nothing of it changes the verdict. */
  readonly notes: readonly string[];
  readonly skipped: ReadonlyMap<SkippedKind, number>;
}

/** Keeps all of it. */
export class Collector implements Sink, ScanResult {
  readonly findings: Finding[] = [];
  readonly allowed: Finding[] = [];
  readonly problems: string[] = [];
  readonly notes: string[] = [];
  readonly skipped = new Map<SkippedKind, number>();
  files = 0;
  bytes = 0;

  finding(finding: Finding): void {
    (finding.allowed ? this.allowed : this.findings).push(finding);
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  skip(kind: SkippedKind, count: number): void {
    this.skipped.set(kind, (this.skipped.get(kind) ?? 0) + count);
  }

  looked(files: number, bytes: number): void {
    this.files += files;
    this.bytes += bytes;
  }
}

/** Tells all of them the same, in their order. */
export function toAll(sinks: readonly Sink[]): Sink {
  return {
    finding: (finding) => {
      for (const sink of sinks) sink.finding(finding);
    },
    problem: (text) => {
      for (const sink of sinks) sink.problem(text);
    },
    skip: (kind, count) => {
      for (const sink of sinks) sink.skip(kind, count);
    },
    looked: (files, bytes) => {
      for (const sink of sinks) sink.looked(files, bytes);
    },
  };
}
