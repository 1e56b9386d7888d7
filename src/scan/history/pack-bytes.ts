/** The bytes of a pack: mapped, or read in large pieces where the file is too large for that. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const MOST_MAPPED_BYTES = 2 ** 31 - 1;
const PIECE_BYTES = 4 * 1024 * 1024;

export class PackBytes implements Disposable {
  readonly size: number;
  readonly #mapped: Uint8Array | null;
  readonly #file: number;
  #piece = Buffer.alloc(0);
  #pieceAt = 0;

  constructor(path: string, mostMappedBytes = MOST_MAPPED_BYTES) {
    this.#file = openSync(path, 'r');
    this.size = fstatSync(this.#file).size;
    this.#mapped = this.size > 0 && this.size <= mostMappedBytes ? Bun.mmap(path, { shared: true }) : null;
  }

  /** `[from..to)`, valid until the next call; shorter at the end of the file. */
  read(from: number, to: number): Uint8Array {
    if (this.#mapped) return this.#mapped.subarray(from, to);
    if (from < this.#pieceAt || to > this.#pieceAt + this.#piece.length) this.#load(from, to);
    return this.#piece.subarray(from - this.#pieceAt, to - this.#pieceAt);
  }

  #load(from: number, to: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(PIECE_BYTES, to - from));
    let size = 0;
    while (size < bytes.length) {
      const length = readSync(this.#file, bytes, size, bytes.length - size, from + size);
      if (length === 0) break;
      size += length;
    }
    this.#piece = bytes.subarray(0, size);
    this.#pieceAt = from;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
