/** Secrets of several parts: JSON Web Tokens, addresses with a password, and what stands behind the name of an HTTP scheme. */
import { latin1 } from '../detect/bytes.ts';
import { connectionAt } from '../detect/connection.ts';
import { jwtAt } from '../detect/jwt.ts';
import type { Rule } from '../detect/rule.ts';
import { type Candidate, type Codes, type Cutter, RANK } from './candidate.ts';
import { CREDENTIAL, endOf, HOST, KEY_TABLE, SPACE } from './characters.ts';

const DOT = 0x2e;
const COLON = 0x3a;
const AT_SIGN = 0x40;

/** How a JSON object in base64url begins. */
export const OBJECT = 'eyJ';
const LONGEST_HEAD = 2048;
const LONGEST_PAYLOAD = 8192;
const LEAST_SIGNATURE = 40;

/** Held from its first character to the 40th of its signature, which it takes to tell it from other base64 with dots. */
export class JwtCandidate implements Candidate {
  readonly #rule: Rule;
  #start: number;
  #headEnd = -1;
  #payloadEnd = -1;
  #walked: number;

  constructor(rule: Rule, start: number) {
    this.#rule = rule;
    this.#start = start;
    this.#walked = start;
  }

  get hold(): number {
    return this.#start;
  }

  get needs(): number {
    return this.#start;
  }

