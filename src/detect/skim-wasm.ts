/** Skims text with the program of skim-program.ts: several bytes at a time, for texts that are long enough to be worth the copy. */
import { ANCHORS, type Anchor, FILTERS, GROUP_BITS, GROUPS } from './anchors.ts';
import { ALPHABETS, CLASS } from './bytes.ts';
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
import { LENGTH, MARK, MORE, PREFIXES, RUN_TABLES } from './skim-tables.ts';

const BUCKETS = 8;
const PAD = 0x20;
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
    this.#bytes.set(halvesOf(ANCHORS), LAYOUT.halves);
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

/** The tables by which a half of a byte says which anchors may have it, for key characters and for each place of an anchor. */
function halvesOf(anchors: readonly Anchor[]): Uint8Array {
  const tables = new Uint8Array(4 * 2 * 16);
  const add = (table: number, byte: number, bit: number): void => {
    for (const [index, half] of [byte & 15, byte >> 4].entries()) {
      const at = (2 * table + index) * 16 + half;
      tables[at] = (tables[at] ?? 0) | bit;
    }
  };
  // Each upper half that key characters have gets a bit of its own, so that these tables are exact.
  const bitOf = new Map<string, number>();
  for (let high = 0; high < 16; high += 1) {
    const bytes = Array.from({ length: 16 }, (_, low) => high * 16 + low).filter(
      (byte) => ((CLASS[byte] ?? 0) & ALPHABETS.key.bit) !== 0,
    );
    if (bytes.length === 0) continue;
    const lows = bytes.map((byte) => byte & 15).join(' ');
    if (!bitOf.has(lows)) bitOf.set(lows, 1 << bitOf.size);
    for (const byte of bytes) add(0, byte, bitOf.get(lows) ?? 0);
  }
  for (const [bucket, some] of bucketsOf(anchors).entries()) {
    for (const { places } of some) {
      for (const [place, characters] of places.entries()) {
        const codes =
          characters === '' ? Array.from({ length: 256 }, (_, byte) => byte) : Buffer.from(characters);
        for (const byte of codes) add(place + 1, byte, 1 << bucket);
      }
    }
  }
  return tables;
}

/** Anchors that share halves of bytes lie together, so that few other bytes pass for one. */
function bucketsOf(anchors: readonly Anchor[]): Anchor[][] {
  const buckets = Array.from({ length: BUCKETS }, () => new Bucket());
  for (const anchor of anchors.toSorted((a, b) => weightOf(b.places) - weightOf(a.places))) {
    const [best] = buckets
      .map((bucket) => ({ bucket, cost: bucket.costOf(anchor) }))
      .sort((a, b) => a.cost - b.cost);
    best?.bucket.add(anchor);
  }
  return buckets.map(({ anchors: own }) => own);
}

function weightOf(places: Anchor['places']): number {
  return places.reduce((sum, characters) => sum + (characters === '' ? 100 : characters.length), 0);
}

/** How often a half of a byte is met in source text, roughly. */
const LOWER_CASE = new Set([6, 7]);

class Bucket {
  readonly anchors: Anchor[] = [];
  #cost = 0;

  costOf(anchor: Anchor): number {
    return costOf([...this.anchors, anchor]) - this.#cost;
  }

  add(anchor: Anchor): void {
    this.anchors.push(anchor);
    this.#cost = costOf(this.anchors);
  }
}

/** The share of places in source text that pass, roughly: letters in lower case are most of it. */
function costOf(anchors: readonly Anchor[]): number {
  let cost = 1;
  for (const place of [0, 1, 2] as const) {
    const lows = new Set<number>();
    const highs = new Set<number>();
    for (const { places } of anchors) {
      const characters = places[place];
      const codes =
        characters === '' ? Array.from({ length: 256 }, (_, byte) => byte) : Buffer.from(characters);
      for (const byte of codes) {
        lows.add(byte & 15);
        highs.add(byte >> 4);
      }
    }
    let share = 0;
    for (const high of highs) share += LOWER_CASE.has(high) ? 0.35 : 0.02;
    cost *= (share * lows.size) / 16;
  }
  return cost;
}
