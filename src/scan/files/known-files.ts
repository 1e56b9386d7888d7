/**
 * Which files need not be looked at again: those in which nothing was found, and which nobody has touched since. INVARIANT: a file that is not as it was when
 * it was scanned is never known. What is kept per file is a digest of its path, its place on the disk, its size and its times to the nanosecond; the time of
 * the last change of state (ctime) cannot be set by a program, and every write sets it. Git's object ids are not enough: git goes by whole seconds, and its
 * files may be converted (docs/adr/0046). It lies in the user's cache: whoever hands out a tree cannot say with it what is clean, and whoever can write there
 * can run programs as the user. Never throws: without a place to keep it, or with a damaged file, it knows less.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../clean-blobs.ts';
import type { ContentOptions } from '../content.ts';
import { engineVersion } from '../engine-version.ts';
import { IdSet, sortIds } from '../id-set.ts';
import { type NamedFile, pathOf } from './file-names.ts';

const KEY_BYTES = 20;
const SUM_BYTES = 8;
const MOST_BYTES = 64 * 1024 * 1024;
const STALE_MS = 30 * 24 * 3600 * 1000;
/** A write in the same tick of the kernel's clock leaves the times as they are: what is so young is looked at again. */
const TICK_NS = 20_000_000n;

export interface KnownFilesOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What was asked for: each such list of paths, with what is looked for, has a memory of its own, no longer than the list of its files. */
  readonly paths: readonly string[];
  readonly content: ContentOptions;
}

export class KnownFiles {
  readonly #cwd: string;
  readonly #path: string | null;
  /** What stands before the keys: another scanner, or another choice, knows nothing. */
  readonly #head: Buffer;
  readonly #known: IdSet;
  /** By the name that is shown, as the file was before it was scanned. */
  readonly #keys = new Map<string, Buffer>();
  readonly #startNs = BigInt(Date.now()) * 1_000_000n;

  constructor({ env, cwd, paths, content }: KnownFilesOptions) {
    this.#cwd = cwd;
    const folder = cacheFolder(env);
    const { generic = false, images, possible = false } = content;
    const asked = JSON.stringify([realPath(cwd), paths, generic, images !== undefined, possible]);
    this.#path = folder === null ? null : join(folder, 'clean-files', digest(asked).toString('hex'));
    this.#head = Buffer.from(`SPfiles1 ${engineVersion(content)} ${content.possible === true}\n`);
    this.#known = new IdSet(this.#path === null ? Buffer.alloc(0) : this.#load(this.#path), KEY_BYTES);
  }

  /** Whether nothing was found in the file when it was as it is. */
  has(file: NamedFile): boolean {
    if (this.#path === null) return false;
    const key = this.#keyOf(file);
    if (key === null) return false;
    this.#keys.set(file.shown, key);
    return this.#known.has(key);
  }

  /** Keeps what is clean of all that was asked for. `isClean` says what the scan came to. */
  remember(isClean: (shown: string) => boolean): void {
    if (this.#path === null) return;
    const keys: Buffer[] = [];
    let fresh = 0;
    for (const [shown, key] of this.#keys) {
      const known = this.#known.has(key);
      if (!known && !isClean(shown)) continue;
      keys.push(key);
      if (!known) fresh += 1;
    }
    if (fresh === 0) return;
    try {
      this.#save(this.#path, sortIds(Buffer.concat(keys), KEY_BYTES));
    } catch {
      // A full disk or a folder that is not ours: the next scan looks again.
    }
  }

  /** Null for what is no file, or was touched just now. */
  #keyOf(file: NamedFile): Buffer | null {
    const path = pathOf(this.#cwd, file);
    let stats;
    try {
      stats = lstatSync(path, { bigint: true });
    } catch {
      return null;
    }
    const { dev, ino, size, mtimeNs, ctimeNs } = stats;
    if (!stats.isFile() || ctimeNs + TICK_NS > this.#startNs) return null;
    const name = typeof path === 'string' ? path : path.toString('latin1');
    return digest(`${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs} ${name}`);
  }

  #load(path: string): Buffer {
    try {
      const stats = statSync(path);
      if (!stats.isFile() || stats.size > MOST_BYTES) return Buffer.alloc(0);
      const file = readFileSync(path);
      const end = file.length - SUM_BYTES;
      const start = this.#head.length;
      if (end < start || !file.subarray(0, start).equals(this.#head)) return Buffer.alloc(0);
      if (!sumOf(file.subarray(0, end)).equals(file.subarray(end))) return Buffer.alloc(0);
      return (end - start) % KEY_BYTES === 0 ? file.subarray(start, end) : Buffer.alloc(0);
    } catch {
      return Buffer.alloc(0);
    }
  }

  /** As a whole or not at all; of two at the same time the last one counts, and either is right. */
  #save(path: string, keys: Buffer): void {
    const folder = join(path, '..');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const unfinished = `${path}.${crypto.randomUUID()}.new`;
    const body = Buffer.concat([this.#head, keys]);
    try {
      writeFileSync(unfinished, Buffer.concat([body, sumOf(body)]), { mode: 0o600 });
      renameSync(unfinished, path);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
    for (const name of readdirSync(folder)) {
      const other = join(folder, name);
      if (Date.now() - statSync(other).mtimeMs > STALE_MS) rmSync(other, { force: true });
    }
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function digest(text: string): Buffer {
  return new Bun.CryptoHasher('sha1').update(text).digest();
}

/** Against accidents. */
function sumOf(bytes: Uint8Array): Buffer {
  const sum = Buffer.alloc(SUM_BYTES);
  sum.writeBigUInt64BE(Bun.hash.xxHash64(bytes));
  return sum;
}
