/**
 * Private keys in PEM, as lines, inside a string with `\n` escapes, or with something before each line. What looks like a line of a key is taken out
 * as it comes, so that a key of any length is never held; only what is between two lines is, until it is known what follows.
 */
import { latin1 } from '../detect/bytes.ts';
import { type Candidate, type Codes, type Cutter, RANK } from './candidate.ts';
import { alphabetTable, BASE64, endOf } from './characters.ts';

export const BEGIN = '-----BEGIN ';
const FIRST_LINE = /^-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/;
const MAY_BE_FIRST_LINE = /^-----BEGIN [A-Z0-9 ]*-{0,5}$/;
const LAST_LINE = /^-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const MAY_BE_LAST_LINE = /^(?:-{1,5}|-----E|-----EN|-----END|-----END [A-Z0-9 ]*-{0,5})$/;
const LONGEST_LINE = 80;
/** Shorter pieces of base64 are words, unless the last line of the key follows. */
const LEAST_PIECE = 16;
/** Behind so many characters without a piece of a key there is none any more. */
const LONGEST_GAP = 1000;
const PIECE = alphabetTable(BASE64);
const BACKSLASH = 0x5c;
const DASH = 0x2d;
const PLUS = 0x2b;
const BETWEEN = Uint8Array.from({ length: 256 }, (_, code) =>
  code < 128 && /[\s"'`,|>#*;&()[\]{}]/.test(String.fromCharCode(code)) ? 1 : 0,
);
const ESCAPED = new Set(Array.from('nrt"\'\\/', (one) => one.charCodeAt(0)));

export class PemCandidate implements Candidate {
  readonly #label: string;
  #start: number;
  #inside = false;
  /** What stands before it was cut, or has been decided not to be. */
  #covered = 0;
  #at = 0;
  /** Nothing but separators since the last cut. */
  #joined = true;

  constructor(label: string, start: number) {
    this.#label = label;
    this.#start = start;
  }

  get hold(): number {
    if (!this.#inside) return this.#start;
    return this.#joined ? this.#covered : this.#at;
  }

  get needs(): number {
    return this.#inside ? this.#covered - 1 : this.#start;
  }

  advance(text: Codes, cut: Cutter): boolean {
    if (!this.#inside) {
      const line = latin1(text.codes, this.#start, Math.min(text.length, this.#start + LONGEST_LINE));
      const first = FIRST_LINE.exec(line);
      if (!first) return text.ended || line.length === LONGEST_LINE || !MAY_BE_FIRST_LINE.test(line);
      const end = this.#start + first[0].length;
      cut({ start: this.#start, end, label: this.#label, rank: RANK.sure });
      this.#inside = true;
      this.#covered = end;
      this.#at = end;
    }
    return this.#go(text, cut);
  }

  /** Piece by piece; true when the key is over. */
  #go(text: Codes, cut: Cutter): boolean {
    const { codes, length, ended } = text;
    while (this.#at < length) {
      if (this.#at - this.#covered > LONGEST_GAP) return true;
      const code = codes[this.#at] ?? 0;
      if (PIECE[code] === 1) {
        const over = this.#piece(text, cut);
        if (over !== null) return over;
      } else if (code === DASH) {
        const last = lastLine(text, this.#at);
        if (last === 'unknown') return false;
        if (last !== null) {
          if (this.#joined) this.#cut(this.#at, last, cut);
          return true;
        }
        if (latin1(codes, this.#at, Math.min(length, this.#at + 5)) === '-----') return true;
        this.#pass(1);
      } else if (code === BACKSLASH) {
        if (this.#at + 1 === length && !ended) return false;
        if (ESCAPED.has(codes[this.#at + 1] ?? 0)) this.#at += 2;
        else this.#pass(1);
      } else if (BETWEEN[code] === 1) this.#at += 1;
      else this.#pass(1);
    }
    this.#at = Math.min(this.#at, length);
    return ended;
  }

  /** At a piece of base64. Null when it is done with, false when it is not known yet what it is, true when the key is over. */
  #piece(text: Codes, cut: Cutter): boolean | null {
    const { codes, length, ended } = text;
    const end = endOf(codes, this.#at, length, PIECE);
    const start = this.#at;
    if (end - start >= LEAST_PIECE || (start === this.#covered && this.#joined && this.#afterCut)) {
      this.#cut(start, end, cut);
      return null;
    }
    if (end === length && !ended) return false;
    // Literals are joined by it.
    if (end - start === 1 && codes[start] === PLUS && this.#joined) {
      this.#at = end;
      return null;
    }
    const behind = endOfSeparators(text, end);
    if (behind === length && !ended) return false;
    const last = lastLine(text, behind);
    if (last === 'unknown') return false;
    if (last !== null) {
      this.#cut(start, last, cut);
      return true;
    }
    this.#pass(end - start);
    return null;
  }

  #afterCut = false;

  /** Together with what was between it and the last cut. */
  #cut(start: number, end: number, cut: Cutter): void {
    const from = this.#joined ? this.#covered - 1 : start;
    cut({ start: from, end, label: this.#label, rank: RANK.sure });
    this.#covered = end;
    this.#at = end;
    this.#joined = true;
    this.#afterCut = true;
  }

  #pass(count: number): void {
    this.#at += count;
    this.#joined = false;
    this.#afterCut = false;
  }

  moved(by: number): void {
    this.#start -= by;
    this.#covered -= by;
    this.#at -= by;
  }
}

function endOfSeparators({ codes, length }: Codes, from: number): number {
  let at = from;
  while (at < length) {
    const code = codes[at] ?? 0;
    if (BETWEEN[code] === 1) at += 1;
    else if (code === BACKSLASH && at + 1 < length && ESCAPED.has(codes[at + 1] ?? 0)) at += 2;
    else if (code === BACKSLASH && at + 1 === length) return length;
    else return at;
  }
  return length;
}

/** Where the last line of a key that begins at `at` ends; null when none does. */
function lastLine({ codes, length, ended }: Codes, at: number): number | 'unknown' | null {
  const line = latin1(codes, at, Math.min(length, at + LONGEST_LINE));
  const match = LAST_LINE.exec(line);
  if (match) return at + match[0].length;
  return !ended && line.length < LONGEST_LINE && MAY_BE_LAST_LINE.test(line) ? 'unknown' : null;
}
