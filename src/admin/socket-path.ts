/**
 * Where the admin socket of a data folder is: asked by the server that makes it and by the CLI that looks for it. A socket's path may be
 * no longer than about a hundred bytes, so a deep data folder gets a short one in a folder of our own.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SallyportError } from '../core/errors.ts';

/** sun_path holds 104 bytes on macOS and 108 on Linux, its end included. */
const MAX_PATH_BYTES = 100;
const OTHERS = 0o077;

export interface SocketOwner {
  readonly uid: number;
  readonly runtimeFolder: string;
}

/** This process's user. Nothing else of the environment counts. */
export function socketOwner(environment: Readonly<Record<string, string | undefined>>): SocketOwner {
  const runtimeFolder = environment['XDG_RUNTIME_DIR'];
  return {
    uid: process.getuid?.() ?? 0,
    runtimeFolder: runtimeFolder === undefined || runtimeFolder === '' ? '/tmp' : runtimeFolder,
  };
}

/** `realData` is the data folder without symbolic links (see `realFolder`). Pure. */
export function socketPath(realData: string, owner: SocketOwner): string {
  const plain = join(realData, 'admin.sock');
  if (Buffer.byteLength(plain) <= MAX_PATH_BYTES) return plain;
  const name = createHash('sha256').update(realData).digest('hex').slice(0, 16);
  return join(owner.runtimeFolder, `sallyport-${owner.uid}`, `${name}.sock`);
}

/** The folder without symbolic links, so that every way to name it gives one socket; as it is when it does not exist. */
export function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}

/** Makes the folder of a short path. Throws `config.invalid` when it is not ours alone: anybody may make names in /tmp. */
export function prepareSocketFolder(path: string, realData: string): void {
  const folder = dirname(path);
  if (folder === realData) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkSocketFolder(path, realData);
}

/** Throws `config.invalid` when the folder of a short path is a link, somebody else's, or open to others. */
export function checkSocketFolder(path: string, realData: string): void {
  const folder = dirname(path);
  if (folder === realData) return;
  const stats = lstatSync(folder);
  const ours = stats.uid === (process.getuid?.() ?? stats.uid);
  if (stats.isDirectory() && ours && (stats.mode & OTHERS) === 0) return;
  throw new SallyportError('config.invalid', `The folder ${folder} is not yours alone.`, {
    fix: 'Remove it, or use a data folder with a shorter path.',
  });
}
