/**
 * Goes through the objects of a pack family by family: an object, then whatever is a delta of it, so that each is unpacked once and a delta's
 * object is put together from what is at hand. Of a delta only what is new is searched, with enough around it; if its base may hold something, all
 * of it counts as suspect. Says of each object one of the states (states.ts), and nothing else.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import type { Depth } from '../../detect/deep.ts';
import { applyDelta, NewParts, resultSize } from './delta.ts';
import type { PackBytes } from './pack-bytes.ts';
import type { PackIndex } from './pack-index.ts';
import { BLOB, COMMIT, type PackTable, TREE, UNREADABLE } from './pack-table.ts';
import type { Inspector } from './inspector.ts';
import { Sifter } from './sifter.ts';
import { isHarmless, OPEN, PENDING, SUSPECT, TELLING } from './states.ts';
import { windowEnd, windowStart } from './windows.ts';

export interface PackJob {
  readonly index: PackIndex;
  readonly pack: PackBytes;
  readonly table: PackTable;
  /** By place. Shared. */
  readonly states: Uint8Array;
  readonly depth: Depth;
}

/** What is larger, with all that it is made from, is left to git as a suspect, because git gives it piece by piece. */
const MOST_ARENA_BYTES = 128 * 1024 * 1024;
/** Packed bytes that, whatever they are, unpack to no more than some tens of megabytes. */
const HARMLESS_PACKED_BYTES = 32 * 1024;

interface Level {
  readonly place: number;
  readonly start: number;
  readonly size: number;
  child: number;
}

export class PackSifter {
  readonly #job: PackJob;
  readonly #inspector: Inspector;
  readonly #sifter: Sifter;
  readonly #parts = new NewParts();
  #arena = Buffer.allocUnsafeSlow(4 * 1024 * 1024);
  /** Objects and bytes since the last time somebody asked. */
  objects = 0;
  bytes = 0;

  constructor(job: PackJob, inspector: Inspector) {
    this.#job = job;
    this.#inspector = inspector;
    this.#sifter = new Sifter(job.states, job.depth);
  }

  /** The object that is no delta, and all that is made from it. */
  family(root: number): void {
    const { table } = this.#job;
    if (!this.#isWanted(root)) return;
    const levels: Level[] = [];
    const first = this.#root(root);
    if (first) levels.push(first);
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      if (level.child === table.firstChild[level.place + 1]) {
        levels.pop();
        continue;
      }
      const place = table.children[level.child] as number;
      level.child += 1;
      if (!this.#isWanted(place)) continue;
      const next = this.#delta(place, level);
      if (next) levels.push(next);
    }
  }

  /** Settles what was put off. */
  flush(): void {
    this.#sifter.flush();
  }

  /** Whether the object, or one that is made from it, is still to be looked at. */
  #isWanted(place: number): boolean {
    const { states, table } = this.#job;
    if (states[place] === OPEN) return true;
    for (let at = table.firstChild[place] as number; at < (table.firstChild[place + 1] as number); at += 1) {
      if (this.#isWanted(table.children[at] as number)) return true;
    }
    return false;
  }

  #root(place: number): Level | null {
    const { table } = this.#job;
    const size = table.sizes[place] as number;
    if (table.kinds[place] === UNREADABLE) return this.#leave(place);
    const content = this.#inflate(place);
    if (!content) return this.#leave(place);
    this.#reserve(size);
    this.#arena.set(content, 0);
    this.#look(place, 0, size, null);
    return this.#level(place, 0, size);
  }

  #delta(place: number, base: Level): Level | null {
    const delta = this.#inflate(place);
    const size = delta ? resultSize(delta, base.size) : -1;
    const start = base.start + base.size;
    if (!delta || size < 0 || start + size > MOST_ARENA_BYTES) return this.#leave(place);
    this.#reserve(start + size);
    if (!applyDelta(this.#arena, base.start, base.size, start, size, delta, this.#parts))
      return this.#leave(place);
    this.#look(place, start, size, this.#parts, this.#job.table.bases[place]);
    return this.#level(place, start, size);
  }

  #level(place: number, start: number, size: number): Level | null {
    const first = this.#job.table.firstChild[place] as number;
    return first === this.#job.table.firstChild[place + 1] ? null : { place, start, size, child: first };
  }

  /** What cannot be unpacked here, with all that is made from it: git is asked for it. */
  #leave(place: number): null {
    const { states, table } = this.#job;
    if (states[place] === OPEN) {
      states[place] = SUSPECT;
      this.objects += 1;
    }
    for (let at = table.firstChild[place] as number; at < (table.firstChild[place + 1] as number); at += 1) {
      this.#leave(table.children[at] as number);
    }
    return null;
  }

  #look(place: number, start: number, size: number, parts: NewParts | null, base = -1): void {
    const { states, table } = this.#job;
    if (states[place] !== OPEN) return;
    this.objects += 1;
    this.bytes += size;
    states[place] = PENDING;
    const kind = table.kinds[place];
    const content = this.#arena.subarray(start, start + size);
    // What its base holds, it may hold as well.
    const whole = parts === null || !isHarmless(states[base] as number);
    if (kind === TREE) {
      const told = this.#inspector.tree(content, whole ? null : parts, (from, to) =>
        this.#sifter.add(place, content, from, to),
      );
      if (states[place] === PENDING && (told || (!whole && states[base] === TELLING)))
        states[place] = TELLING;
    } else {
      if (kind === BLOB && this.#inspector.blob(content)) states[place] = SUSPECT;
      else if (whole) this.#sifter.add(place, content, 0, size);
      else this.#addParts(place, content, parts);
      if (kind === COMMIT) this.#inspector.commit(content);
    }
    this.#sifter.settleLater(place, whole ? -1 : base);
  }

  #addParts(place: number, content: Buffer, { ranges, count }: NewParts): void {
    let from = -1;
    let to = -1;
    for (let part = 0; part < count; part += 1) {
      const start = windowStart(content, ranges[2 * part] as number);
      if (start > to) {
        if (to > from) this.#sifter.add(place, content, from, to);
        from = start;
      }
      to = Math.max(to, windowEnd(content, ranges[2 * part + 1] as number, content.length));
    }
    if (to > from) this.#sifter.add(place, content, from, to);
  }

  /** Null when it is damaged. */
  #inflate(place: number): Uint8Array | null {
    const { table, pack, index } = this.#job;
    const offset = table.offsets[place] as number;
    if ((table.sizes[place] as number) > MOST_ARENA_BYTES) return null;
    const entry = pack.read(offset, table.ends[place] as number);
    if (crc32(entry) !== index.sumOf(place)) return null;
    try {
      // Without the two bytes at the start and the sum at the end: the one of the index was compared.
      const packed = entry.subarray((table.heads[place] as number) + 2, entry.length - 4);
      const size = table.sizes[place] as number;
      const content =
        packed.length > HARMLESS_PACKED_BYTES
          ? inflateRawSync(packed, { maxOutputLength: Math.max(1, size) })
          : Bun.inflateSync(packed as Uint8Array<ArrayBuffer>, { windowBits: -15, library: 'zlib' });
      return content.length === size ? content : null;
    } catch {
      return null;
    }
  }

  #reserve(size: number): void {
    if (size <= this.#arena.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.min(MOST_ARENA_BYTES, Math.max(size, 2 * this.#arena.length)));
    this.#arena.copy(larger);
    this.#arena = larger;
  }
}
