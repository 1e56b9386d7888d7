/**
 * One process per data folder. The lock is an exclusive transaction on an empty SQLite file, so it is the operating system that holds
 * it: it ends with the process however that dies, and nothing stale is left behind.
 */
import { Database } from 'bun:sqlite';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { createOwnerOnly } from './sqlite.ts';
import { codeOf, storeError } from './store-error.ts';

export interface DataLock {
  /** Lets another process have the folder. Doing so twice is harmless. */
  release(): void;
}

/** Keeps locks reachable: a collected Database would close its file and so unlock the folder. */
const held = new Set<Database>();

/**
 * Locks `folder`, which must exist, until `release()` or the end of the process. Throws `data.locked` at once when this or another
 * process holds it, `store.unavailable` when the folder cannot be written.
 * NOTE: never open the file `lock` by other means in this process: closing any descriptor of it would drop the lock.
 */
export function acquireDataLock(folder: string): DataLock {
  const pidFile = join(folder, 'lock.pid');
  const database = lock(join(folder, 'lock'), pidFile);
  held.add(database);
  notePid(pidFile);
  return {
    release: () => {
      if (!held.delete(database)) return;
      try {
        rmSync(pidFile, { force: true });
      } finally {
        database.close(true);
      }
    },
  };
}

function lock(file: string, pidFile: string): Database {
  let database: Database | undefined;
  try {
    createOwnerOnly(file);
    database = new Database(file, { create: true, strict: true });
    database.run('pragma busy_timeout = 0');
    database.run('begin exclusive');
    return database;
  } catch (error) {
    database?.close();
    throw codeOf(error).startsWith('SQLITE_BUSY') ? lockedBy(readPid(pidFile)) : storeError(error);
  }
}

function lockedBy(pid: number | undefined): SallyportError {
  const holder = pid === undefined ? 'another process' : `process ${pid}`;
  return new SallyportError('data.locked', `The data folder is in use by ${holder}.`, {
    fix:
      pid === undefined
        ? 'Stop the Sallyport that uses this folder, or choose another data folder.'
        : `Stop it (kill ${pid}), or choose another data folder.`,
  });
}

/** The pid is only for the message above, so a folder that takes no more bytes is no reason to fail. */
function notePid(pidFile: string): void {
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    rmSync(pidFile, { force: true });
  }
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = /^(\d{1,10})\n$/.exec(readFileSync(pidFile, 'utf8'))?.[1];
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}
