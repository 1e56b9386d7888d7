/**
 * Files inside files: gzip, zip (also as docx, xlsx, jar, wheel and the like) and tar, inside one another too. Whatever is not taken out, because
 * it is encrypted, damaged or larger than what is safe to unpack, is said, so that it never counts as scanned.
 */

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

/** Whether bytes begin as a container does. 262 bytes are enough to tell. */
export function isContainer(bytes: Uint8Array): boolean {
  return kindOf(bytes) !== null;
}

/** Whether a name is that of a container, whose changed lines mean nothing. */
export function hasContainerName(path: string): boolean {
  return /\.(?:zip|docx|xlsx|pptx|odt|ods|odp|jar|war|ear|aar|apk|ipa|whl|nupkg|vsix|xpi|crx|epub|gz|tgz|tar)$/i.test(
    path,
  );
}

type Kind = 'gzip' | 'zip' | 'tar';

const USTAR = [0x75, 0x73, 0x74, 0x61, 0x72] as const;

function kindOf(bytes: Uint8Array): Kind | null {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8) return 'gzip';
  const [first, second, third, fourth] = bytes;
  if (first === 0x50 && second === 0x4b && ((third === 3 && fourth === 4) || (third === 5 && fourth === 6)))
    return 'zip';
  return USTAR.every((byte, at) => bytes[257 + at] === byte) ? 'tar' : null;
}

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
    const kind = kindOf(bytes);
    if (kind === null) {
      this.#visit({ path, bytes });
      return;
    }
    try {
      if (depth >= this.#depth) throw new TooMuch('there are too many containers inside one another');
      for (const { name, content } of this.#files(kind, bytes, path)) {
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

  *#files(kind: Kind, bytes: Buffer, path: string): Generator<{ name: string; content: Buffer }> {
    if (kind === 'gzip') yield { name: gunzippedName(path), content: this.#inflate('gunzipSync', bytes) };
    else if (kind === 'tar') yield* tarFiles(bytes);
    else {
      for (const { name, method, packed, encrypted } of zipFiles(bytes)) {
        if (encrypted) this.#problem(`${path}${SEPARATOR}${name} was not unpacked: it is encrypted`);
        else if (method === 0) yield { name, content: packed };
        else if (method === 8) yield { name, content: this.#inflate('inflateRawSync', packed) };
        else this.#problem(`${path}${SEPARATOR}${name} was not unpacked: its method ${method} is not known`);
      }
    }
  }

  #inflate(how: 'gunzipSync' | 'inflateRawSync', bytes: Buffer): Buffer {
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

/** What is inside a gzip has no name of its own. */
export function gunzippedName(path: string): string {
  const name = path.split(/[/!]/).at(-1) ?? path;
  return name.replace(/\.gz$/i, '').replace(/\.tgz$/i, '.tar');
}

const BLOCK = 512;

function* tarFiles(bytes: Buffer): Generator<{ name: string; content: Buffer }> {
  let long: string | null = null;
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const head = bytes.subarray(at, at + BLOCK);
    if (head.every((byte) => byte === 0)) return;
    const size = tarNumber(head.subarray(124, 136));
    const start = at + BLOCK;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > bytes.length)
      throw new Error('it is cut or damaged');
    const content = bytes.subarray(start, start + size);
    const type = String.fromCharCode(head[156] ?? 0);
    const prefix = textOf(head.subarray(345, 500));
    const name = long ?? `${prefix === '' ? '' : `${prefix}/`}${textOf(head.subarray(0, 100))}`;
    long = null;
    if (type === 'L') long = textOf(content);
    else if (type === 'x') long = /\d+ path=([^\n]*)\n/.exec(content.toString('utf8'))?.[1] ?? null;
    else if (type === '0' || type === '\0' || type === '7') yield { name, content };
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** In octal, or in binary for large files. */
function tarNumber(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(field.length - 8));
  return Number.parseInt(textOf(field).trim() || '0', 8);
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

interface ZipFile {
  readonly name: string;
  readonly method: number;
  readonly packed: Buffer;
  readonly encrypted: boolean;
}

const END_RECORD = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const MOST_COMMENT = 0xffff;

/** By the directory at the end, which is what programs go by. */
function* zipFiles(bytes: Buffer): Generator<ZipFile> {
  const end = endRecord(bytes);
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  if (count === 0xffff || at === 0xffffffff) throw new Error('archives of more than 4 GB are not supported');
  for (let index = 0; index < count; index += 1) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== CENTRAL)
      throw new Error('its directory is damaged');
    const flags = bytes.readUInt16LE(at + 8);
    const packedBytes = bytes.readUInt32LE(at + 20);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) =>
      bytes.readUInt16LE(at + offset),
    );
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + (nameBytes ?? 0));
    if (local + 30 > bytes.length || bytes.readUInt32LE(local) !== LOCAL)
      throw new Error('its directory is damaged');
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    if (start + packedBytes > bytes.length) throw new Error('it is cut');
    const packed = bytes.subarray(start, start + packedBytes);
    if (!name.endsWith('/'))
      yield { name, method: bytes.readUInt16LE(at + 10), packed, encrypted: (flags & 1) !== 0 };
    at += 46 + (nameBytes ?? 0) + (extraBytes ?? 0) + (commentBytes ?? 0);
  }
}

function endRecord(bytes: Buffer): number {
  const lowest = Math.max(0, bytes.length - END_BYTES - MOST_COMMENT);
  for (let at = bytes.length - END_BYTES; at >= lowest; at -= 1) {
    if (bytes.readUInt32LE(at) === END_RECORD) return at;
  }
  throw new Error('it is cut: its directory is missing');
}
