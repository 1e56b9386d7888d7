/**
 * One pass over a text that finds where every search begins: the runs of key characters, and the anchors. Long texts go through a WebAssembly
 * program, where the machine can run it; what it notices is the same.
 */
import { FILTERS, GROUP_BITS, PLACE } from './anchors.ts';
import { eachRun, RUN } from './run-skip.ts';
import type { WasmSkimmer } from './skim-wasm.ts';

/**
 * What was noticed, three numbers each: a run with its start, its end and its uses (run-use.ts), or an anchor with its place, -1 and its bits. A run
 * comes behind its anchors; one that is of no use need not come.
 */
export interface Skimmed {
  readonly events: ArrayLike<number>;
  readonly hasZero: boolean;
}

/** Below that, the program is not worth being started; once it runs, it is worth it for much less. */
const LEAST_TO_START = 256 * 1024;
const LEAST_BYTES = 1024;

let make: (() => WasmSkimmer) | undefined;
let skimmer: WasmSkimmer | null | undefined;
let skimmed = 0;

/** Places are those in `bytes`; what is noticed lies in `bytes[from..to)`. `uses` are those of runs that anybody asks about (run-use.ts). */
export function skim(bytes: Uint8Array, from: number, to: number, uses: number): Skimmed {
  const size = to - from;
  // The program looks at nothing behind `to`, where searches may.
  if (size < LEAST_BYTES || to < bytes.length) return skimPlainly(bytes, from, to, uses);
  skimmed += size;
  if (make && skimmer === undefined && skimmed >= LEAST_TO_START) skimmer = startProgram();
  return skimmer ? skimmer.skim(bytes, from, to, uses) : skimPlainly(bytes, from, to, uses);
}

/** Loads the program, for a process that is going to see much text. Without it, all is found as well. */
export async function prepareSkimming(): Promise<void> {
  const { WasmSkimmer: Loaded } = await import('./skim-wasm.ts');
  make ??= () => new Loaded();
}

function startProgram(): WasmSkimmer | null {
  try {
    return make?.() ?? null;
  } catch {
    // A processor without these instructions: it takes longer, and finds the same.
    return null;
  }
}

const PAD = 1;
const [FIRST, SECOND, THIRD] = FILTERS;
const PLACE_BITS = Object.values(PLACE).reduce((bits, bit) => bits | bit, 0);

/** The same, a byte at a time. */
export function skimPlainly(bytes: Uint8Array, from: number, to: number, uses: number): Skimmed {
  const events: number[] = [];
  let hasZero = false;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0) hasZero = true;
    const first = (FIRST[byte] as number) & PLACE_BITS;
    if (first === 0) continue;
    // Nothing at `to` or behind it is looked at: a control character that begins nothing stands for it.
    const second = SECOND[at + 1 < to ? (bytes[at + 1] as number) : PAD] as number;
    const third = THIRD[at + 2 < to ? (bytes[at + 2] as number) : PAD] as number;
    const bits = first & second & third;
    if (bits !== 0) events.push(at, -1, bits);
  }
  eachRun(bytes, from, to, (start, end) => {
    for (let at = start; at + RUN <= end; at += 1) {
      const bits =
        (FIRST[bytes[at] as number] as number) &
        (SECOND[bytes[at + 1] as number] as number) &
        (THIRD[bytes[at + 2] as number] as number) &
        GROUP_BITS;
      if (bits !== 0) events.push(at, -1, bits);
    }
    events.push(start, end, uses);
  });
  return { events, hasZero };
}
