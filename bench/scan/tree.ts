/** A tree of files to scan: copies of the text in the project's own packages, always the same ones, until there are as many as asked for. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Tree extends Disposable {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

const TEXT = /\.(?:[cm]?[jt]sx?|map|json|md|txt|html|css|ya?ml)$/;
const PACKAGES = join(import.meta.dir, '..', '..', 'node_modules');
const LARGEST_BYTES = 2_000_000;
/** Files for the second round and later: with small ones alone the bytes would not be reached. */
const LARGE_BYTES = 60_000;

interface Source {
  readonly name: string;
  readonly bytes: number;
}

/** A work tree of git, with everything committed. */
export function makeTree(files: number, bytes: number): Tree {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-bench-tree-'));
  const sources = textsIn(PACKAGES);
  const large = sources.filter((source) => source.bytes > LARGE_BYTES);
  let [count, size] = [0, 0];
  for (let round = 0; count < files; round += 1) {
    for (const source of size < bytes && round > 0 ? large : sources) {
      // Of the first round so many that the large ones have room.
      if (count >= files || (round === 0 && count >= files * 0.946)) break;
      const copy = join(path, `round-${round}`, source.name);
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(join(PACKAGES, source.name), copy);
      count += 1;
      size += source.bytes;
      if (size >= bytes && round > 0) break;
    }
  }
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '-qm', 'x'],
  ])
    if (Bun.spawnSync(['git', ...args], { cwd: path, stderr: 'ignore' }).exitCode !== 0)
      throw new Error('git failed');
  return {
    path,
    files: count,
    bytes: size,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

function textsIn(root: string): Source[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && TEXT.test(entry.name))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { name: path.slice(root.length + 1), bytes: statSync(path).size };
    })
    .filter((source) => source.bytes < LARGEST_BYTES)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
