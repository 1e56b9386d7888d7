/**
 * One pack's share of a scan, in the same terms for the main thread and for Workers: whoever is free takes the next families. All that is shared
 * lies in shared memory; what a Worker has to tell besides is a list at the end.
 */
import type { Depth } from '../../detect/deep.ts';
import { IdSet } from '../id-set.ts';
import { Inspector, type Told } from './inspector.ts';
import { PackBytes } from './pack-bytes.ts';
import { PackIndex } from './pack-index.ts';
import { PackSifter } from './pack-sifter.ts';
import type { PackTable } from './pack-table.ts';

export interface PackShare {
  readonly index: string;
  readonly pack: string;
  readonly table: PackTable;
  readonly states: Uint8Array;
  /** The next family that nobody has taken. */
  readonly next: Int32Array;
}

export interface PackWork {
  readonly packs: readonly PackShare[];
  readonly all: Uint8Array;
  readonly idBytes: number;
  readonly depth: Depth;
  /** See `Totals`. */
  readonly totals: BigInt64Array;
  readonly mostMappedBytes?: number;
}

/** Places in `totals`. */
export const OBJECTS = 0;
export const BYTES = 1;
/** Not 0 when the work is to be left as it is. */
export const STOP = 2;

/** So many families are taken at a time. */
const TAKEN = 64;

/** Does what is left to do, in steps: the caller may do something else between two. */
export function* doPackWork(work: PackWork): Generator<void, Told> {
  const { packs, all, idBytes, depth, totals } = work;
  const inspector = new Inspector(
    new IdSet(Buffer.from(all.buffer, all.byteOffset, all.byteLength), idBytes),
  );
  for (const { index, pack, table, states, next } of packs) {
    using bytes = new PackBytes(pack, work.mostMappedBytes);
    const sifter = new PackSifter(
      { index: new PackIndex(index, idBytes), pack: bytes, table, states, depth },
      inspector,
    );
    const { roots } = table;
    for (;;) {
      const first = Atomics.add(next, 0, TAKEN);
      if (first >= roots.length || Atomics.load(totals, STOP) !== 0n) break;
      for (const root of roots.subarray(first, first + TAKEN)) sifter.family(root);
      Atomics.add(totals, OBJECTS, BigInt(sifter.objects));
      Atomics.add(totals, BYTES, BigInt(sifter.bytes));
      sifter.objects = 0;
      sifter.bytes = 0;
      yield;
    }
    sifter.flush();
  }
  return toldBy(inspector);
}

export function toldBy({ names, missing }: Inspector): Told {
  return { names: [...names].map(([id, own]) => [id, [...own]]), missing: [...missing] };
}
