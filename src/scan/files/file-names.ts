/**
 * Names of files as git and the disk have them: bytes, each with a zero behind it. What is shown is text; where that is not the same, the bytes are
 * kept beside it.
 */
import { resolve } from 'node:path';
import { type Depth, findDeep, type Found } from '../../detect/deep.ts';

export interface NamedFile {
  /** Relative to the folder that the scan was started in, or absolute, as it was asked for. */
  readonly shown: string;
  /** Where the name is no UTF-8: its bytes. */
  readonly bytes?: Buffer;
}

/** What stands for bytes that are no UTF-8. */
const REPLACED = '\ufffd';

export function namesIn(list: Buffer): NamedFile[] {
  const names = list.toString('utf8').split('\0');
  // Nothing is behind the last zero.
  names.pop();
  let at = 0;
  const exact = !names.some((name) => name.includes(REPLACED));
  if (exact) return names.map((shown) => ({ shown }));
  return names.map((shown) => {
    const end = list.indexOf(0, at);
    const bytes = Buffer.from(list.subarray(at, end));
    at = end + 1;
    return shown.includes(REPLACED) ? { shown, bytes } : { shown };
  });
}

/** The opposite of `namesIn`. */
export function listOf(files: readonly NamedFile[]): Buffer {
  return Buffer.concat(files.flatMap(({ shown, bytes }) => [bytes ?? Buffer.from(shown), Buffer.from([0])]));
}

/** Where a file is on the disk. */
export function pathOf(cwd: string, { shown, bytes }: NamedFile): string | Buffer {
  if (!bytes) return shown.startsWith('/') ? shown : `${cwd}/${shown}`;
  return shown.startsWith('/') ? bytes : Buffer.concat([Buffer.from(`${resolve(cwd)}/`), bytes]);
}

/** Between two names: what no value goes on over. */
const BETWEEN = ' |\n';

/** Visits the secrets in names, of which hardly any has one: so all are searched at once, and looked at by themselves only where something is. */
export function eachInNames(
  files: readonly NamedFile[],
  depth: Depth,
  visit: (found: Found, shown: string) => void,
): void {
  const text = Buffer.from(files.map(({ shown }) => shown).join(BETWEEN));
  const suspects = findDeep(text, 0, text.length, depth);
  if (suspects.length === 0) return;
  let at = 0;
  let next = 0;
  for (const { shown } of files) {
    const bytes = Buffer.from(shown);
    const end = at + bytes.length + BETWEEN.length;
    while ((suspects[next]?.end ?? Infinity) <= at) next += 1;
    if ((suspects[next]?.start ?? Infinity) < end)
      for (const found of findDeep(bytes, 0, bytes.length, depth)) visit(found, shown);
    at = end;
  }
}
