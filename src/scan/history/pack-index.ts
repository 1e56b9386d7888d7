/**
 * A pack's index, version 2 (gitformat-pack(5)): the ids of its objects in order, and where in the pack each begins. Throws for what is none,
 * or is damaged in a way that shows.
 */
import { readFileSync } from 'node:fs';
import { IdSet } from '../id-set.ts';

const MAGIC = 0xff744f63;
const FAN_OUT_BYTES = 1024;
const HEAD_BYTES = 8;
/** Of an offset: the rest is a place in the table of large ones. */
const LARGE = 0x80000000;

export class PackIndex {
  readonly ids: IdSet;
  readonly count: number;
  readonly #file: Buffer;
  readonly #sums: number;
  readonly #offsets: number;
  readonly #large: number;

  constructor(path: string, idBytes: number) {
    const file = readFileSync(path);
    const at = HEAD_BYTES + FAN_OUT_BYTES;
    if (file.length < at || file.readUInt32BE(0) !== MAGIC || file.readUInt32BE(4) !== 2) {
      throw new Error('its index is of a kind that is not known');
    }
    this.#file = file;
    this.count = file.readUInt32BE(at - 4);
    this.#sums = at + this.count * idBytes;
    this.#offsets = this.#sums + this.count * 4;
    this.#large = this.#offsets + this.count * 4;
    if (this.#large + 2 * idBytes > file.length) throw new Error('its index is cut');
    this.ids = new IdSet(file.subarray(at, this.#sums), idBytes);
  }

  offsetOf(place: number): number {
    const offset = this.#file.readUInt32BE(this.#offsets + 4 * place);
    if (offset < LARGE) return offset;
    return Number(this.#file.readBigUInt64BE(this.#large + 8 * (offset - LARGE)));
  }

  /** CRC-32 of the object as it is in the pack. */
  sumOf(place: number): number {
    return this.#file.readUInt32BE(this.#sums + 4 * place);
  }
}
