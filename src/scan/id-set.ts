/** Object ids of git as a sorted block of bytes without repetitions: a million of them is 20 MB, and one look-up. */

/** Sorted by their bytes; the first two are looked up in a table. */
export class IdSet {
  readonly bytes: Buffer;
  readonly idBytes: number;
  /** Where the ids that begin with two bytes begin; one more for the end. */
  readonly #starts = new Uint32Array(0x10001);

  /** `bytes` is sorted, as `sortIds` leaves it. */
  constructor(bytes: Buffer, idBytes: number) {
    this.bytes = bytes;
    this.idBytes = idBytes;
    const starts = this.#starts;
    const count = this.size;
    for (let at = 0; at < bytes.length; at += idBytes) {
      const place = bytes.readUInt16BE(at) + 1;
      starts[place] = (starts[place] as number) + 1;
    }
    for (let place = 1; place <= 0x10000; place += 1) {
      starts[place] = (starts[place] as number) + (starts[place - 1] as number);
    }
    if (starts[0x10000] !== count) throw new RangeError('ids do not fill the block');
  }

  get size(): number {
    return Math.floor(this.bytes.length / this.idBytes);
  }

  /** Whether the id at `id[at..]` is one of them. */
  has(id: Uint8Array, at = 0): boolean {
    return this.indexOf(id, at) >= 0;
  }

  /** Its place among them, or -1. */
  indexOf(id: Uint8Array, at = 0): number {
    const { bytes, idBytes } = this;
    const head = ((id[at] as number) << 8) | (id[at + 1] as number);
    let low = this.#starts[head] as number;
    let high = this.#starts[head + 1] as number;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = compare(bytes, middle * idBytes, id, at, idBytes);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }
}

function compare(a: Uint8Array, atA: number, b: Uint8Array, atB: number, length: number): number {
  for (let index = 2; index < length; index += 1) {
    const difference = (a[atA + index] as number) - (b[atB + index] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The ids in `bytes` in order, each once. */
export function sortIds(bytes: Uint8Array, idBytes: number): Buffer {
  const count = Math.floor(bytes.length / idBytes);
  const starts = new Uint32Array(0x10001);
  const headAt = (index: number): number =>
    ((bytes[index * idBytes] as number) << 8) | (bytes[index * idBytes + 1] as number);
  for (let index = 0; index < count; index += 1) {
    const place = headAt(index) + 1;
    starts[place] = (starts[place] as number) + 1;
  }
  for (let place = 1; place <= 0x10000; place += 1) {
    starts[place] = (starts[place] as number) + (starts[place - 1] as number);
  }
  const ordered = new Uint32Array(count);
  const next = starts.slice();
  for (let index = 0; index < count; index += 1) {
    const place = next[headAt(index)] as number;
    next[headAt(index)] = place + 1;
    ordered[place] = index;
  }
  // Ids are digests: no two bytes are shared by many.
  for (let head = 0; head < 0x10000; head += 1) {
    const from = starts[head] as number;
    const to = starts[head + 1] as number;
    if (to - from < 2) continue;
    ordered.subarray(from, to).sort((a, b) => compare(bytes, a * idBytes, bytes, b * idBytes, idBytes));
  }
  const sorted = Buffer.allocUnsafe(count * idBytes);
  let size = 0;
  for (const index of ordered) {
    const at = index * idBytes;
    if (size > 0 && sameId(sorted, size - idBytes, bytes, at, idBytes)) continue;
    sorted.set(bytes.subarray(at, at + idBytes), size);
    size += idBytes;
  }
  return sorted.subarray(0, size);
}

function sameId(a: Uint8Array, atA: number, b: Uint8Array, atB: number, length: number): boolean {
  for (let index = 0; index < length; index += 1) if (a[atA + index] !== b[atB + index]) return false;
  return true;
}
