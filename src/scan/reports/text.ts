/** For people: what was found where, one place a line, and then what to do, in order. Nothing when nothing was found. */
import type { Finding } from '../finding.ts';
import { describeOwners } from '../owner.ts';
import { bypassOf, stepsFor } from '../remedy.ts';
import type { Report, ReportOptions } from '../report.ts';
import type { ScanResult } from '../sink.ts';
import { lineOf } from './names.ts';

/** What nobody would read. */
const MOST_LINES = 100;
/** Of one value: a history can have it in thousands of files. */
const MOST_PLACES = 10;
const COMMIT_DIGITS = 12;

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
    const bypass = bypassOf(kind);
    return [
      ...listed,
      ...this.#places(findings),
      '',
      'What to do, in this order:',
      ...stepsFor(kind, findings).flatMap(({ name, lines }, at) =>
        lines.map((line, row) => `${(row === 0 ? `  ${at + 1}. ${name}: ` : '').padEnd(15)}${lineOf(line)}`),
      ),
      ...(bypass === null ? [] : [bypass]),
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
      ...describeOwners(finding, Date.now()),
      ...(verified ? [`${verified.state}: ${verified.reason}`] : []),
    ].map((text) => `    ${lineOf(text)}`);
  }

  #place({
    rule,
    path,
    line,
    column,
    where,
    fingerprint,
    sure,
    encodings,
    commit,
    allowed,
    remark,
  }: Finding): string {
    const name = lineOf(path);
    const inside = where === undefined ? '' : ` (${lineOf(where)})`;
    const place = line === 0 ? `${name}: in the name of the file` : `${name}:${line}:${column}`;
    const hidden = encodings.length > 0 ? `, in ${encodings.join(' in ')}` : '';
    const since = commit === undefined ? '' : `, commit ${commit.slice(0, COMMIT_DIGITS)}`;
    const what = `${sure ? '' : 'may be: '}${rule.provider} ${rule.what}${hidden}`;
    const tail = [
      ...(allowed ? [`allowed: ${lineOf(allowed.reason)}`] : []),
      ...(remark === undefined ? [] : [lineOf(remark)]),
    ].map((text) => `; ${text}`);
    return `${this.#strong(place)}${inside}: ${what} [${rule.id}, ${rule.severity}, fingerprint ${fingerprint}${since}]${tail.join('')}`;
  }

  #strong(text: string): string {
    return this.#options.colour ? `\u001B[1m${text}\u001B[22m` : text;
  }
}
