/** Marks the findings that the repository's file of allowances allows. What it says of a value holds in every place. */
import { allowHash, type AllowLine, dayOf } from './allow-file.ts';
import type { Finding } from './finding.ts';
import type { Sink, SkippedKind, Stage } from './sink.ts';

export interface Allowances {
  readonly lines: readonly AllowLine[];
  /** The top of the work tree that they are of. */
  readonly top?: string;
  /** Lines that do not hold yet, and what is to be done for that they do. */
  readonly waiting?: { readonly lines: readonly AllowLine[]; readonly until: string };
}

export interface AllowOptions {
  readonly nowMs: number;
  /** Told of the lines that nothing came of, when nothing was left out of the scan. */
  readonly unused?: (lines: readonly AllowLine[]) => void;
}

interface Judgement {
  readonly allowed?: AllowLine;
  readonly remark?: string;
}

export class AllowStage implements Stage {
  readonly #next: Sink;
  readonly #options: AllowOptions;
  readonly #allowances: Allowances;
  readonly #used = new Set<AllowLine>();
  readonly #judged = new Map<string, Judgement>();
  #complete = true;

  constructor(next: Sink, allowances: Allowances, options: AllowOptions) {
    this.#next = next;
    this.#options = options;
    this.#allowances = allowances;
  }

  finding(finding: Finding): void {
    this.#next.finding(this.#judge(finding, this.#allowances));
  }

  problem(text: string): void {
    this.#complete = false;
    this.#next.problem(text);
  }

  skip(kind: SkippedKind, count: number): void {
    this.#next.skip(kind, count);
  }

  looked(files: number, bytes: number): void {
    this.#next.looked(files, bytes);
  }

  end(): Promise<void> {
    const unused = this.#allowances.lines.filter((line) => !this.#used.has(line));
    if (this.#complete && unused.length > 0) this.#options.unused?.(unused);
    return Promise.resolve();
  }

  #judge(finding: Finding, allowances: Allowances): Finding {
    const { rule, fingerprint, allowed, remark } = finding;
    const key = `${rule.id} ${fingerprint}`;
    let judgement = this.#judged.get(key);
    if (!judgement) {
      judgement = this.#judgementOf(rule.id, fingerprint, allowances);
      this.#judged.set(key, judgement);
    }
    if (allowed) return finding;
    if (judgement.allowed) {
      const { reason, until } = judgement.allowed;
      return { ...finding, allowed: { by: 'file', reason, until } };
    }
    const said = [remark, judgement.remark].filter((text) => text !== undefined).join('; ');
    return said === '' ? finding : { ...finding, remark: said };
  }

  #judgementOf(rule: string, fingerprint: string, { lines, waiting }: Allowances): Judgement {
    const fits = (line: AllowLine): boolean =>
      line.rule === rule && line.hash === allowHash(line.salt, rule, fingerprint);
    const today = dayOf(this.#options.nowMs);
    const fitting = lines.filter(fits);
    for (const line of fitting) this.#used.add(line);
    const last = fitting.toSorted((a, b) => (a.until < b.until ? 1 : -1))[0];
    if (last && last.until >= today) return { allowed: last };
    if (waiting?.lines.some((line) => fits(line) && line.until >= today)) return { remark: waiting.until };
    return last ? { remark: `its allowance ended on ${last.until}` } : {};
  }
}
