/**
 * Files inside files: gzip, zstd, zip (also as docx, xlsx, jar, wheel and the like), tar, ar and cpio, inside one another too. Whatever is not taken
 * out, because it is encrypted, damaged, of a kind that is not opened or larger than what is safe to unpack, is said, so that it never counts as scanned.
 */
import { arFiles, cpioFiles, type Packed, tarFiles, zipFiles } from './archives.ts';
import { type ContainerKind, containerKind, type OpenedKind } from './container-kinds.ts';

export interface Entry {
  /** From the outermost to the innermost: `backup.tgz!backup.tar!.env`. */
  readonly path: string;
  readonly bytes: Buffer;
}

export interface ContainerLimits {
  /** Of all that is unpacked from one file. */
  readonly bytes: number;
  readonly entries: number;
  readonly depth: number;
}

const LIMITS: ContainerLimits = { bytes: 512 * 1024 * 1024, entries: 100_000, depth: 5 };
const SEPARATOR = '!';

/** Visits every file in a container; a container inside one is opened in turn, and not visited itself. */
export function eachEntry(
  path: string,
  bytes: Buffer,
  visit: (entry: Entry) => void,
  problem: (text: string) => void,
  limits: ContainerLimits = LIMITS,
): void {
  new Unpacker(visit, problem, limits).open(path, bytes, 0);
}

/** More was to be unpacked than is safe: nothing further is. */
class TooMuch extends Error {}

class Unpacker {
  readonly #visit: (entry: Entry) => void;
  readonly #problem: (text: string) => void;
  readonly #depth: number;
  #bytesLeft: number;
  #entriesLeft: number;

  constructor(visit: (entry: Entry) => void, problem: (text: string) => void, limits: ContainerLimits) {
    this.#visit = visit;
    this.#problem = problem;
    this.#depth = limits.depth;
    this.#bytesLeft = limits.bytes;
    this.#entriesLeft = limits.entries;
  }

  open(path: string, bytes: Buffer, depth: number): void {
    const kind = containerKind(bytes);
    if (kind === null) {
      this.#visit({ path, bytes });
      return;
    }
    try {
      if (depth >= this.#depth) throw new TooMuch('there are too many containers inside one another');
      for (const { name, content } of this.#filesOf(kind, bytes, path)) {
        this.#take(content.length);
        this.open(`${path}${SEPARATOR}${name}`, content, depth + 1);
      }
    } catch (error) {
      if (error instanceof TooMuch && depth > 0) throw error;
      const why = error instanceof Error ? error.message : 'it is damaged';
      this.#problem(`${path} was not unpacked: ${why}`);
      // As it is, it may hold something all the same.
      this.#visit({ path, bytes });
    }
  }

  #take(bytes: number): void {
    this.#bytesLeft -= bytes;
    this.#entriesLeft -= 1;
    if (this.#bytesLeft < 0 || this.#entriesLeft < 0)
      throw new TooMuch('it is too large to be unpacked safely');
  }

  #filesOf({ kind, opened }: ContainerKind, bytes: Buffer, path: string): Iterable<Packed> {
    if (!opened) throw new Error(`${kind} is not opened; unpack it and scan what is in it`);
    return this.#files(kind as OpenedKind, bytes, path);
  }

  #files(kind: OpenedKind, bytes: Buffer, path: string): Iterable<Packed> {
    switch (kind) {
      case 'gzip':
        return [{ name: unpackedName(path), content: this.#inflate('gunzipSync', bytes) }];
      case 'zstd':
        return [{ name: unpackedName(path), content: this.#inflate('zstdDecompressSync', bytes) }];
      case 'tar':
        return tarFiles(bytes);
      case 'ar':
        return arFiles(bytes);
      case 'cpio':
        return cpioFiles(bytes);
      case 'zip':
        return this.#zip(bytes, path);
    }
  }

  *#zip(bytes: Buffer, path: string): Generator<Packed> {
    for (const { name, method, packed, encrypted } of zipFiles(bytes)) {
      if (encrypted) this.#problem(`${path}${SEPARATOR}${name} was not unpacked: it is encrypted`);
      else if (method === 0) yield { name, content: packed };
      else if (method === 8) yield { name, content: this.#inflate('inflateRawSync', packed) };
      else if (method === 93) yield { name, content: this.#inflate('zstdDecompressSync', packed) };
      else this.#problem(`${path}${SEPARATOR}${name} was not unpacked: its method ${method} is not known`);
    }
  }

  #inflate(how: 'gunzipSync' | 'inflateRawSync' | 'zstdDecompressSync', bytes: Buffer): Buffer {
    const zlib = process.getBuiltinModule('node:zlib');
    try {
      return zlib[how](bytes, { maxOutputLength: Math.max(1, this.#bytesLeft) });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE') throw new TooMuch('it is too large to be unpacked safely');
      throw new Error('it is damaged', { cause: error });
    }
  }
}

/** What is inside a gzip or a zstd has no name of its own. */
export function unpackedName(path: string): string {
  const name = path.split(/[/!]/).at(-1) ?? path;
  return name.replace(/\.(?:gz|zst)$/i, '').replace(/\.t(?:gz|zst)$/i, '.tar');
}
