/** Client secrets of Azure, which have their mark behind their first four characters: those were let go before it came, and stay. */
import { isOfSecret, MOST_BODY, secretAt } from '../detect/azure-secret.ts';
import type { Rule } from '../detect/rule.ts';
import { type Candidate, type Codes, type Cutter, RANK } from './candidate.ts';

export const MARK = 'Q~';
const BEFORE = 4;

/** From its mark on. Decided where its characters end, or where it is longer than any such value. */
export class ClientSecretCandidate implements Candidate {
  readonly #rule: Rule;
  #start: number;
  #walked: number;

  constructor(rule: Rule, start: number) {
    this.#rule = rule;
    this.#start = start;
    this.#walked = start + MARK.length;
  }

  get hold(): number {
    return this.#start;
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
    if (hit) cut({ start: this.#start, end: hit.end, label: this.#rule.id, rank: RANK.sure });
    return true;
  }

  moved(by: number): void {
    this.#start -= by;
    this.#walked -= by;
  }
}
