/**
 * Client secrets of Azure, which have their mark behind their first four characters. Those are taken out as far as they are of the run that the mark
 * begins in, which is held where values are told by what stands around them; else they were let go before the mark came, and stay.
 */
import { isOfSecret, MOST_BODY, secretAt } from '../detect/azure-secret.ts';
import type { Rule } from '../detect/rule.ts';
import { type Candidate, type Codes, type Cutter, RANK } from './candidate.ts';

export const MARK = 'Q~';
const BEFORE = 4;

/** From its mark on. Decided where its characters end, or where it is longer than any such value. */
export class ClientSecretCandidate implements Candidate {
  readonly #rule: Rule;
  #start: number;
  #lowest: number;
  #walked: number;

  /** What stands before `lowest` may have been let go. */
  constructor(rule: Rule, start: number, lowest: number) {
    this.#rule = rule;
    this.#start = start;
    this.#lowest = Math.max(lowest, start - BEFORE);
    this.#walked = start + MARK.length;
  }

  get hold(): number {
    return this.#lowest;
  }

  get needs(): number {
    return this.#start - BEFORE;
  }

  advance({ codes, length, ended }: Codes, cut: Cutter): boolean {
    const limit = this.#start + MARK.length + MOST_BODY + 1;
    while (this.#walked < Math.min(length, limit) && isOfSecret(codes, this.#walked)) this.#walked += 1;
    if (this.#walked === length && this.#walked < limit && !ended) return false;
    const to = Math.min(length, this.#walked + 1, limit);
    const hit = secretAt(codes, this.#start + 1, Math.max(0, this.#start - BEFORE), to, this.#rule);
    if (hit)
      cut({ start: Math.max(hit.start, this.#lowest), end: hit.end, label: this.#rule.id, rank: RANK.sure });
    return true;
  }

  moved(by: number): void {
    this.#start -= by;
    this.#lowest -= by;
    this.#walked -= by;
  }
}
