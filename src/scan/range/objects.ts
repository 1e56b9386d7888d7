/** Objects by name, as one `git cat-file --batch` gives them, one after the other in bounded memory. */
import { complaint, type GitOptions, streamGit } from '../git.ts';

export interface GitObject {
  readonly id: string;
  /** `blob`, `commit`, `tree` or `tag`. */
  readonly kind: string;
  readonly bytes: Buffer;
  /** Which of the names that were asked for, from 0. */
  readonly at: number;
}

export interface ObjectListener {
  readonly object: (object: GitObject) => void | Promise<void>;
  readonly missing: (at: number) => void;
  /** It is too large to be held. */
  readonly tooLarge: (id: string, size: number) => void;
}

const MOST_BYTES = 256 * 1024 * 1024;
const NEWLINE = 0x0a;

/** `names` are ids or such as `HEAD:path`. Throws when git gives less than was asked for. */
export async function eachObject(
  names: readonly string[],
  options: GitOptions,
  listener: ObjectListener,
): Promise<void> {
  const reader = new BatchReader(listener);
  const input = names.map((name) => `${name}\n`).join('');
  const { code, err } = await streamGit(
    ['cat-file', '--batch'],
    options,
    (chunk) => reader.push(chunk),
    input,
  );
  if (code !== 0 || !reader.isDone(names.length))
    throw new Error(`git cat-file ended with ${code}: ${complaint(err)}`);
}

class BatchReader {
  readonly #listener: ObjectListener;
  /** What came of the head, or of the content and its line end. */
  #parts: Buffer[] = [];
  #size = 0;
  #head: { readonly id: string; readonly kind: string; readonly size: number } | null = null;
  #count = 0;

  constructor(listener: ObjectListener) {
    this.#listener = listener;
  }

  isDone(count: number): boolean {
    return this.#count === count && this.#head === null && this.#size === 0;
  }

  async push(chunk: Uint8Array): Promise<void> {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (rest.length > 0) rest = this.#head ? await this.#content(rest, this.#head) : this.#line(rest);
  }

  #line(bytes: Buffer): Buffer {
    const end = bytes.indexOf(NEWLINE);
    this.#keep(bytes.subarray(0, end < 0 ? bytes.length : end));
    if (end < 0) return Buffer.alloc(0);
    const line = this.#taken().toString();
    const [, id = '', kind = '', size = ''] = /^([0-9a-f]+) ([a-z]+) (\d+)$/.exec(line) ?? [];
    if (id !== '') this.#head = { id, kind, size: Number(size) };
    else {
      if (!line.endsWith(' missing')) throw new Error('git cat-file said something else than it was asked');
      this.#listener.missing(this.#count);
      this.#count += 1;
    }
    return bytes.subarray(end + 1);
  }

  async #content(bytes: Buffer, head: { id: string; kind: string; size: number }): Promise<Buffer> {
    const wanted = head.size + 1 - this.#size;
    const piece = bytes.subarray(0, wanted);
    if (head.size <= MOST_BYTES) this.#keep(piece);
    else this.#size += piece.length;
    if (piece.length === wanted) {
      const content = this.#taken();
      const at = this.#count;
      this.#head = null;
      this.#count += 1;
      if (head.size > MOST_BYTES) this.#listener.tooLarge(head.id, head.size);
      else
        await this.#listener.object({
          id: head.id,
          kind: head.kind,
          at,
          bytes: content.subarray(0, head.size),
        });
    }
    return bytes.subarray(piece.length);
  }

  #keep(piece: Buffer): void {
    // The chunk is git's to use again.
    this.#parts.push(Buffer.from(piece));
    this.#size += piece.length;
  }

  #taken(): Buffer {
    const [first] = this.#parts;
    const all = first && this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return all;
  }
}
