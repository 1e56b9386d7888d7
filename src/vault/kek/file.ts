/**
 * The root key in a file: one line of text, readable by its owner only, kept outside the data folder.
 * A file that others can read, or that is not exactly what we wrote, is refused; nothing else is ever used in its place.
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
import { randomFillSync } from 'node:crypto';
import { SallyportError } from '../../core/errors.ts';
import { ROOT_KEY_BYTES, RootKey } from './root-key.ts';

const PREFIX = 'sallyport-root-key-1:';
const LINE_BYTES = PREFIX.length + 43;
const OTHERS = 0o077;

export interface RootKeyFileOptions {
  /** Make a new key when there is no file. Ignored when `neededFingerprint` is given. */
  readonly create: boolean;
  /** The root key that an existing instance needs: then a missing file is an error, whatever `create` says. */
  readonly neededFingerprint?: string;
}

/**
 * Opens the root key at `path`, or makes one (0600, its folder 0700, both on disk before this returns).
 * A symbolic link is followed to read (secret mounts are links; the checks apply to the file behind it), never to create.
 * Throws `vault.root_key_missing`, or `vault.root_key_wrong` when the file is exposed, not ours, or malformed.
 */
export function openRootKeyFile(path: string, options: RootKeyFileOptions): RootKey {
  let file: number;
  try {
    // Non-blocking: a pipe in the file's place must be refused, not waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const absent = codeOf(error) === 'ENOENT';
    if (absent && options.create && options.neededFingerprint === undefined) return createRootKeyFile(path);
    throw missing(path, options.neededFingerprint, codeOf(error));
  }
  try {
    refuseExposed(path, fstatSync(file));
    return RootKey.take(parse(path, file), path);
  } finally {
    closeSync(file);
  }
}

function createRootKeyFile(path: string): RootKey {
  const folder = dirname(path);
  const bytes = randomFillSync(Buffer.allocUnsafeSlow(ROOT_KEY_BYTES));
  let file: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw missing(path, undefined, codeOf(error));
  }
  try {
    const line = Buffer.from(`${PREFIX}${bytes.toString('base64url')}\n`);
    fchmodSync(file, 0o600);
    if (writeSync(file, line) !== line.length) throw new Error('short write');
    line.fill(0);
    fsyncSync(file);
  } catch (error) {
    // A half-written key would be refused at every later start.
    unlinkSync(path);
    throw missing(path, undefined, codeOf(error));
  } finally {
    closeSync(file);
  }
  syncFolder(folder);
  return RootKey.take(bytes, path);
}

/** Without this the name of a file that was synced may still be lost in a power cut. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function refuseExposed(path: string, stats: Stats): void {
  if (!stats.isFile())
    throw wrong(path, 'is not a regular file', 'Point to the file that holds the root key.');
  if (process.platform === 'win32') return;
  const user = process.getuid?.() ?? stats.uid;
  if (stats.uid !== user && stats.uid !== 0) {
    throw wrong(path, 'belongs to another user', `Make it yours and private: chown ${user} ${path}`);
  }
  if ((stats.mode & OTHERS) !== 0) {
    throw wrong(path, 'can be read or changed by other users', `chmod 600 ${path}`);
  }
}

/** The 32 bytes. Every character is accounted for: a second line, a changed last character or padding is refused. */
function parse(path: string, file: number): Buffer {
  const buffer = Buffer.alloc(LINE_BYTES + 8);
  const length = readSync(file, buffer, 0, buffer.length, 0);
  const line = buffer
    .subarray(0, length)
    .toString('latin1')
    .replace(/\r?\n$/, '');
  buffer.fill(0);
  const bytes = Buffer.alloc(ROOT_KEY_BYTES);
  const written = line.startsWith(PREFIX) ? bytes.write(line.slice(PREFIX.length), 'base64url') : 0;
  const exact = written === ROOT_KEY_BYTES && line === PREFIX + bytes.toString('base64url');
  if (!exact) {
    throw wrong(
      path,
      `does not hold a root key (one line "${PREFIX}…" of ${LINE_BYTES} characters)`,
      'Restore the file from your recovery kit or backup. Delete it only if this instance never held a key.',
    );
  }
  if (bytes.every((byte) => byte === bytes[0])) {
    throw wrong(
      path,
      'holds a placeholder instead of a random key',
      'Delete it and let Sallyport make a new one.',
    );
  }
  return bytes;
}

function missing(
  path: string,
  neededFingerprint: string | undefined,
  code: string | undefined,
): SallyportError {
  const needed =
    neededFingerprint === undefined ? '' : ` This instance needs the root key ${neededFingerprint}.`;
  const state =
    code === 'ENOENT'
      ? 'There is no root key at'
      : `The root key cannot be opened (${code ?? 'I/O error'}) at`;
  return new SallyportError('vault.root_key_missing', `${state} ${path}.${needed}`, {
    fix:
      neededFingerprint === undefined
        ? 'Check the path and that this user may read and write its folder.'
        : 'Put that file back from your recovery kit or backup. A new root key cannot open what the old one sealed.',
  });
}

function wrong(path: string, what: string, fix: string): SallyportError {
  return new SallyportError('vault.root_key_wrong', `The root key file ${path} ${what}.`, { fix });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