  advance(text: Codes, cut: Cutter): boolean {
    const { codes, length } = text;
    if (this.#headEnd < 0) {
      this.#walked = endOf(codes, this.#walked, Math.min(length, this.#start + LONGEST_HEAD + 1), KEY_TABLE);
      if (this.#walked - this.#start > LONGEST_HEAD) return true;
      if (this.#walked < length && codes[this.#walked] !== DOT) return true;
      // The next part has to be seen to begin.
      for (let index = 0; index < OBJECT.length; index += 1) {
        const at = this.#walked + 1 + index;
        if (at >= length) return text.ended;
        if (codes[at] !== OBJECT.charCodeAt(index)) return true;
      }
      this.#headEnd = this.#walked;
      this.#walked += 1;
    }
    if (this.#payloadEnd < 0) {
      const farthest = this.#headEnd + LONGEST_PAYLOAD;
      this.#walked = endOf(codes, this.#walked, Math.min(length, farthest), KEY_TABLE);
      if (this.#walked === farthest) {
        // Two objects with a dot between are one in all likelihood; what is longer than can be held is taken out.
        cut({ ...this.#cut(farthest), goesOn: CREDENTIAL });
        return true;
      }
      if (this.#walked === length) return text.ended;
      if (codes[this.#walked] !== DOT) return true;
      this.#payloadEnd = this.#walked;
      this.#walked += 1;
    }
    const enough = this.#payloadEnd + 1 + LEAST_SIGNATURE;
    this.#walked = endOf(codes, this.#walked, Math.min(length, enough), KEY_TABLE);
    if (this.#walked < enough) return this.#walked < length || text.ended;
    if (jwtAt(codes, this.#start, this.#headEnd, enough, this.#rule)) {
      cut({ ...this.#cut(enough), goesOn: KEY_TABLE });
    }
    return true;
  }

  #cut(end: number): { start: number; end: number; label: string; rank: number } {
    return { start: this.#start, end, label: this.#rule.id, rank: RANK.sure };
  }

  moved(by: number): void {
    this.#start -= by;
    this.#walked -= by;
    this.#headEnd = Math.max(-1, this.#headEnd - by);
    this.#payloadEnd = Math.max(-1, this.#payloadEnd - by);
  }
}

export const SEPARATOR = '://';
const LONGEST_SCHEME = 32;
const LONGEST_USER = 128;
const LONGEST_PASSWORD = 200;
const LONGEST_HOST = 201;
/** What neither a user nor a password of an address has: see connection.ts of the scanner. */
const ENDS_USER = tableOf(' \t\n\v\f\r/?#"\'`<>{}$\\');

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

/** An address, from its `://` on. Held from the first character of the password to the end of the host, which tells an example. */
export class ConnectionCandidate implements Candidate {
  readonly #rule: Rule;
  #separator: number;
  #password = -1;
  #host = -1;
  #walked: number;

  constructor(rule: Rule, separator: number) {
    this.#rule = rule;
    this.#separator = separator;
    this.#walked = separator + SEPARATOR.length;
  }

  get hold(): number {
    return this.#password < 0 ? Infinity : this.#password;
  }

  get needs(): number {
    return this.#separator - LONGEST_SCHEME;
  }

  advance(text: Codes, cut: Cutter): boolean {
    const { codes, length } = text;
    const user = this.#separator + SEPARATOR.length;
    while (this.#host < 0) {
      if (this.#walked === length) return text.ended;
      const code = codes[this.#walked] ?? 0;
      if (ENDS_USER[code] === 1) return true;
      if (this.#password < 0) {
        if (code === AT_SIGN || this.#walked - user > LONGEST_USER) return true;
        if (code === COLON) this.#password = this.#walked + 1;
      } else {
        if (this.#walked - this.#password > LONGEST_PASSWORD) return true;
        if (code === AT_SIGN) this.#host = this.#walked + 1;
      }
      this.#walked += 1;
    }
    const farthest = this.#host + LONGEST_HOST;
    this.#walked = endOf(codes, this.#walked, Math.min(length, farthest), HOST);
    if (this.#walked === length && this.#walked < farthest && !text.ended) return false;
    const from = Math.max(0, this.#separator - LONGEST_SCHEME);
    if (connectionAt(codes, this.#separator, { from, to: this.#walked }, this.#rule)) {
      const end = this.#host - 1;
      cut({ start: this.#password, end, label: this.#rule.id, rank: RANK.vague });
    }
    return true;
  }

  moved(by: number): void {
    this.#separator -= by;
    this.#walked -= by;
    if (this.#password >= 0) this.#password -= by;
    if (this.#host >= 0) this.#host -= by;
  }
}

export const HTTP_CREDENTIAL = 'http-credential';
const MOST_SPACES = 32;
const LEAST_CREDENTIAL = 8;
const LONGEST_WORD = 64;
const HEADER_BYTES = 40;
const BEHIND_HEADER = /authorization["'\]\\]{0,3}\s*[:=]\s*["'\\]{0,3}(?:bearer|basic)$/i;
/** Each start of a word is one, so that what is none stays none. One way to read each piece, so that none takes long. */
const WORDS = /^(?:[A-Z]?[a-z]*|[A-Z]{2,})(?:[-./=](?:[A-Z]?[a-z]*|[A-Z]{2,}))*$/;

/**
 * What stands behind the word `Bearer` or `Basic`. Only what is no word, unless it is in a header: "basic understanding" is none. Held until that is
 * known.
 */
export class CredentialCandidate implements Candidate {
  readonly #evenWords: boolean;
  #schemeEnd: number;
  #start = -1;

  constructor(schemeEnd: number, evenWords: boolean) {
    this.#schemeEnd = schemeEnd;
    this.#evenWords = evenWords;
  }

  get hold(): number {
    return this.#start < 0 ? Infinity : this.#start;
  }

  get needs(): number {
    return this.#schemeEnd - HEADER_BYTES;
  }

  advance({ codes, length, ended }: Codes, cut: Cutter): boolean {
    if (this.#start < 0) {
      const farthest = this.#schemeEnd + MOST_SPACES + 1;
      const start = endOf(codes, this.#schemeEnd, Math.min(length, farthest), SPACE);
      if (start === length) return start === farthest || ended;
      if (start === this.#schemeEnd || start === farthest || CREDENTIAL[codes[start] ?? 0] !== 1) return true;
      this.#start = start;
    }
    const end = endOf(codes, this.#start, Math.min(length, this.#start + LONGEST_WORD), CREDENTIAL);
    const size = end - this.#start;
    const over = end < length || ended;
    if (size < LEAST_CREDENTIAL) return over;
    const telling =
      this.#evenWords ||
      size === LONGEST_WORD ||
      !WORDS.test(latin1(codes, this.#start, end)) ||
      this.#inHeader(codes);
    if (telling) {
      const start = this.#start;
      cut({ start, end, label: HTTP_CREDENTIAL, rank: RANK.vague + 1, goesOn: CREDENTIAL });
    }
    return telling || over;
  }

  #inHeader(codes: Uint8Array): boolean {
    return BEHIND_HEADER.test(latin1(codes, Math.max(0, this.#schemeEnd - HEADER_BYTES), this.#schemeEnd));
  }

  moved(by: number): void {
    this.#schemeEnd -= by;
    if (this.#start >= 0) this.#start -= by;
  }
}
