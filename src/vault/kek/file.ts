/**
 * The root key in a file: one line of text, readable by its owner only.
 * A file that others can read, or that is not exactly what we wrote, is refused; nothing else is ever used in its place.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { SallyportError } from '../../core/errors.ts';
import { codeOf, exposureOf, openToRead, writePrivateFile } from '../../core/private-file.ts';
import { formatRootKey, LINE_BYTES, parseRootKey } from './root-key-text.ts';
import { ROOT_KEY_BYTES } from './root-key.ts';

export interface RootKeyFileOptions {
  /** Make a new key when there is no file. Ignored when `neededFingerprint` is given. */
  readonly create: boolean;
  /** The root key that an existing instance needs: then a missing file is an error, whatever `create` says. */
  readonly neededFingerprint?: string;
}

/**
 * The 32 bytes of the root key at `path`, or of a new one made there (0600, its folder 0700, both on disk before this returns). The
 * caller wipes them. A symbolic link is followed to read (secret mounts are links; the checks apply to the file behind it), never to
 * create. Throws `vault.root_key_missing`, or `vault.root_key_wrong` when the file is exposed, not ours, or malformed.
 */
export function readRootKeyFile(path: string, options: RootKeyFileOptions): Buffer {
  let file: number;
  try {
    file = openToRead(path);
  } catch (error) {
    const absent = codeOf(error) === 'ENOENT';
    if (absent && options.create && options.neededFingerprint === undefined) return createRootKeyFile(path);
    throw missing(path, options.neededFingerprint, codeOf(error));
  }
  try {
    const exposed = exposureOf(path, fstatSync(file));
    if (exposed) {
      throw new SallyportError('vault.root_key_wrong', `The root key file ${path} ${exposed.what}.`, {
        fix: exposed.fix,
      });
    }
    const buffer = Buffer.alloc(LINE_BYTES + 8);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    const text = buffer.toString('latin1', 0, length);
    buffer.fill(0);
    return parseRootKey(text, `The root key file ${path}`);
  } finally {
    closeSync(file);
  }
}

/** Writes a root key to a new file. Throws `conflict` when there is one, `store.unavailable` when it cannot be written. */
export function writeRootKeyFile(path: string, bytes: Uint8Array): void {
  const line = Buffer.from(`${formatRootKey(bytes)}\n`);
  try {
    writePrivateFile(path, line);
  } finally {
    line.fill(0);
  }
}

function createRootKeyFile(path: string): Buffer {
  const bytes = randomFillSync(Buffer.allocUnsafeSlow(ROOT_KEY_BYTES));
  try {
    writeRootKeyFile(path, bytes);
  } catch (error) {
    // A link that leads nowhere is there and yet not: it is never written through.
    const cause = error instanceof SallyportError ? error.cause : error;
    throw missing(path, undefined, cause === undefined ? 'EEXIST' : codeOf(cause));
  }
  return bytes;
}

function missing(path: string, neededFingerprint: string | undefined, code: string): SallyportError {
  const needed =
    neededFingerprint === undefined ? '' : ` This instance needs the root key ${neededFingerprint}.`;
  const state = code === 'ENOENT' ? 'There is no root key at' : `The root key cannot be opened (${code}) at`;
  return new SallyportError('vault.root_key_missing', `${state} ${path}.${needed}`, {
    fix:
      neededFingerprint === undefined
        ? 'Check the path and that this user may read and write its folder.'
        : 'Put that file back from your recovery kit (sallyport recovery restore) or backup. A new root key cannot open what the old one sealed.',
  });
}
