/**
 * Git's deltas (gitformat-pack(5)): an object told as pieces copied from another one, and bytes that are new. Says which parts of the result
 * are new, because only these, and the places where two pieces meet, can hold what the other object did not.
 */

/** The new parts of an object: `ranges[2n]` to `ranges[2n + 1]`, in order. An empty one is where two copied pieces meet. */
export class NewParts {
  ranges = new Uint32Array(256);
  count = 0;

  clear(): void {
    this.count = 0;
  }

  add(from: number, to: number): void {
    if (this.count > 0 && this.ranges[2 * this.count - 1] === from) {
      this.ranges[2 * this.count - 1] = to;
      return;
    }
    if (2 * this.count >= this.ranges.length) {
      const larger = new Uint32Array(2 * this.ranges.length);
      larger.set(this.ranges);
      this.ranges = larger;
    }
    this.ranges[2 * this.count] = from;
    this.ranges[2 * this.count + 1] = to;
    this.count += 1;
  }
}

/** The size of the result, or -1 when the delta is not one of an object of `baseSize` bytes. */
export function resultSize(delta: Uint8Array, baseSize: number): number {
  const base = readSize(delta, 0);
  return base.size === baseSize ? readSize(delta, base.end).size : -1;
}

function readSize(delta: Uint8Array, from: number): { readonly size: number; readonly end: number } {
  let at = from;
  let size = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = delta[at++] ?? 0;
    size += (byte & 0x7f) * factor;
    if (byte < 0x80) return { size, end: at };
  }
}

/** Below that, a loop is faster than a call. */
const SHORT = 24;

/**
 * Writes the result to `arena[out..out + size)`; what it copies is at `arena[base..base + baseSize)`, before it. False when the delta is damaged.
 */
export function applyDelta(
  arena: Uint8Array,
  base: number,
  baseSize: number,
  out: number,
  size: number,
  delta: Uint8Array,
  parts: NewParts,
): boolean {
  parts.clear();
  let at = readSize(delta, readSize(delta, 0).end).end;
  const { length } = delta;
  let to = out;
  const end = out + size;
  /** Where the last copied piece ended, and 0 at the start: what goes on from there is no seam. */
  let goesOn = 0;
  while (at < length) {
    const code = delta[at++] as number;
    if (code >= 0x80) {
      let from = 0;
      let count = 0;
      if (code & 1) from = delta[at++] as number;
      if (code & 2) from |= (delta[at++] as number) << 8;
      if (code & 4) from |= (delta[at++] as number) << 16;
      if (code & 8) from += (delta[at++] as number) * 0x1000000;
      if (code & 16) count = delta[at++] as number;
      if (code & 32) count |= (delta[at++] as number) << 8;
      if (code & 64) count |= (delta[at++] as number) << 16;
      if (count === 0) count = 0x10000;
      if (at > length || from + count > baseSize || to + count > end) return false;
      if (from !== goesOn) parts.add(to - out, to - out);
      goesOn = from + count;
      const source = base + from;
      if (count < SHORT)
        for (let index = 0; index < count; index += 1) arena[to + index] = arena[source + index] as number;
      else arena.copyWithin(to, source, source + count);
      to += count;
      if (to === end && from + count < baseSize) parts.add(size, size);
    } else if (code > 0) {
      if (at + code > length || to + code > end) return false;
      for (let index = 0; index < code; index += 1) arena[to + index] = delta[at + index] as number;
      parts.add(to - out, to - out + code);
      goesOn = -1;
      at += code;
      to += code;
    } else return false;
  }
  return to === end;
}
