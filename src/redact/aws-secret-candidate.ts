/** Secret halves of AWS keys behind their name or their id, which may have a plus or a slash so often that no run is long enough to be noticed. */
import { secretIn } from '../detect/aws-secret.ts';
import { examine, type Matcher } from '../detect/examine.ts';
import type { Rule } from '../detect/rule.ts';
import { type Candidate, type Codes, type Cutter, RANK } from './candidate.ts';
import { alphabetTable, BASE64, endOf } from './characters.ts';

/** How values are called. */
export const NAMES = [
  'ecretAccessKey',
  ...['secret_access_key', 'secret-access-key'].flatMap((name) => [name, name.toUpperCase()]),
];
const BEHIND_NAME = 72;
const BEHIND_ID = 240;
/** What is longer is none. */
const LONGEST_TEXT = 64;
const TABLE = alphabetTable(BASE64);
const NAME_BYTES = 21;

/** Looks at each text in base64 in a window of the text, when it is complete, until one is a secret. */
export class AwsSecretCandidate implements Candidate {
  readonly #rule: Rule;
  readonly #id: Matcher | null;
  #idAt: number;
  #at: number;
  #windowEnd: number;
  #held = Infinity;

  /** Behind a name that ends at `end`; or, with the matcher of an id, behind the id that begins at `idAt`. */
  constructor(rule: Rule, end: number, id: Matcher | null = null, idAt = end) {
    this.#rule = rule;
    this.#id = id;
    this.#idAt = idAt;
    this.#at = end;
    this.#windowEnd = end + (id ? BEHIND_ID : BEHIND_NAME);
  }

  get hold(): number {
    return this.#held;
  }

  get needs(): number {
    return this.#idAt - NAME_BYTES;
  }

  advance({ codes, length, ended }: Codes, cut: Cutter): boolean {
    this.#held = Infinity;
    while (this.#at < Math.min(length, this.#windowEnd)) {
      const end = endOf(codes, this.#at, Math.min(length, this.#at + LONGEST_TEXT), TABLE);
      if (end === length && end < this.#at + LONGEST_TEXT && !ended) {
        this.#held = this.#at;
        return false;
      }
      if (end > this.#windowEnd) return true;
      const hit = end === this.#at ? null : secretIn(codes, this.#at, end, this.#rule);
      if (hit && this.#isBehindId(codes)) {
        cut({ start: hit.start, end: hit.end, label: this.#rule.id, rank: RANK.around });
        return true;
      }
      this.#at = Math.max(end, this.#at + 1);
    }
    return ended || this.#at >= this.#windowEnd;
  }

  #isBehindId(codes: Uint8Array): boolean {
    return this.#id === null || examine(codes, this.#idAt, this.#at, this.#id)?.sure === true;
  }

  moved(by: number): void {
    this.#idAt -= by;
    this.#at -= by;
    this.#windowEnd -= by;
    this.#held -= by;
  }
}
