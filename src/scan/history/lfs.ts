/**
 * Files that Git LFS keeps: the history has only pointers to them. Those that lie in this repository's store are content like any other and scanned; for one that does not, the scan is not complete.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink } from '../sink.ts';
import type { CloserLook } from './closer-look.ts';

/** Where the file of a pointer lies, if it was fetched. Null for a pointer that makes no sense. */
function storedPath(pointer: string, gitFolder: string): string | null {
  const id = /^oid sha256:([0-9a-f]{64})$/m.exec(pointer)?.[1];
  return id === undefined ? null : join(gitFolder, 'lfs', 'objects', id.slice(0, 2), id.slice(2, 4), id);
}

/** Searches what is here, and says what is not. */
export async function searchStored(look: CloserLook, gitFolder: string, sink: Sink): Promise<void> {
  let absent = 0;
  for (const [id, pointer] of look.lfs) {
    const path = storedPath(pointer, gitFolder);
    if (path !== null && existsSync(path)) await look.stored(id, path);
    else absent += 1;
  }
  if (absent === 0) return;
  sink.problem(
    `${absent} ${absent === 1 ? 'file is' : 'files are'} kept by Git LFS and not here: git lfs fetch --all`,
  );
}
