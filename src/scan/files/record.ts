/** What a part of a scan came to, kept until its turn: so that findings come in the order of the files, whichever thread saw them. */
import { Secret } from '../../core/secret.ts';
import { RULES } from '../../detect/rules.ts';
import type { Finding } from '../finding.ts';
import type { Sink, SkippedKind } from '../sink.ts';

/** As it goes from one thread to another. The value stays in the process. */
interface SentFinding extends Omit<Finding, 'rule' | 'value'> {
  readonly rule: string;
  readonly value: string;
}

export interface SentRecord {
  readonly findings: readonly SentFinding[];
  readonly problems: readonly string[];
  readonly skipped: readonly SkippedKind[];
  readonly files: number;
  readonly bytes: number;
  /** Folders among the files: repositories of their own. */
  readonly folders: readonly string[];
  /** Of which more is to be told than that they were looked at, or that were not read as a whole. */
  readonly notClean: readonly string[];
}

export class Record implements Sink {
  #findings: Finding[] = [];
  #problems: string[] = [];
  #skipped: SkippedKind[] = [];
  #files = 0;
  #bytes = 0;
  readonly folders: string[] = [];
  readonly notClean: string[] = [];

  get bytes(): number {
    return this.#bytes;
  }

  finding(finding: Finding): void {
    this.#findings.push(finding);
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  skip(kind: SkippedKind, count: number): void {
    for (let index = 0; index < count; index += 1) this.#skipped.push(kind);
  }

  looked(files: number, bytes: number): void {
    this.#files += files;
    this.#bytes += bytes;
  }

  /** Grows with everything that is to be told. */
  get weight(): number {
    return this.#findings.length + this.#problems.length + this.#skipped.length;
  }

  tell(sink: Sink): void {
    sink.looked(this.#files, this.#bytes);
    for (const finding of this.#findings) sink.finding(finding);
    for (const kind of this.#skipped) sink.skip(kind, 1);
    for (const problem of this.#problems) sink.problem(problem);
  }

  toSend(): SentRecord {
    return {
      findings: this.#findings.map((finding) => ({
        ...finding,
        rule: finding.rule.id,
        value: finding.value.revealText((text) => text),
      })),
      problems: this.#problems,
      skipped: this.#skipped,
      files: this.#files,
      bytes: this.#bytes,
      folders: this.folders,
      notClean: this.notClean,
    };
  }

  /** Throws for a rule that is not known here. */
  static received({ findings, problems, skipped, files, bytes, folders, notClean }: SentRecord): Record {
    const record = new Record();
    record.#findings = findings.map((finding) => {
      const rule = RULES.find(({ id }) => id === finding.rule);
      if (!rule) throw new TypeError('a finding has a rule that is not known');
      return { ...finding, rule, value: Secret.fromText(finding.value) };
    });
    record.#problems = [...problems];
    record.#skipped = [...skipped];
    record.looked(files, bytes);
    record.folders.push(...folders);
    record.notClean.push(...notClean);
    return record;
  }
}
