/**
 * Takes secrets out of a text while it passes: `push` gives back what can be let go, `end` the rest. The output is the same however the text is cut
 * into pieces. What is held back is only what could be a part of a secret, and never more than `MOST_HELD` characters. Runs in every JavaScript
 * runtime; nothing here reads a clock, a file or the environment.
 */
import { utf8 } from './codes.ts';
import { type Plan, planFor } from './plan.ts';
import type { RedactOptions, Redactor } from './public.ts';
import { Sieve, type Visitor } from './sieve.ts';

export type { RedactOptions, Redactor } from './public.ts';
export { MOST_HELD } from './sieve.ts';

export function markOf(rule: string): string {
  return `[redacted ${rule}]`;
}

/** For text. Throws a TypeError for options that cannot be meant. */
export function createRedactor(options: RedactOptions = {}): Redactor<string> {
  return new TextRedactor(planFor(options), options.mark ?? markOf);
}

/** For bytes in UTF-8, cut anywhere; bytes that are no text pass as they are. */
export function createByteRedactor(options: RedactOptions = {}): Redactor<Uint8Array> {
  return new ByteRedactor(planFor(options), options.mark ?? markOf);
}

let usual: Redactor<string> | undefined;

/** `text` as a whole. */
export function redactText(text: string, options?: RedactOptions): string {
  const redactor = options ? createRedactor(options) : (usual ??= createRedactor());
  const start = redactor.push(text);
  return start + redactor.end();
}

class Counts extends Map<string, number> {
  count(rule: string): void {
    this.set(rule, (this.get(rule) ?? 0) + 1);
  }
}

class TextRedactor implements Redactor<string> {
  readonly found = new Counts();
  readonly #visitor: Visitor;
  readonly #sieve: Sieve;
  #held = '';
  /** What the sieve speaks of, and where it begins there. */
  #text = '';
  #base = 0;
  #out = '';

  constructor(plan: Plan, mark: (rule: string) => string) {
    this.#sieve = new Sieve(plan);
    this.#visitor = {
      keep: (from, to) => {
        this.#out += this.#text.slice(from - this.#base, to - this.#base);
      },
      replace: (rule) => {
        this.found.count(rule);
        this.#out += mark(rule);
      },
    };
  }

  get held(): number {
    return this.#held.length;
  }

  push(piece: string): string {
    const sieve = this.#sieve;
    const count = sieve.readText(piece, 0);
    if (count < piece.length) return this.#pushLong(piece, count);
    const base = sieve.done;
    const safe = sieve.settle();
    if (!sieve.isPlain) return this.#tell(piece, base, safe);
    sieve.done = safe;
    // What was read is not joined with what is held before that is needed: joining costs more than all the rest.
    const held = this.#held;
    const ofPiece = safe - base - held.length;
    if (safe === base) {
      this.#held = held + piece;
      return '';
    }
    if (ofPiece < 0) {
      this.#held = held.slice(safe - base) + piece;
      return held.slice(0, safe - base);
    }
    if (ofPiece === piece.length) {
      this.#held = '';
      return held + piece;
    }
    this.#held = piece.slice(ofPiece);
    return held + piece.slice(0, ofPiece);
  }

  /** A piece of which `count` characters were read. */
  #pushLong(piece: string, count: number): string {
    const sieve = this.#sieve;
    let out = '';
    let from = 0;
    for (let read = count; read > 0; read = from < piece.length ? sieve.readText(piece, from) : 0) {
      const base = sieve.done;
      out += this.#tell(piece.slice(from, from + read), base, sieve.settle());
      from += read;
    }
    return out;
  }

  /** What can be let go, with what is to be replaced in it. */
  #tell(piece: string, base: number, safe: number): string {
    this.#text = this.#held + piece;
    this.#base = base;
    this.#out = '';
    this.#sieve.tell(safe, this.#visitor);
    this.#held = this.#text.slice(safe - base);
    this.#text = '';
    return this.#out;
  }

  release(): string {
    const held = this.#held;
    if (!this.#sieve.release()) return '';
    this.#held = '';
    return held;
  }

  end(): string {
    this.#text = this.#held;
    this.#base = this.#sieve.done;
    this.#out = '';
    this.#sieve.end(this.#visitor);
    this.#held = '';
    this.#text = '';
    this.#sieve.reset();
    return this.#out;
  }
}

const FIRST_OUTPUT = 256;
/** What one large piece needed is not kept for the small ones after it. */
const MOST_KEPT_OUTPUT = 1024 * 1024;

class ByteRedactor implements Redactor<Uint8Array> {
  readonly found = new Counts();
  readonly #visitor: Visitor;
  readonly #sieve: Sieve;
  #out = new Uint8Array(FIRST_OUTPUT);
  #size = 0;

  constructor(plan: Plan, mark: (rule: string) => string) {
    this.#sieve = new Sieve(plan);
    this.#visitor = {
      keep: (from, to) => this.#append(this.#sieve.codes.subarray(from, to)),
      replace: (rule) => {
        this.found.count(rule);
        this.#append(utf8(mark(rule)));
      },
    };
  }

  get held(): number {
    return this.#sieve.length - this.#sieve.done;
  }

  push(piece: Uint8Array): Uint8Array {
    this.#size = 0;
    for (let from = 0; from < piece.length;) {
      from += this.#sieve.readBytes(piece, from);
      this.#sieve.tell(this.#sieve.settle(), this.#visitor);
    }
    return this.#taken();
  }

  #taken(): Uint8Array {
    const taken = this.#out.slice(0, this.#size);
    if (this.#out.length > MOST_KEPT_OUTPUT) this.#out = new Uint8Array(FIRST_OUTPUT);
    return taken;
  }

  release(): Uint8Array {
    const from = this.#sieve.done;
    return this.#sieve.release() ? this.#sieve.codes.slice(from, this.#sieve.done) : new Uint8Array();
  }

  end(): Uint8Array {
    this.#size = 0;
    this.#sieve.end(this.#visitor);
    this.#sieve.reset();
    return this.#taken();
  }

  #append(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#out.length) {
      const larger = new Uint8Array(2 * (this.#size + bytes.length));
      larger.set(this.#out.subarray(0, this.#size));
      this.#out = larger;
    }
    this.#out.set(bytes, this.#size);
    this.#size += bytes.length;
  }
}
