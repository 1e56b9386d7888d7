/**
 * Scans text that comes in pieces, in bounded memory, with the place of each secret. However the text is cut into pieces, the findings are
 * those of the whole.
 */
import { type Depth, findDeep, type Found } from '../detect/deep.ts';
import { LONGEST_VALUE_BYTES, LOOK_BACK_BYTES } from '../detect/detect.ts';
import { MARK_REACH_BYTES, markBehind } from './line-mark.ts';

export interface MarkedFound extends Found {
  /** The reason for which its line allows it; null when it does not, empty when no reason is given. */
  readonly mark: string | null;
}

/** Where in the text: both from 1; the column in units of UTF-16. */
export type OnFound = (found: MarkedFound, line: number, column: number) => void;

const BLOCK_BYTES = 1024 * 1024;
/** A value that begins in the tail may go on in the next piece, and so may the mark behind it. */
const TAIL_BYTES = LONGEST_VALUE_BYTES + MARK_REACH_BYTES;
/** More at once would take more memory, and no less time. */
const MOST_AT_ONCE_BYTES = 4 * BLOCK_BYTES;
const NEWLINE = 0x0a;

export class TextScan {
  readonly #onFound: OnFound;
  readonly #depth: Depth;
  #buffer: Buffer = Buffer.allocUnsafe(64 * 1024);
  #size = 0;
  /** What lies before was searched. */
  #searched = 0;
  /** Up to here lines and columns were counted. */
  #counted = 0;
  #line = 1;
  #column = 1;

  constructor(onFound: OnFound, depth: Depth = {}) {
    this.#onFound = onFound;
    this.#depth = depth;
  }

  /** Begins a text whose first line has this number. */
  start(line: number): void {
    this.#size = 0;
    this.#searched = 0;
    this.#counted = 0;
    this.#line = line;
    this.#column = 1;
  }

  add(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; at += BLOCK_BYTES) this.#append(piece.subarray(at, at + BLOCK_BYTES));
  }

  /** A text that is there as a whole; its first line is the first. */
  whole(text: Buffer): void {
    this.start(1);
    if (text.length > MOST_AT_ONCE_BYTES) {
      this.add(text);
      this.end();
      return;
    }
    // Where it lies: most files are scanned without being copied.
    const own = this.#buffer;
    this.#buffer = text;
    this.#size = text.length;
    try {
      this.end();
    } finally {
      this.#buffer = own;
    }
  }

  /** Searches what is left. */
  end(): void {
    this.#search(this.#size);
    this.#size = 0;
  }

  #append(piece: Uint8Array): void {
    if (this.#size + piece.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(2 * (this.#size + piece.length));
      this.#buffer.copy(larger, 0, 0, this.#size);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#size);
    this.#size += piece.length;
    if (this.#size < BLOCK_BYTES + TAIL_BYTES) return;
    this.#search(this.#size - TAIL_BYTES);
    this.#drop(Math.max(0, this.#searched - LOOK_BACK_BYTES));
  }

  /** Reports the secrets that begin before `end`. */
  #search(end: number): void {
    const bytes = this.#buffer.subarray(0, this.#size);
    let searched = end;
    for (const found of findDeep(bytes, this.#searched, this.#size, this.#depth)) {
      if (found.start >= end) break;
      this.#count(found.start);
      this.#onFound({ ...found, mark: markBehind(bytes, found.end) }, this.#line, this.#column);
      searched = Math.max(searched, found.end);
    }
    this.#searched = searched;
  }

  #drop(end: number): void {
    this.#count(end);
    this.#buffer.copyWithin(0, end, this.#size);
    this.#size -= end;
    this.#searched -= end;
    this.#counted -= end;
  }

  #count(end: number): void {
    let newline = this.#buffer.indexOf(NEWLINE, this.#counted);
    while (newline >= 0 && newline < end) {
      this.#line += 1;
      this.#column = 1;
      this.#counted = newline + 1;
      newline = this.#buffer.indexOf(NEWLINE, this.#counted);
    }
    for (; this.#counted < end; this.#counted += 1) {
      const byte = this.#buffer[this.#counted] ?? 0;
      // Of a character's bytes in UTF-8 the first counts; one of four bytes is two units of UTF-16.
      if ((byte & 0xc0) !== 0x80) this.#column += byte >= 0xf0 ? 2 : 1;
    }
  }
}
