/**
 * A report in a file: complete or not there at all. What stands at the path before stays until the new one is whole. It is opened before the scan,
 * so that nobody scans for an hour to hear that the folder cannot be written.
 */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../core/private-file.ts';
import { SallyportError } from '../core/errors.ts';

const MODE = 0o644;

export class ReportFile implements Disposable {
  readonly #path: string;
  readonly #part: string;
  readonly #file: number;
  #failure: SallyportError | null = null;
  #isOpen = true;

  /** Throws `config.invalid` where something else than a file is at the path, `store.unavailable` where it cannot be written. */
  constructor(path: string, cwd: string) {
    this.#path = targetOf(resolve(cwd, path));
    this.#part = join(dirname(this.#path), `.${basename(this.#path)}.${crypto.randomUUID()}.part`);
    try {
      this.#file = openSync(this.#part, 'wx', MODE);
      fchmodSync(this.#file, MODE);
    } catch (error) {
      throw notWritten(this.#path, error);
    }
  }

  /** A failure is kept, and thrown at the end: the scan goes on, and people hear of what it finds. */
  write(text: string): void {
    if (this.#failure) return;
    const bytes = Buffer.from(text);
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written);
    } catch (error) {
      this.#failure = notWritten(this.#path, error);
    }
  }

  /** Puts it in place. Throws `store.unavailable` when anything of it could not be written. */
  commit(): void {
    if (this.#failure) throw this.#failure;
    try {
      fsyncSync(this.#file);
      this.#close();
      renameSync(this.#part, this.#path);
    } catch (error) {
      unlinkSync(this.#part);
      throw notWritten(this.#path, error);
    }
  }

  /** Without `commit`, nothing is left of it. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#close();
    unlinkSync(this.#part);
  }

  #close(): void {
    this.#isOpen = false;
    closeSync(this.#file);
  }
}

/** Behind a link, what it leads to. */
function targetOf(path: string): string {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return path;
    if (stats.isFile()) return realpathSync(path);
  } catch (error) {
    throw notWritten(path, error);
  }
  throw new SallyportError('config.invalid', `${path} is no plain file`, {
    fix: 'name a file; without --output the report is printed',
  });
}

function notWritten(path: string, error: unknown): SallyportError {
  return new SallyportError('store.unavailable', `${path} cannot be written (${codeOf(error)})`, {
    fix: 'check the folder, its permissions and the space on its disk',
    cause: error,
  });
}
