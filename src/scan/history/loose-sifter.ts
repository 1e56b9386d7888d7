/** Objects that have a file each: unpacked and searched as those of a pack are, each as a whole. */
import { readFileSync, statSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import type { Depth } from '../../detect/deep.ts';
import type { Inspector } from './inspector.ts';
import { loosePath } from './object-folders.ts';
import { Sifter } from './sifter.ts';
import { OPEN, PENDING, SUSPECT, TELLING } from './states.ts';

/** Larger ones are left to git, which gives them piece by piece. */
const MOST_FILE_BYTES = 16 * 1024 * 1024;
const MOST_OBJECT_BYTES = 64 * 1024 * 1024;
const LONGEST_HEAD = 64;

export interface LooseJob {
  readonly folder: string;
  /** One behind the other. */
  readonly ids: Buffer;
  readonly idBytes: number;
  readonly states: Uint8Array;
  readonly depth: Depth;
}

export class LooseSifter {
  readonly #job: LooseJob;
  readonly #inspector: Inspector;
  readonly #sifter: Sifter;
  bytes = 0;

  constructor(job: LooseJob, inspector: Inspector) {
    this.#job = job;
    this.#inspector = inspector;
    this.#sifter = new Sifter(job.states, job.depth);
  }

  object(place: number): void {
    const { states } = this.#job;
    if (states[place] !== OPEN) return;
    const object = this.#read(place);
    if (!object) {
      states[place] = SUSPECT;
      return;
    }
    const { kind, content } = object;
    this.bytes += content.length;
    states[place] = PENDING;
    if (kind === 'tree') {
      const told = this.#inspector.tree(content, null, (from, to) =>
        this.#sifter.add(place, content, from, to),
      );
      if (told && states[place] === PENDING) states[place] = TELLING;
    } else if (kind === 'blob' && this.#inspector.blob(content)) states[place] = SUSPECT;
    else {
      this.#sifter.add(place, content, 0, content.length);
      if (kind === 'commit') this.#inspector.commit(content);
    }
    this.#sifter.settleLater(place, -1);
  }

  flush(): void {
    this.#sifter.flush();
  }

  /** Null when git has to say what is the matter with it. */
  #read(place: number): { readonly kind: string; readonly content: Buffer } | null {
    const { folder, ids, idBytes } = this.#job;
    const path = loosePath(folder, ids.toString('hex', place * idBytes, (place + 1) * idBytes));
    try {
      if (statSync(path).size > MOST_FILE_BYTES) return null;
      const object = inflateSync(readFileSync(path), { maxOutputLength: MOST_OBJECT_BYTES });
      const head = object.subarray(0, LONGEST_HEAD).indexOf(0);
      const [kind = '', size = ''] = object.toString('latin1', 0, Math.max(0, head)).split(' ');
      const content = object.subarray(head + 1);
      return head > 0 && Number(size) === content.length ? { kind, content } : null;
    } catch {
      return null;
    }
  }
}
