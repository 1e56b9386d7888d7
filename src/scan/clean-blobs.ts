/**
 * Remembers which objects of a repository were scanned and held nothing, so that no scan of any kind looks at the same content twice, and
 * one that was cut off goes on where it was. Holds ids of objects alone. It lies in the user's cache and not in the repository: whoever hands out a
 * repository cannot say with it what is clean. Never throws: without a place to keep it, or with a damaged file, it knows less.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { failpoint } from '../core/failpoint.ts';
import type { Look } from './content.ts';
import { engineVersion } from './engine-version.ts';
import { IdSet, sortIds } from './id-set.ts';

export interface CleanBlobsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that all work trees of the repository share (`git rev-parse --git-common-dir`). */
  readonly gitFolder: string;
  /** What is looked for: what is clean for one choice is not for another. */
  readonly depth?: Look;
  /** 32 in a repository that names its objects by SHA-256. */
  readonly idBytes?: number;
}

const MAGIC = 'SPclean1';
/** Magic, bytes of an id, count; the checksum of all that stands before it is at the end. */
const HEAD_BYTES = 16;
const SUM_BYTES = 8;
const ENDING = '.ids';
/** More files than that become one. */
const MOST_FILES = 8;
/** Half a gigabyte of memory; a repository with more is scanned again in part. */
const MOST_IDS = 25_000_000;
/** What another version of the scanner knew, and what is known of a repository that nobody scans any more. */
const STALE_MS = 60 * 24 * 3600 * 1000;

export class CleanBlobs {
  readonly idBytes: number;
  /** Null where nothing can be kept. */
  readonly #folder: string | null;
  readonly #version: string;
  #known: IdSet;
  #fresh = Buffer.alloc(0);
  #freshBytes = 0;

  constructor({ env, gitFolder, depth = {}, idBytes = 20 }: CleanBlobsOptions) {
    this.idBytes = idBytes;
    this.#version = engineVersion(depth);
    this.#folder = folderOf(env, gitFolder);
    this.#known = this.#load();
  }

  /** How many were known at the start. */
  get size(): number {
    return this.#known.size;
  }

  /** Whether the object with the id `id[at..]` is known to hold nothing. What was added since the start is not looked at. */
  has(id: Uint8Array, at = 0): boolean {
    return this.#known.has(id, at);
  }

  /** Likewise, as what its name says that it is: a format of formats/format.ts. */
  hasAs(format: string, id: Uint8Array): boolean {
    return this.#known.size > 0 && this.has(this.#keyOf(format, id));
  }

  addAs(format: string, id: Uint8Array): void {
    this.add(this.#keyOf(format, id));
  }

  #keyOf(format: string, id: Uint8Array): Uint8Array {
    return new Bun.CryptoHasher('sha256', `sallyport.scan.format.${format}`)
      .update(id)
      .digest()
      .subarray(0, this.idBytes);
  }

