/** Where a repository keeps its objects: its own folder, and those of other repositories that it borrows from (gitrepository-layout(5)). */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { SallyportError } from '../../core/errors.ts';

/** Git follows no more. */
const MOST_DEPTH = 6;

/** Each once. A folder that is named and not there is left out, as git does. */
export function objectFolders(own: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const folders = new Set<string>();
  const visit = (folder: string, depth: number): void => {
    if (!existsSync(folder)) return;
    const real = realpathSync(folder);
    if (folders.has(real) || depth > MOST_DEPTH) return;
    folders.add(real);
    const list = join(real, 'info', 'alternates');
    if (statSync(list, { throwIfNoEntry: false })?.isFile() !== true) return;
    for (const line of readFileSync(list, 'utf8').split('\n')) {
      if (line !== '' && !line.startsWith('#')) visit(isAbsolute(line) ? line : join(real, line), depth + 1);
    }
  };
  visit(own, 0);
  for (const folder of (env['GIT_ALTERNATE_OBJECT_DIRECTORIES'] ?? '').split(':')) {
    if (folder !== '') visit(folder, 1);
  }
  return [...folders];
}

export interface PackFile {
  readonly pack: string;
  readonly index: string;
}

export function packsIn(folder: string): PackFile[] {
  const packs = join(folder, 'pack');
  if (!existsSync(packs)) return [];
  return readdirSync(packs)
    .filter((name) => name.endsWith('.idx') && existsSync(join(packs, name.replace(/idx$/, 'pack'))))
    .toSorted()
    .map((name) => ({ index: join(packs, name), pack: join(packs, name.replace(/idx$/, 'pack')) }));
}

/** The ids of objects that have a file each, one behind the other. */
export function looseIn(folder: string, idBytes: number): Buffer {
  const ids: Buffer[] = [];
  for (const first of readdirSync(folder)) {
    if (!/^[0-9a-f]{2}$/.test(first)) continue;
    for (const rest of readdirSync(join(folder, first))) {
      if (rest.length === 2 * idBytes - 2 && /^[0-9a-f]+$/.test(rest))
        ids.push(Buffer.from(first + rest, 'hex'));
    }
  }
  return Buffer.concat(ids);
}

/** Throws `scan.incomplete` for what is no file among the objects: from a pipe or a device, git and we would read for ever. */
export function refuseSpecial(folder: string): void {
  for (const first of existsSync(folder) ? readdirSync(folder) : []) {
    if (first !== 'pack' && !/^[0-9a-f]{2}$/.test(first)) continue;
    for (const entry of readdirSync(join(folder, first), { withFileTypes: true })) {
      const path = join(folder, first, entry.name);
      if (entry.isFile() || entry.isDirectory()) continue;
      if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) continue;
      throw new SallyportError('scan.incomplete', `${path} is no file, so the objects were not read`);
    }
  }
}

export function loosePath(folder: string, id: string): string {
  return join(folder, id.slice(0, 2), id.slice(2));
}
