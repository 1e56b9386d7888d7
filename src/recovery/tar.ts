/**
 * The little of tar (POSIX ustar) that a backup needs: plain files, one after the other. The reader takes exactly what the writer makes;
 * links, folders, devices, names out of place, wrong checksums and anything behind the end are refused.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { SallyportError } from '../core/errors.ts';

export interface TarFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const BLOCK = 512;
const CHUNK = 1 << 20;
const MAX_NAME = 100;
/** What eleven octal digits hold. */
const MAX_OCTAL = 8 ** 11;

export class TarWriter {
  readonly #out: FileHandle;
  readonly #mtime: number;

  constructor(out: FileHandle, mtimeMs: number) {
    this.#out = out;
    this.#mtime = Math.floor(mtimeMs / 1000);
  }

  /** Adds the first `bytes` of the file at `path`. Rejects with `store.unavailable` when it has fewer. */
  async addFile(name: string, path: string, bytes: number): Promise<TarFile> {
    const source = await open(path, 'r');
    try {
      await write(this.#out, header(name, bytes, this.#mtime));
      const sha256 = await copy(
        source,
        this.#out,
        bytes,
        `The file ${name} became shorter while it was read.`,
      );
      await write(this.#out, padding(bytes));
      return { name, bytes, sha256 };
    } finally {
      await source.close();
    }
  }

  async addBytes(name: string, content: Uint8Array): Promise<TarFile> {
    await write(this.#out, header(name, content.length, this.#mtime));
    await write(this.#out, content);
    await write(this.#out, padding(content.length));
    return { name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  }

  /** Writes the end mark and waits for the disk. */
  async end(): Promise<void> {
    await write(this.#out, Buffer.alloc(2 * BLOCK));
    await this.#out.sync();
  }
}

/**
 * Writes each file of the archive to where `place` says (new, 0600); `place` throws for a name that it does not expect. Resolves with
 * what was found, in order. Rejects with `store.tampered` for a damaged, cut or foreign archive.
 */
export async function extractTar(path: string, place: (name: string) => string): Promise<TarFile[]> {
  const archive = await open(path, 'r');
  const files: TarFile[] = [];
  try {
    for (;;) {
      const { name, bytes } = parseHeader(await read(archive, BLOCK)) ?? {};
      if (name === undefined || bytes === undefined) break;
      if (files.some((file) => file.name === name)) throw damaged(`${name} is in it twice`);
      const target = await open(place(name), 'wx', 0o600);
      try {
        files.push({ name, bytes, sha256: await copy(archive, target, bytes, 'The archive is cut short.') });
        await target.sync();
      } finally {
        await target.close();
      }
      const rest = padding(bytes).length;
      if (rest > 0 && !(await read(archive, rest)).equals(Buffer.alloc(rest)))
        throw damaged('padding is not empty');
    }
    if (!(await read(archive, BLOCK)).equals(Buffer.alloc(BLOCK))) throw damaged('its end mark is not whole');
    if ((await archive.read(Buffer.alloc(1), 0, 1, null)).bytesRead > 0)
      throw damaged('something is behind its end');
    return files;
  } finally {
    await archive.close();
  }
}

function header(name: string, bytes: number, mtime: number): Buffer {
  if (name.length > MAX_NAME || !/^[\x21-\x7e]+$/.test(name))
    throw new TypeError(`no name for an archive: ${name}`);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 'latin1');
  block.write('0000600\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  if (bytes < MAX_OCTAL) block.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124);
  else {
    // Larger numbers are binary, marked by the first bit.
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(bytes), 128);
  }
  block.write(`${mtime.toString(8).padStart(11, '0')}\0`, 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Null for the end mark. */
function parseHeader(block: Buffer): { readonly name: string; readonly bytes: number } | null {
  if (block.equals(Buffer.alloc(BLOCK))) return null;
  const text = (from: number, length: number): string =>
    block.toString('latin1', from, from + length).split('\0', 1)[0] ?? '';
  const sum = Number.parseInt(text(148, 8), 8);
  const unsummed = Buffer.from(block);
  unsummed.fill(' ', 148, 156);
  if (sum !== checksum(unsummed)) throw damaged('a header is damaged');
  const bytes = block[124] === 0x80 ? Number(block.readBigUInt64BE(128)) : Number.parseInt(text(124, 12), 8);
  const mtime = Number.parseInt(text(136, 12), 8);
  // Whatever differs from what the writer makes (links, prefixes, owners) is not one of ours.
  const name = text(0, MAX_NAME);
  const sane = Number.isSafeInteger(bytes) && bytes >= 0 && Number.isSafeInteger(mtime) && mtime >= 0;
  if (!sane || !/^[\x21-\x7e]+$/.test(name) || !header(name, bytes, mtime).equals(block)) {
    throw damaged('a header is not of the form that Sallyport writes');
  }
  return { name, bytes };
}

function checksum(block: Buffer): number {
  let sum = 0;
  for (const byte of block) sum += byte;
  return sum;
}

function padding(bytes: number): Buffer {
  return Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);
}

async function copy(from: FileHandle, to: FileHandle, bytes: number, tooShort: string): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(Math.min(CHUNK, Math.max(1, bytes)));
  for (let left = bytes; left > 0;) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, left), null);
    if (bytesRead === 0) throw new SallyportError('store.tampered', tooShort, { fix: 'Use another backup.' });
    const part = buffer.subarray(0, bytesRead);
    hash.update(part);
    await write(to, part);
    left -= bytesRead;
  }
  return hash.digest('hex');
}

async function write(out: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await out.write(bytes, done, bytes.length - done, null);
    done += bytesWritten;
  }
}

async function read(archive: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await archive.read(buffer, done, length - done, null);
    if (bytesRead === 0) throw damaged('it is cut short');
    done += bytesRead;
  }
  return buffer;
}

function damaged(detail: string): SallyportError {
  return new SallyportError(
    'store.tampered',
    `The archive is damaged or no backup of Sallyport: ${detail}.`,
    {
      fix: 'Use another backup.',
    },
  );
}
