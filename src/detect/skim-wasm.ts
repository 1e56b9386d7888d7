/** Skims text with the program of skim-program.ts: several bytes at a time, for texts that are long enough to be worth the copy. */
import { FILTERS, GROUP_BITS, GROUPS } from './anchors.ts';
import { CLASS } from './bytes.ts';
import { goesOn, isDash } from './context.ts';
import { GLUES } from './examine.ts';
import { isHexDigit, PLACES } from './encoded-runs.ts';
import { PLAIN } from './escapes.ts';
import { BESIDE, isIndent, isSpace, QUOTES } from './joined.ts';
import { KINDS } from './lifelike.ts';
import type { ContextShape } from './rule.ts';
import { RULES } from './rules.ts';
import { USE } from './run-use.ts';
import { EVENT_BYTES, LAYOUT, PAD_BYTES, skimProgram } from './skim-program.ts';
import { halfTables } from './half-tables.ts';
import { LENGTH, MARK, MORE, PREFIXES, RUN_TABLES } from './skim-tables.ts';

const PAD = 1;
/** A file of usual length fits; more is made room for. */
const FIRST_TEXT_BYTES = 2 * 1024 * 1024;
const PAGE_BYTES = 65_536;
/** Looks at what stands before a run go no farther. */
const BEFORE_BYTES = 256;

export interface Skimmed {
  /** Three numbers each: see `EVENT_BYTES`. In order of where they were noticed: a run at its end. */
  readonly events: Int32Array;
  readonly hasZero: boolean;
}

type Run = (at: number, to: number, groups: number, uses: number) => number;

export class WasmSkimmer {
  readonly #memory: WebAssembly.Memory;
  readonly #run: Run;
  #bytes: Uint8Array;
  #numbers: Int32Array;

  /** Throws where the processor or the runtime lacks the instructions. */
  constructor() {
    const module = new WebAssembly.Module(skimProgram(FIRST_TEXT_BYTES));
    const { memory, run } = new WebAssembly.Instance(module).exports;
    if (!(memory instanceof WebAssembly.Memory) || typeof run !== 'function')
      throw new TypeError('no program');
    this.#memory = memory;
    this.#run = run as Run;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#numbers = new Int32Array(memory.buffer);
    this.#bytes.set(CLASS, RUN_TABLES.classes);
    setRunTables(this.#bytes);
    setPrefixes(this.#bytes, this.#numbers);
    for (const [at, filter] of FILTERS.entries()) this.#numbers.set(filter, (LAYOUT.filters + 1024 * at) / 4);
    this.#bytes.set(halfTables(), LAYOUT.halves);
  }

  /** Places are those in `bytes`; what is noticed lies in `bytes[from..to)`. `uses`: see run-use.ts. */
  skim(bytes: Uint8Array, from: number, to: number, uses: number): Skimmed {
    const end = LAYOUT.text + to - from;
    this.#makeRoom(end + PAD_BYTES);
    // What stands before is looked at, as far as there is any.
    const before = Math.min(from, BEFORE_BYTES);
    this.#bytes.set(bytes.subarray(from - before, to), LAYOUT.text - before);
    if (before < BEFORE_BYTES) this.#bytes.fill(0, LAYOUT.text - BEFORE_BYTES, LAYOUT.text - before);
    this.#bytes.fill(PAD, end, end + PAD_BYTES);
    const numbers = this.#numbers;
    numbers[LAYOUT.run / 4] = -1;
    numbers[LAYOUT.zero / 4] = 0;
    numbers[LAYOUT.prefix / 4] = 0;
    const parts: Int32Array[] = [];
    for (let at: number = LAYOUT.text; at <= end; at = numbers[LAYOUT.at / 4] ?? 0) {
      const size = this.#run(at, end, GROUP_BITS, uses);
      if (size > 0) parts.push(numbers.slice(LAYOUT.events / 4, (LAYOUT.events + size) / 4));
    }
    const events = joined(parts);
    for (let at = 0; at < events.length; at += EVENT_BYTES / 4) {
      events[at] = (events[at] ?? 0) - LAYOUT.text + from;
      const last = events[at + 1] ?? -1;
      if (last >= 0) events[at + 1] = last - LAYOUT.text + from;
    }
    return { events, hasZero: numbers[LAYOUT.zero / 4] !== 0 };
  }

  #makeRoom(end: number): void {
    const missing = end - this.#bytes.length;
    if (missing <= 0) return;
    this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#numbers = new Int32Array(this.#memory.buffer);
  }
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function setRunTables(memory: Uint8Array): void {
  const mark = (table: number, bit: number, test: (byte: number) => boolean): void => {
    for (let byte = 0; byte < 256; byte += 1)
      if (test(byte)) memory[table + byte] = (memory[table + byte] ?? 0) | bit;
  };
  const { marks, more, lengths } = RUN_TABLES;
  memory.set(PLACES, marks);
  mark(marks, MARK.quote, (byte) => QUOTES.has(byte));
  mark(marks, MARK.beside, (byte) => BESIDE.has(byte));
  mark(marks, MARK.space, isSpace);
  mark(marks, MARK.indent, isIndent);
  mark(more, MORE.hexDigit, isHexDigit);
  mark(more, MORE.upperDigit, (byte) => byte >= 0x32 && byte <= 0x37);
  mark(more, MORE.goesOn, goesOn);
  mark(more, MORE.glues, (byte) => GLUES.has(byte));
  mark(more, MORE.dash, isDash);
  mark(more, MORE.plain, (byte) => PLAIN.test(String.fromCharCode(byte)));
  mark(more, MORE.lineEnd, (byte) => byte === 0x0a || byte === 0x0d || byte === 0x5c);
  memory.set(KINDS, RUN_TABLES.kinds);
  for (const { shape, onRequest } of RULES) {
    if (shape.by !== 'context') continue;
    for (const [least, most] of shape.lengths)
      mark(
        lengths,
        onRequest ? USE.generic : conditionOf(shape),
        (length) => length >= least && length <= most,
      );
  }
}

/** What a value of the rule has to be like, as far as the program can tell. */
function conditionOf({ alphabet, scrambled }: ContextShape): number {
  if (scrambled === true) return LENGTH.scrambled;
  if (alphabet === 'hex') return LENGTH.hex;
  return alphabet === 'alnum' ? LENGTH.alnum : USE.context;
}

/** See `PREFIXES`. */
function setPrefixes(memory: Uint8Array, numbers: Int32Array): void {
  let at: number = PREFIXES.lists;
  for (const [group, matchers] of GROUPS.entries()) {
    numbers[PREFIXES.heads / 4 + group] = at;
    for (const prefix of new Set(matchers.map((matcher) => matcher.prefix))) {
      memory[at] = prefix.length;
      memory.set(Buffer.from(prefix), at + 1);
      at += prefix.length + 1;
    }
    at += 1;
  }
  if (at > PREFIXES.end) throw new TypeError('there are too many prefixes');
}
