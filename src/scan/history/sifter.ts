/**
 * Tells objects that surely hold nothing from those that may: a coarse search of many small texts at once, which never says "nothing" of a text in
 * which the search of the whole object would find something. What may hold something is looked at again, one by one.
 */
import { type Depth, findDeep } from '../../detect/deep.ts';
import { CLEAN, PENDING, SUSPECT } from './states.ts';

/** So much is searched in one go. */
const BATCH_BYTES = 256 * 1024;
/** Larger texts are searched where they are. */
const LARGE_BYTES = 64 * 1024;
/** Between two texts: no value goes on over an empty line. */
const NEWLINE = 0x0a;
/** Below that, a loop is faster than a call. */
const SHORT = 32;
const MOST_TEXTS = 8192;

export class Sifter {
  readonly #states: Uint8Array;
  readonly #depth: Depth;
  readonly #batch = Buffer.allocUnsafeSlow(BATCH_BYTES + LARGE_BYTES + 2);
  #size = 0;
  /** Where each text of the batch begins, and whose it is. */
  readonly #starts = new Uint32Array(MOST_TEXTS);
  readonly #objects = new Uint32Array(MOST_TEXTS);
  #count = 0;
  /** Objects of which all texts were added, each with the object that it copies from. */
  readonly #waiting: number[] = [];

  constructor(states: Uint8Array, depth: Depth) {
    this.#states = states;
    this.#depth = depth;
  }

  /** `bytes[from..to)` is a text of the object. */
  add(object: number, bytes: Buffer, from: number, to: number): void {
    if (to - from > LARGE_BYTES) {
      const text = bytes.subarray(from, to);
      if (findDeep(text, 0, text.length, this.#depth).length > 0) this.#states[object] = SUSPECT;
      return;
    }
    if (this.#size >= BATCH_BYTES || this.#count === MOST_TEXTS) this.flush();
    this.#starts[this.#count] = this.#size;
    this.#objects[this.#count] = object;
    this.#count += 1;
    if (to - from > SHORT) bytes.copy(this.#batch, this.#size, from, to);
    else for (let at = from; at < to; at += 1) this.#batch[this.#size + at - from] = bytes[at] as number;
    this.#size += to - from;
    this.#batch[this.#size] = NEWLINE;
    this.#batch[this.#size + 1] = NEWLINE;
    this.#size += 2;
  }

  /**
   * All texts of the object were added. INVARIANT: it is clean only once these were searched, and what it copies from, if it is to be judged with that
   * (`base`, else -1), did not turn out to be suspect.
   */
  settleLater(object: number, base: number): void {
    this.#waiting.push(object, base);
  }

  /** Searches what was put off, and settles what waited for it. */
  flush(): void {
    const states = this.#states;
    let text = 0;
    const batch = this.#batch.subarray(0, this.#size);
    for (const { start, end } of findDeep(batch, 0, batch.length, this.#depth)) {
      while (text + 1 < this.#count && (this.#starts[text + 1] as number) <= start) text += 1;
      // One that reaches over several is of each.
      for (let at = text; at < this.#count && (this.#starts[at] as number) < end; at += 1) {
        states[this.#objects[at] as number] = SUSPECT;
      }
    }
    this.#size = 0;
    this.#count = 0;
    const waiting = this.#waiting;
    for (let at = 0; at < waiting.length; at += 2) {
      const object = waiting[at] as number;
      const base = waiting[at + 1] as number;
      if (base >= 0 && states[base] === SUSPECT) states[object] = SUSPECT;
      else if (states[object] === PENDING) states[object] = CLEAN;
    }
    waiting.length = 0;
  }
}
