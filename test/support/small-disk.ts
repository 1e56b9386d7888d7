/**
 * Disks that fill up under a running process, and get room again. A limit on the size of files works for every user: the kernel then
 * writes short and refuses, as a full disk does. Where this user may mount, a file system of a few megabytes is a second way.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningProcess, tempFolder } from './harness.ts';

export interface SmallDisk extends Disposable {
  /** For the data folder. */
  readonly folder: string;
  /** Put before the command of the process that lives on this disk. */
  readonly wrapper: readonly string[];
  /** Leaves room for about so many bytes of journal. */
  fill(child: RunningProcess, leaveBytes: number): void;
  free(child: RunningProcess): void;
}

/** Without it the kernel kills a process that writes beyond its limit. */
const IGNORE_XFSZ = ['sh', '-c', 'trap "" XFSZ; exec "$@"', 'sh'];

/** The ways to fill a disk that this user has: at least one. */
export const DISKS: Readonly<Record<string, () => SmallDisk>> = {
  'a limit on the size of files': limitedFiles,
  ...(mayMount() ? { 'a file system of four megabytes': mounted } : {}),
};

function limitedFiles(): SmallDisk {
  const folder = tempFolder();
  const limit = (child: RunningProcess, bytes: string): void =>
    run('prlimit', '--pid', String(child.pid), `--fsize=${bytes}:unlimited`);
  return {
    folder,
    wrapper: IGNORE_XFSZ,
    fill: (child, leaveBytes) => limit(child, String(statSync(newestSegment(folder)).size + leaveBytes)),
    free: (child) => limit(child, 'unlimited'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function mounted(): SmallDisk {
  const mount = tempFolder();
  run('mount', '-t', 'tmpfs', '-o', 'size=4m', 'sallyport-test', mount);
  const folder = join(mount, 'data');
  mkdirSync(folder, { mode: 0o700 });
  const filler = join(mount, 'filler');
  return {
    folder,
    wrapper: [],
    fill: (_child, leaveBytes) => fillUp(filler, leaveBytes),
    free: () => rmSync(filler),
    [Symbol.dispose]: () => {
      run('umount', mount);
      rmSync(mount, { recursive: true, force: true });
    },
  };
}

/** Writes until nothing fits, then gives `leaveBytes` back. */
function fillUp(path: string, leaveBytes: number): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096, 1);
  let size = 0;
  try {
    for (;;) {
      const written = writeSync(file, block);
      size += written;
      if (written < block.length) break;
    }
  } catch {
    // ENOSPC: what this is for.
  }
  closeSync(file);
  run('truncate', '-s', String(Math.max(0, size - leaveBytes)), path);
}

/** The file that the journal of the newest process grows in. */
export function newestSegment(data: string): string {
  const journal = join(data, 'journal');
  const boot = (stream: string): number => Number(stream.split('@')[1]);
  const stream = readdirSync(journal).toSorted((a, b) => boot(b) - boot(a))[0] ?? '';
  const segment = readdirSync(join(journal, stream)).toSorted().at(-1) ?? '';
  return join(journal, stream, segment);
}

function mayMount(): boolean {
  const folder = tempFolder();
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'sallyport-test', folder);
    run('umount', folder);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(...command: string[]): void {
  const done = Bun.spawnSync(command, { stderr: 'pipe' });
  if (!done.success) throw new Error(`${command[0]}: ${done.stderr.toString()}`);
}
