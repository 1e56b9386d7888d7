/** What Git LFS leaves in the place of a file, whose content is in a store of its own: in a scan, a file that is not there. */
import { join } from 'node:path';

const POINTER = 'version https://git-lfs.github.com/spec/v1\n';
const MOST_BYTES = 1024;

export function isLfsPointer(content: Uint8Array): boolean {
  if (content[0] !== 0x76 || content.length > MOST_BYTES || content.length < POINTER.length) return false;
  return Buffer.from(content.buffer, content.byteOffset, POINTER.length).toString('latin1') === POINTER;
}

/** Where the file of a pointer lies, if it was fetched. Null for a pointer that makes no sense. */
export function storedPath(pointer: string, gitFolder: string): string | null {
  const id = /^oid sha256:([0-9a-f]{64})$/m.exec(pointer)?.[1];
  return id === undefined ? null : join(gitFolder, 'lfs', 'objects', id.slice(0, 2), id.slice(2, 4), id);
}
