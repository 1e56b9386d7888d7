/**
 * Reads files one after the other into the same memory. Never waits for anything but the disk: a pipe, a socket or a device is not read, and a link
 * only where it was named.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { codeOf } from '../../core/private-file.ts';

export type Read =
  /** All of it. The bytes are those of the reader, up to its next file. */
  | { readonly is: 'whole'; readonly bytes: Buffer }
  /** Too large for that; it comes in pieces, of which this says how many bytes there were. */
  | { readonly is: 'large'; readonly bytes: number; readonly changed: boolean }
  | { readonly is: 'folder' | 'special' | 'link' | 'gone' };

export interface LargeFile {
  /** The first bytes, enough to tell what it is. Says whether it has to be read as a whole all the same. */
  begin(head: Buffer, size: number): boolean;
  piece(bytes: Buffer): void;
}

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const PIECE_BYTES = 1024 * 1024;
/** Longer files come in pieces. */
export const WHOLE_BYTES = 32 * 1024 * 1024;

export class FileReader {
  #memory: Buffer = Buffer.allocUnsafe(PIECE_BYTES);

  /** Throws what opening or reading throws, but for a file that is not there any more. */
  read(path: string | Buffer, follow: boolean, large: LargeFile): Read {
    let file: number;
    try {
      file = openSync(path, follow ? FLAGS : FLAGS | constants.O_NOFOLLOW);
    } catch (error) {
      const is = isMissing(codeOf(error));
      if (is) return { is };
      throw error;
    }
    try {
      return this.#readOpen(file, large);
    } finally {
      closeSync(file);
    }
  }

  #readOpen(file: number, large: LargeFile): Read {
    const stats = fstatSync(file);
    if (!stats.isFile()) return { is: stats.isDirectory() ? 'folder' : 'special' };
    if (stats.size > WHOLE_BYTES) return this.#readLarge(file, stats, large);
    this.#makeRoom(stats.size, 0);
    let length = readSync(file, this.#memory, 0, this.#memory.length, null);
    // As long as it was said to be: that is all. Files of the kernel say that they are empty.
    while (length < stats.size || (stats.size === 0 && length > 0) || length === this.#memory.length) {
      this.#makeRoom(length + PIECE_BYTES, length);
      const more = readSync(file, this.#memory, length, this.#memory.length - length, null);
      if (more === 0) break;
      length += more;
    }
    return { is: 'whole', bytes: this.#memory.subarray(0, length) };
  }

  #readLarge(file: number, before: Stats, large: LargeFile): Read {
    let length = readSync(file, this.#memory, 0, PIECE_BYTES, null);
    if (large.begin(this.#memory.subarray(0, length), before.size)) {
      const whole = Buffer.allocUnsafe(before.size);
      this.#memory.copy(whole, 0, 0, length);
      for (let more = length; more > 0 && length < whole.length; length += more)
        more = readSync(file, whole, length, whole.length - length, null);
      return { is: 'whole', bytes: whole.subarray(0, length) };
    }
    let bytes = 0;
    while (length > 0) {
      bytes += length;
      large.piece(this.#memory.subarray(0, length));
      length = readSync(file, this.#memory, 0, PIECE_BYTES, null);
    }
    const after = fstatSync(file);
    return { is: 'large', bytes, changed: after.size !== before.size || after.mtimeMs !== before.mtimeMs };
  }

  #makeRoom(size: number, used: number): void {
    // One more than it should have, to notice that there is no more.
    if (size < this.#memory.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#memory.length, size + 1));
    this.#memory.copy(larger, 0, 0, used);
    this.#memory = larger;
  }
}

/** A file that was deleted since it was listed holds nothing any more; a link is not followed; a socket cannot be opened. */
function isMissing(code: string): 'gone' | 'link' | 'special' | null {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'gone';
  if (code === 'ELOOP') return 'link';
  return code === 'ENXIO' || code === 'EOPNOTSUPP' || code === 'ENODEV' ? 'special' : null;
}
