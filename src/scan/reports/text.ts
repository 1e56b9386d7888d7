/** For people: what was found where, one place a line, and then what to do, in order. Nothing when nothing was found. */
import type { Finding } from '../finding.ts';
import { describeOwners } from '../owner.ts';
import { bypassesOf, stepsFor } from '../remedy.ts';
import type { Report, ReportOptions } from '../report.ts';
import type { ScanResult } from '../sink.ts';
import { lineOf } from './names.ts';
import { asidesOf, commitOf, placeOf, whatOf } from './words.ts';

/** What nobody would read. */
const MOST_LINES = 100;
/** Of one value: a history can have it in thousands of files. */
const MOST_PLACES = 10;

export class TextReport implements Report {
  readonly #options: ReportOptions;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  finding(): void {
    // At the end, with the others.
  }

  problem(): void {
    // Whoever prints the report says it in its own way.
  }

  skip(): void {
    // Likewise.
  }

  looked(): void {
    // Nobody needs it.
  }

  end(result: ScanResult): void {
    for (const line of this.#lines(result)) this.#options.write(`${line}\n`);
  }

  #lines({ findings, allowed }: ScanResult): string[] {
    const { kind, showAllowed } = this.#options;
    const listed = showAllowed ? allowed.map((finding) => this.#place(finding)) : [];
    if (findings.length === 0) return listed;
    return [
      ...listed,
      ...this.#places(findings),
      '',
      'What to do, in this order:',
      ...stepsFor(kind, findings).flatMap(({ name, lines }, at) =>
        lines.map((line, row) => `${(row === 0 ? `  ${at + 1}. ${name}: ` : '').padEnd(15)}${lineOf(line)}`),
      ),
      ...bypassesOf(kind),
    ];
  }

  #places(findings: readonly Finding[]): string[] {
    const count = new Map<string, number>();
    const lines: string[] = [];
    let folded = 0;
    for (const finding of findings) {
      const places = (count.get(finding.fingerprint) ?? 0) + 1;
      count.set(finding.fingerprint, places);
      // Whose it is is the same at every place.
      const more = places === 1 ? this.#more(finding) : [];
      if (places <= MOST_PLACES && lines.length < MOST_LINES) lines.push(this.#place(finding), ...more);
      else folded += 1;
    }
    if (folded > 0) lines.push(`and ${folded} more, some of them the same values; --json lists all`);
    return lines;
  }

  #more(finding: Finding): string[] {
    const { verified } = finding;
    return [
      ...describeOwners(finding, this.#options.nowMs()),
      ...(verified ? [`${verified.state}: ${verified.reason}`] : []),
    ].map((text) => `    ${lineOf(text)}`);
  }

  #place(finding: Finding): string {
    const { rule, fingerprint } = finding;
    const commit = commitOf(finding);
    const since = commit === '' ? '' : `, commit ${commit}`;
    const tail = asidesOf(finding).map((text) => `; ${text}`);
    return `${this.#strong(placeOf(finding))}: ${whatOf(finding)} [${rule.id}, ${rule.severity}, fingerprint ${fingerprint}${since}]${tail.join('')}`;
  }

  #strong(text: string): string {
    return this.#options.colour() ? `\u001B[1m${text}\u001B[22m` : text;
  }
}
