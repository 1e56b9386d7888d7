/**
 * What is where in a pack, without unpacking anything: each object's kind, size and base, and which objects are made from which. Plain numbers
 * in shared memory, so that several threads work on one table.
 */
import type { PackBytes } from './pack-bytes.ts';
import type { PackIndex } from './pack-index.ts';

export const COMMIT = 1;
export const TREE = 2;
export const BLOB = 3;
export const TAG = 4;
const OFFSET_DELTA = 6;
const ID_DELTA = 7;
/** An object whose head makes no sense; git is asked for it. */
export const UNREADABLE = 0;

/** Objects are named by their place in the index. */
export interface PackTable {
  readonly count: number;
  /** Of the entry, and where the next one begins. */
  readonly offsets: Float64Array;
  readonly ends: Float64Array;
  /** Where the packed bytes begin, counted from the offset. */
  readonly heads: Uint8Array;
  /** Unpacked: of the object, or of the delta. */
  readonly sizes: Float64Array;
  /** Of the object, also when it is a delta. */
  readonly kinds: Uint8Array;
  /** What it is a delta of; -1 for none. */
  readonly bases: Int32Array;
  /** The deltas of an object are `children[firstChild[object]..firstChild[object + 1])`. */
  readonly firstChild: Uint32Array;
  readonly children: Uint32Array;
  /** Objects that are no deltas, in the order of the pack. */
  readonly roots: Uint32Array;
}

function shared(count: number, size: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.max(1, count) * size);
}

/** `end` is where the last entry ends. */
export function readPackTable(index: PackIndex, pack: PackBytes, end: number): PackTable {
  const { count } = index;
  const offsets = new Float64Array(shared(count, 8), 0, count);
  for (let place = 0; place < count; place += 1) offsets[place] = index.offsetOf(place);
  const order = inOrder(offsets);
  const table = {
    count,
    offsets,
    ends: new Float64Array(shared(count, 8), 0, count),
    heads: new Uint8Array(shared(count, 1), 0, count),
    sizes: new Float64Array(shared(count, 8), 0, count),
    kinds: new Uint8Array(shared(count, 1), 0, count),
    bases: new Int32Array(shared(count, 4), 0, count).fill(-1),
    firstChild: new Uint32Array(shared(count + 1, 4), 0, count + 1),
    children: new Uint32Array(0),
    roots: new Uint32Array(0),
  };
  for (let at = 0; at < count; at += 1) {
    const place = order[at] as number;
    table.ends[place] = at + 1 < count ? (offsets[order[at + 1] as number] as number) : end;
    readHead(table, place, pack, index, order);
  }
  return link(table, order);
}

/** Places by their offsets. */
function inOrder(offsets: Float64Array): Uint32Array {
  const count = offsets.length;
  const largest = offsets.reduce((most, offset) => Math.max(most, offset), 0);
  if ((largest + 1) * count < Number.MAX_SAFE_INTEGER) {
    // Numbers are sorted without a call for each comparison.
    const keys = offsets.map((offset, place) => offset * count + place).sort();
    return Uint32Array.from(keys, (key) => key % count);
  }
  const order = new Uint32Array(count).map((_, place) => place);
  return order.sort((a, b) => (offsets[a] as number) - (offsets[b] as number));
}

const MOST_HEAD_BYTES = 64;

function readHead(
  table: PackTable,
  place: number,
  pack: PackBytes,
  index: PackIndex,
  order: Uint32Array,
): void {
  const offset = table.offsets[place] as number;
  const bytes = pack.read(offset, Math.min(table.ends[place] as number, offset + MOST_HEAD_BYTES));
  let at = 0;
  let byte = bytes[at++] ?? 0;
  const kind = (byte >> 4) & 7;
  let size = byte & 15;
  for (let factor = 16; byte >= 0x80; factor *= 128) {
    byte = bytes[at++] ?? 0;
    size += (byte & 0x7f) * factor;
  }
  table.sizes[place] = size;
  table.kinds[place] = kind;
  if (kind === OFFSET_DELTA) {
    byte = bytes[at++] ?? 0;
    let back = byte & 0x7f;
    while (byte >= 0x80) {
      byte = bytes[at++] ?? 0;
      back = (back + 1) * 128 + (byte & 0x7f);
    }
    table.bases[place] = placeAt(table.offsets, order, offset - back);
  } else if (kind === ID_DELTA) {
    table.bases[place] = index.ids.indexOf(bytes, at);
    at += index.ids.idBytes;
  } else if (kind < COMMIT || kind > TAG) table.kinds[place] = UNREADABLE;
  if (kind >= OFFSET_DELTA && (table.bases[place] as number) < 0) table.kinds[place] = UNREADABLE;
  if (at > bytes.length) table.kinds[place] = UNREADABLE;
  table.heads[place] = at;
}

function placeAt(offsets: Float64Array, order: Uint32Array, offset: number): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = offsets[order[middle] as number] as number;
    if (found === offset) return order[middle] as number;
    if (found < offset) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/** Children in the order of the pack, so that it is read forwards; the kind of a delta is that of what it is made from. */
function link(table: PackTable, order: Uint32Array): PackTable {
  const { count, bases, kinds, firstChild } = table;
  let rootCount = 0;
  for (let place = 0; place < count; place += 1) {
    const base = bases[place] as number;
    if (base < 0) rootCount += 1;
    else firstChild[base + 1] = (firstChild[base + 1] as number) + 1;
  }
  for (let place = 1; place <= count; place += 1) {
    firstChild[place] = (firstChild[place] as number) + (firstChild[place - 1] as number);
  }
  const children = new Uint32Array(shared(count - rootCount, 4), 0, count - rootCount);
  const roots = new Uint32Array(shared(rootCount, 4), 0, rootCount);
  const next = firstChild.slice(0, count);
  let root = 0;
  for (const place of order) {
    const base = bases[place] as number;
    if (base < 0) roots[root++] = place;
    else {
      const at = next[base] as number;
      next[base] = at + 1;
      children[at] = place;
    }
  }
  const linked = { ...table, children, roots };
  spreadKinds(linked);
  // What no root leads to is a circle.
  for (let place = 0; place < count; place += 1) {
    if ((kinds[place] as number) >= OFFSET_DELTA) kinds[place] = UNREADABLE;
  }
  return linked;
}

function spreadKinds({ roots, kinds, firstChild, children }: PackTable): void {
  const waiting: number[] = [];
  for (const root of roots) {
    waiting.push(root);
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      const kind = kinds[place] as number;
      for (let at = firstChild[place] as number; at < (firstChild[place + 1] as number); at += 1) {
        const child = children[at] as number;
        if (kinds[child] !== UNREADABLE) kinds[child] = kind;
        waiting.push(child);
      }
    }
  }
}
