/** The room that the data folder has: low is said once, and so is that there is room again. Without room for the journal calls are refused. */
import { statfs } from 'node:fs/promises';
import type { DiskEvent } from '../audit/entry.ts';
import { describe } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

const DEFAULT_MAX_BYTES = 1024 ** 3;
const DEFAULT_SHARE = 10;
/** By how much there must be more again, so that a disk at the edge does not say both all the time. */
const RECOVERED_AT = 1.2;

export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface DiskWatchDeps {
  readonly folder: string;
  /** Null: a tenth of the disk, at most 1 GiB. */
  readonly thresholdBytes: number | null;
  readonly record: (entry: DiskEvent) => void;
  readonly log: Log;
  /** For tests. */
  readonly read?: (folder: string) => Promise<Room>;
}

export class DiskWatch {
  readonly #deps: DiskWatchDeps;
  #low: boolean;
  #failing = false;

  /** `low`: what the journal says last. */
  constructor(deps: DiskWatchDeps, low: boolean) {
    this.#deps = deps;
    this.#low = low;
  }

  get low(): boolean {
    return this.#low;
  }

  /** Never rejects: a disk that cannot be asked is logged once. */
  async check(): Promise<void> {
    const { folder, read = roomOf, record, log } = this.#deps;
    let room: Room;
    try {
      room = await read(folder);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        log.warn('The free space of the data folder cannot be read.', { detail: describe(error) });
      this.#failing = true;
      return;
    }
    const { freeBytes, totalBytes } = room;
    const thresholdBytes =
      this.#deps.thresholdBytes ?? Math.min(DEFAULT_MAX_BYTES, Math.floor(totalBytes / DEFAULT_SHARE));
    const low = freeBytes < thresholdBytes * (this.#low ? RECOVERED_AT : 1);
    if (low === this.#low) return;
    this.#low = low;
    const action = low ? 'disk.low' : 'disk.recovered';
    log[low ? 'error' : 'warn'](low ? 'The disk of the data folder runs full.' : 'The disk has room again.', {
      freeBytes,
      thresholdBytes,
    });
    record({ action, principal: 'system', freeBytes, totalBytes, thresholdBytes });
  }
}

async function roomOf(folder: string): Promise<Room> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
