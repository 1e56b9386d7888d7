/**
 * How archives are laid out: the files of each, by the directories and heads that programs go by. Whatever does not fit is thrown as an error that says
 * what is wrong with it.
 */

export interface Packed {
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK = 512;

export function* tarFiles(bytes: Buffer): Generator<Packed> {
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

const AR_MAGIC = '!<arch>\n';
const AR_HEAD = 60;

/** Of packages for Debian, and of libraries. */
export function* arFiles(bytes: Buffer): Generator<Packed> {
  for (let at = AR_MAGIC.length; at + AR_HEAD <= bytes.length;) {
    const size = Number.parseInt(bytes.toString('latin1', at + 48, at + 58).trim(), 10);
    const start = at + AR_HEAD;
    if (!(size >= 0) || start + size > bytes.length) throw new Error('it is cut or damaged');
    yield {
      name: bytes
        .toString('latin1', at, at + 16)
        .trim()
        .replace(/\/$/, ''),
      content: bytes.subarray(start, start + size),
    };
    at = start + size + (size % 2);
  }
}

const CPIO_HEAD = 110;
const CPIO_END = 'TRAILER!!!';
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;

/** In the form that packages and initial file systems have. */
export function* cpioFiles(bytes: Buffer): Generator<Packed> {
  for (let at = 0; at + CPIO_HEAD <= bytes.length;) {
    const field = (index: number): number =>
      Number.parseInt(bytes.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [mode, size, nameBytes] = [field(1), field(6), field(11)];
    const nameEnd = at + CPIO_HEAD + nameBytes;
    const start = (nameEnd + 3) & ~3;
    if (!(size >= 0) || !(nameBytes > 0) || start + size > bytes.length)
      throw new Error('it is cut or damaged');
    const name = bytes.toString('utf8', at + CPIO_HEAD, nameEnd - 1);
    if (name === CPIO_END) return;
    if ((mode & FILE_TYPE) === REGULAR) yield { name, content: bytes.subarray(start, start + size) };
    at = (start + size + 3) & ~3;
  }
}

export interface ZipFile {
  readonly name: string;
  readonly method: number;
  readonly packed: Buffer;
  readonly encrypted: boolean;
}

const END_RECORD = 0x06054b50;
const END64_RECORD = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const MOST_COMMENT = 0xffff;
const IN_EXTRA = 0xffffffff;
const ZIP64_EXTRA = 1;

/** By the directory at the end, which is what programs go by. */
export function* zipFiles(bytes: Buffer): Generator<ZipFile> {
  const { count, directory } = zipDirectory(bytes);
  let at = directory;
  for (let index = 0; index < count; index += 1) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== CENTRAL)
      throw new Error('its directory is damaged');
    const flags = bytes.readUInt16LE(at + 8);
    const [nameBytes = 0, extraBytes = 0, commentBytes = 0] = [28, 30, 32].map((offset) =>
      bytes.readUInt16LE(at + offset),
    );
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes);
    const extra = bytes.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes);
    const { packedBytes, local } = sizesOf(bytes, at, extra);
    if (local + 30 > bytes.length || bytes.readUInt32LE(local) !== LOCAL)
      throw new Error('its directory is damaged');
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    if (start + packedBytes > bytes.length) throw new Error('it is cut');
    const packed = bytes.subarray(start, start + packedBytes);
    if (!name.endsWith('/'))
      yield { name, method: bytes.readUInt16LE(at + 10), packed, encrypted: (flags & 1) !== 0 };
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
}

/** What does not fit into four bytes is in the extra field: the size, the packed size and the place, those that are missing, in this order. */
function sizesOf(bytes: Buffer, at: number, extra: Buffer): { packedBytes: number; local: number } {
  const [packed, size, place] = [20, 24, 42].map((offset) => bytes.readUInt32LE(at + offset));
  let field = zip64Field(extra);
  const next = (value = 0): number => {
    if (value !== IN_EXTRA) return value;
    if (field.length < 8) throw new Error('its directory is damaged');
    const large = Number(field.readBigUInt64LE(0));
    field = field.subarray(8);
    return large;
  };
  next(size);
  const packedBytes = next(packed);
  return { packedBytes, local: next(place) };
}

function zip64Field(extra: Buffer): Buffer {
  for (let at = 0; at + 4 <= extra.length;) {
    const size = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === ZIP64_EXTRA) return extra.subarray(at + 4, at + 4 + size);
    at += 4 + size;
  }
  return Buffer.alloc(0);
}

function zipDirectory(bytes: Buffer): { count: number; directory: number } {
  const end = endRecord(bytes);
  const count = bytes.readUInt16LE(end + 10);
  const directory = bytes.readUInt32LE(end + 16);
  if (count !== 0xffff && directory !== IN_EXTRA) return { count, directory };
  const locator = end - LOCATOR_BYTES;
  if (locator < 0 || bytes.readUInt32LE(locator) !== END64_LOCATOR) return { count, directory };
  const record = Number(bytes.readBigUInt64LE(locator + 8));
  if (!(record + 56 <= bytes.length) || bytes.readUInt32LE(record) !== END64_RECORD)
    throw new Error('its directory is damaged');
  return {
    count: Number(bytes.readBigUInt64LE(record + 32)),
    directory: Number(bytes.readBigUInt64LE(record + 48)),
  };
}

function endRecord(bytes: Buffer): number {
  const lowest = Math.max(0, bytes.length - END_BYTES - MOST_COMMENT);
  for (let at = bytes.length - END_BYTES; at >= lowest; at -= 1) {
    if (bytes.readUInt32LE(at) === END_RECORD) return at;
  }
  throw new Error('it is cut: its directory is missing');
}
