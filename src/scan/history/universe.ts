/**
 * All objects of a repository, wherever they are kept, reachable or not: those in packs and those with a file each, here and in the repositories
 * that it borrows from. Each is to be looked at in one place only, and not at all if it is known to be clean.
 */
import type { CleanBlobs } from '../clean-blobs.ts';
import { IdSet, sortIds } from '../id-set.ts';
import { looseIn, objectFolders, type PackFile, packsIn } from './object-folders.ts';
import { PackIndex } from './pack-index.ts';
import { CLEAN, ELSEWHERE, KNOWN, OPEN, PENDING, SUSPECT } from './states.ts';

/** Objects that are kept together. */
export interface Store {
  /** A pack; else the folder of objects that have a file each. */
  readonly pack: (PackFile & { readonly read: PackIndex }) | null;
  readonly folder: string;
  /** One behind the other. */
  readonly ids: Buffer;
  readonly count: number;
  /** By place. Shared between threads. */
  readonly states: Uint8Array;
}

export interface Universe {
  readonly idBytes: number;
  readonly all: IdSet;
  readonly stores: readonly Store[];
  /** How many need not be looked at, because they are known to be clean. */
  readonly known: number;
}

/** Throws when a pack is of a kind that is not known here; git may know it. */
export function openUniverse(
  own: string,
  idBytes: number,
  env: Readonly<Record<string, string | undefined>>,
  clean: CleanBlobs,
): Universe {
  const stores: Store[] = [];
  for (const folder of objectFolders(own, env)) {
    for (const file of packsIn(folder)) {
      const read = new PackIndex(file.index, idBytes);
      stores.push(storeOf({ ...file, read }, folder, read.ids.bytes, idBytes));
    }
    const loose = looseIn(folder, idBytes);
    if (loose.length > 0) stores.push(storeOf(null, folder, loose, idBytes));
  }
  const [first] = stores;
  const ids =
    stores.length === 1 && first?.pack
      ? first.ids
      : sortIds(Buffer.concat(stores.map((store) => store.ids)), idBytes);
  const shared = Buffer.from(new SharedArrayBuffer(ids.length));
  shared.set(ids);
  const all = new IdSet(shared, idBytes);
  return { idBytes, all, stores, known: settleKnown(all, stores, clean) };
}

function storeOf(pack: Store['pack'], folder: string, ids: Buffer, idBytes: number): Store {
  const count = ids.length / idBytes;
  return {
    pack,
    folder,
    ids,
    count,
    states: new Uint8Array(new SharedArrayBuffer(Math.max(1, count)), 0, count),
  };
}

function settleKnown(all: IdSet, stores: readonly Store[], clean: CleanBlobs): number {
  const seen = stores.length > 1 ? new Uint8Array(all.size) : null;
  let known = 0;
  for (const { ids, states, count } of stores) {
    for (let place = 0; place < count; place += 1) {
      const at = place * all.idBytes;
      const number = seen ? all.indexOf(ids, at) : 0;
      const isKnown = clean.size > 0 && clean.has(ids, at);
      if (isKnown) states[place] = KNOWN;
      else if (seen?.[number] === 1) states[place] = ELSEWHERE;
      if (isKnown && seen?.[number] !== 1) known += 1;
      if (seen) seen[number] = 1;
    }
  }
  return known;
}

/** Hands over the objects that turned out to be clean since the last time. */
export function rememberClean({ stores, idBytes }: Universe, clean: CleanBlobs): void {
  for (const { ids, states, count } of stores) {
    for (let place = 0; place < count; place += 1) {
      // From then on it is known; what is made from it need not ask which.
      if (Atomics.compareExchange(states, place, CLEAN, KNOWN) === CLEAN) clean.add(ids, place * idBytes);
    }
  }
  clean.save();
}

/** The ids of the objects that have to be looked at one by one: suspects, and whatever a scan that broke off left. */
export function suspectsOf({ stores, idBytes }: Universe): string[] {
  const suspects: string[] = [];
  for (const { ids, states, count } of stores) {
    for (let place = 0; place < count; place += 1) {
      const state = states[place];
      if (state !== SUSPECT && state !== OPEN && state !== PENDING) continue;
      suspects.push(ids.toString('hex', place * idBytes, (place + 1) * idBytes));
    }
  }
  return suspects;
}
