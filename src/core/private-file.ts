/**
 * Files that only their owner may read: secrets, kits, archives. A file that others can read or change is refused, and nothing that
 * exists is ever overwritten.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { SallyportError } from './errors.ts';

const OTHERS = 0o077;

/** Why a file may not hold a secret, and the command that mends it; null when it may. */
export function exposureOf(
  path: string,
  stats: Stats,
): { readonly what: string; readonly fix: string } | null {
  if (!stats.isFile()) return { what: 'is not a regular file', fix: 'Name a file.' };
  if (process.platform === 'win32') return null;
  const user = process.getuid?.() ?? stats.uid;
  if (stats.uid !== user && stats.uid !== 0) {
    return { what: 'belongs to another user', fix: `Make it yours and private: chown ${user} ${path}` };
  }
  if ((stats.mode & OTHERS) !== 0) {
    return { what: 'can be read or changed by other users', fix: `chmod 600 ${path}` };
  }
  return null;
}

/** Opens for reading without waiting: a pipe in the file's place must be refused, not waited for. */
export function openToRead(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/**
 * The bytes of a private file of at most `maxBytes`, which the caller wipes. `name` says in messages what it is, such as "the identity
 * file". Throws `config.invalid` when it is missing, exposed, empty or longer.
 */
export function readPrivateFile(path: string, name: string, maxBytes: number): Buffer {
  return readSmallFile(path, name, maxBytes, exposureOf);
}

/** Likewise for a file that everybody may read. */
export function readPublicFile(path: string, name: string, maxBytes: number): Buffer {
  return readSmallFile(path, name, maxBytes, (_, stats) =>
    stats.isFile() ? null : { what: 'is not a regular file', fix: 'Name a file.' },
  );
}

function readSmallFile(path: string, name: string, maxBytes: number, check: typeof exposureOf): Buffer {
  let file: number;
  try {
    file = openToRead(path);
  } catch (error) {
    throw refused(`${name} ${path} cannot be opened (${codeOf(error)}).`, 'Check the path.', error);
  }
  try {
    const stats = fstatSync(file);
    const exposed = check(path, stats);
    if (exposed) throw refused(`${name} ${path} ${exposed.what}.`, exposed.fix);
    const buffer = Buffer.allocUnsafeSlow(maxBytes + 1);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    const bytes = Buffer.from(buffer.subarray(0, length));
    buffer.fill(0);
    if (length > 0 && length <= maxBytes) return bytes;
    bytes.fill(0);
    throw refused(`${name} ${path} ${length === 0 ? 'is empty' : 'is too long'}.`, 'Name another file.');
  } finally {
    closeSync(file);
  }
}

/**
 * Writes a new file with mode 0600 (missing folders with 0700); it and its name are on disk when this returns. A link is never written
 * through. Throws `conflict` when the path is taken, `store.unavailable` when it cannot be written; then no part of it stays.
 * Returns what removes the file again.
 */
export function writePrivateFile(path: string, bytes: Uint8Array): () => void {
  let file: number;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? taken(path) : notWritten(path, error);
  }
  try {
    fchmodSync(file, 0o600);
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } catch (error) {
    unlinkSync(path);
    throw notWritten(path, error);
  } finally {
    closeSync(file);
  }
  syncFolder(dirname(path));
  return () => unlinkSync(path);
}

/** Without this the name of a file that was synced may still be lost in a power cut. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The code of a failed system call. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'I/O error';
}

function taken(path: string): SallyportError {
  return new SallyportError('conflict', `There is something at ${path} already; it is not overwritten.`, {
    fix: 'Name another file, or move that one away.',
  });
}

function notWritten(path: string, error: unknown): SallyportError {
  return new SallyportError('store.unavailable', `${path} cannot be written (${codeOf(error)}).`, {
    fix: 'Check the folder, its permissions and the space on its disk.',
    cause: error,
  });
}

function refused(message: string, fix: string, cause?: unknown): SallyportError {
  const text = `${message.slice(0, 1).toUpperCase()}${message.slice(1)}`;
  return new SallyportError('config.invalid', text, { fix, cause });
}