  /**
   * Notes that this object was scanned as a whole and held nothing, not even what only may be a secret. Says nothing of what a name may tell about it
   * (`addAs`).
   */
  add(id: Uint8Array, at = 0): void {
    if (this.#folder === null || this.#known.size + this.#freshBytes / this.idBytes >= MOST_IDS) return;
    if (this.#freshBytes + this.idBytes > this.#fresh.length) {
      const larger = Buffer.allocUnsafe(Math.max(64 * 1024, 2 * this.#fresh.length));
      this.#fresh.copy(larger, 0, 0, this.#freshBytes);
      this.#fresh = larger;
    }
    for (let index = 0; index < this.idBytes; index += 1) {
      this.#fresh[this.#freshBytes + index] = id[at + index] as number;
    }
    this.#freshBytes += this.idBytes;
  }

  /** Keeps what was added since the last time, as a file of its own: two processes never wait for each other, nor lose what the other kept. */
  save(): void {
    if (this.#folder === null || this.#freshBytes === 0) return;
    try {
      const fresh = sortIds(this.#fresh.subarray(0, this.#freshBytes), this.idBytes);
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#write(this.#folder, fresh);
      this.#freshBytes = 0;
      if (this.#names(this.#folder).length > MOST_FILES) this.#merge(this.#folder);
    } catch {
      // A full disk or a folder that is not ours: the next scan looks again.
    }
  }

  #load(): IdSet {
    const parts: Buffer[] = [];
    if (this.#folder !== null) {
      for (const name of this.#names(this.#folder)) {
        const ids = readIds(join(this.#folder, name), this.idBytes);
        if (ids) parts.push(ids);
      }
    }
    const [first = Buffer.alloc(0)] = parts;
    return new IdSet(parts.length < 2 ? first : sortIds(Buffer.concat(parts), this.idBytes), this.idBytes);
  }

  #names(folder: string): string[] {
    try {
      return readdirSync(folder).filter((name) => name.startsWith(this.#version) && name.endsWith(ENDING));
    } catch {
      return [];
    }
  }

  #write(folder: string, ids: Buffer): void {
    const name = `${this.#version}.${crypto.randomUUID()}`;
    const unfinished = join(folder, `${name}.new`);
    const head = Buffer.alloc(HEAD_BYTES);
    head.write(MAGIC, 'latin1');
    head.writeUInt32BE(this.idBytes, 8);
    head.writeUInt32BE(ids.length / this.idBytes, 12);
    const body = Buffer.concat([head, ids]);
    try {
      writeFileSync(unfinished, Buffer.concat([body, sumOf(body)]), { mode: 0o600 });
      failpoint('in-clean-save');
      renameSync(unfinished, join(folder, `${name}${ENDING}`));
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
  }

  /** All files of this version as one; and those that nobody used for long, or finished, go. */
  #merge(folder: string): void {
    const names = this.#names(folder);
    const parts = names.flatMap((name) => readIds(join(folder, name), this.idBytes) ?? []);
    this.#write(folder, sortIds(Buffer.concat(parts), this.idBytes));
    for (const name of names) rmSync(join(folder, name), { force: true });
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      // Also one of ours that a process left unfinished.
      const isOld = !name.startsWith(this.#version) || !name.endsWith(ENDING);
      if (isOld && isStale(path)) rmSync(path);
    }
    for (const name of readdirSync(dirname(folder))) {
      const other = join(dirname(folder), name);
      if (other !== folder && isStale(other)) rmSync(other, { recursive: true });
    }
  }
}

function isStale(path: string): boolean {
  return Date.now() - statSync(path).mtimeMs > STALE_MS;
}

/** Where the user's programs keep what they can do without. Null when the home folder is not there, as for many a service. */
export function cacheFolder(env: CleanBlobsOptions['env']): string | null {
  const home = env['HOME'] ?? '';
  const cache = env['XDG_CACHE_HOME'] || (home === '' ? '' : join(home, '.cache'));
  return cache.startsWith('/') && existsSync(dirname(cache)) ? join(cache, 'sallyport') : null;
}

function folderOf(env: CleanBlobsOptions['env'], gitFolder: string): string | null {
  const cache = cacheFolder(env);
  if (cache === null) return null;
  let path = resolve(gitFolder);
  try {
    path = realpathSync(path);
  } catch {
    // As it is named, then.
  }
  const repository = new Bun.CryptoHasher('sha256').update(path).digest('hex').slice(0, 24);
  return join(cache, 'clean-blobs', repository);
}

/** Null for a file that is cut, damaged or gone. */
function readIds(path: string, idBytes: number): Buffer | null {
  try {
    const stats = statSync(path);
    // A pipe would be waited for without an end.
    if (!stats.isFile() || stats.size > HEAD_BYTES + SUM_BYTES + MOST_IDS * idBytes) return null;
    const file = readFileSync(path);
    const end = file.length - SUM_BYTES;
    if (end < HEAD_BYTES || file.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
    if (file.readUInt32BE(8) !== idBytes || file.readUInt32BE(12) * idBytes !== end - HEAD_BYTES) return null;
    return sumOf(file.subarray(0, end)).equals(file.subarray(end)) ? file.subarray(HEAD_BYTES, end) : null;
  } catch {
    return null;
  }
}

/** Against accidents: whoever can write there can run programs as the user. */
function sumOf(bytes: Uint8Array): Buffer {
  const sum = Buffer.alloc(SUM_BYTES);
  sum.writeBigUInt64BE(Bun.hash.xxHash64(bytes));
  return sum;
}
