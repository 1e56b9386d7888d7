/**
 * Files that Git LFS keeps: the history has only pointers to them. Those that lie in this repository's store are content like any other and scanned; for one that does not, the scan is not complete.
 */
import { statSync } from 'node:fs';
import { storedPath } from '../lfs-pointer.ts';
import type { Sink } from '../sink.ts';
import type { CloserLook } from './closer-look.ts';

/** Searches what is here, and says what is not. */
export async function searchStored(look: CloserLook, gitFolder: string, sink: Sink): Promise<void> {
  let absent = 0;
  for (const [id, pointer] of look.lfs) {
    const path = storedPath(pointer, gitFolder);
    if (path !== null && statSync(path, { throwIfNoEntry: false })?.isFile() === true)
      await look.stored(id, path);
    else absent += 1;
  }
  if (absent === 0) return;
  sink.problem(
    `${absent} ${absent === 1 ? 'file is' : 'files are'} kept by Git LFS and not here: git lfs fetch --all`,
  );
}
