/** Puts a mended file in the place of the old one: in one step, with its mode, and with no copy of what was in it. */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SallyportError } from '../../core/errors.ts';
import { codeOf, syncFolder } from '../../core/private-file.ts';
import { randomBase62 } from '../../core/ids.ts';
import type { ReadFile } from './files.ts';

/** `scratch`: a folder on the same disk that git never looks into. Throws `conflict` when the file is another by now, and leaves it as it is. */
export function writeMended(
  { path, absolute, text, mode }: ReadFile,
  mended: string,
  scratch: string | null,
): void {
  if (readAgain(absolute) !== text) {
    throw new SallyportError('conflict', `${path} was changed meanwhile`, { fix: 'run it again' });
  }
  const name = `.sallyport-${randomBase62(16)}.tmp`;
  for (const folder of scratch === null ? [dirname(absolute)] : [scratch, dirname(absolute)]) {
    const next = join(folder, name);
    try {
      writeNew(next, mended, mode);
      renameSync(next, absolute);
      syncFolder(dirname(absolute));
      return;
    } catch (error) {
      remove(next);
      // On another disk nothing can be moved into place in one step.
      if (codeOf(error) === 'EXDEV' && folder !== dirname(absolute)) continue;
      throw new SallyportError('store.unavailable', `${path} cannot be written (${codeOf(error)})`, {
        fix: 'check its folder, its permissions and the space on its disk',
      });
    }
  }
}

function readAgain(path: string): string | null {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return fstatSync(file).isFile() ? readFileSync(file, 'latin1') : null;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

function writeNew(path: string, text: string, mode: number): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    const bytes = Buffer.from(text, 'latin1');
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(path, mode);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not made, or it is in place.
  }
}
