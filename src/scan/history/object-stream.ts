/**
 * Objects as `git cat-file --batch` gives them: one behind the other, each with a line before it. Small ones are passed on whole, larger ones
 * piece by piece, so that memory is bounded. Throws when the stream is not what it should be: nothing is skipped in silence.
 */

export interface ObjectHead {
  readonly id: string;
  /** `blob`, `commit`, `tree` or `tag`. */
  readonly kind: string;
  readonly size: number;
}

export interface ObjectSink {
  /** The content is valid until the promise is kept, or the next call. */
  whole(head: ObjectHead, content: Buffer): void | Promise<void>;
  /** A larger one begins, goes on and ends. */
  begin(head: ObjectHead): void;
  piece(bytes: Uint8Array): void;
  end(): void | Promise<void>;
  /** Git has no object of this id. */
  missing(id: string): void;
}

const NEWLINE = 0x0a;
const LONGEST_HEAD = 200;

export class ObjectStream {
  readonly #sink: ObjectSink;
  readonly #mostBytes: number;
  #carry: Buffer = Buffer.alloc(0);
  #head: ObjectHead | null = null;
  /** Of an object that comes piece by piece. */
  #left = 0;

  /** Objects up to `mostBytes` are passed on whole. */
  constructor(sink: ObjectSink, mostBytes: number) {
    this.#sink = sink;
    this.#mostBytes = mostBytes;
  }

  async push(chunk: Uint8Array): Promise<void> {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    // What is awaited is joined once, not with each chunk.
    if (this.#waiting.length > 0) {
      this.#waiting.push(Buffer.from(bytes));
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes < this.#needed) return;
      bytes = Buffer.concat(this.#waiting);
      this.#waiting = [];
    } else if (this.#carry.length > 0) bytes = Buffer.concat([this.#carry, bytes]);
    this.#carry = Buffer.alloc(0);
    await this.#take(bytes);
  }

  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #needed = 0;

  /** Throws when something is missing at the end. */
  end(): void {
    if (this.#head || this.#carry.length > 0 || this.#waiting.length > 0)
      throw new Error('git stopped in the middle of an object');
  }

  async #take(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const head = this.#head;
      if (!head) {
        const end = bytes.indexOf(NEWLINE, at);
        if (end < 0) {
          this.#carry = Buffer.from(bytes.subarray(at));
          if (this.#carry.length > LONGEST_HEAD) throw new Error('git answered with something else');
          return;
        }
        this.#start(bytes.toString('latin1', at, end));
        at = end + 1;
      } else if (head.size <= this.#mostBytes) {
        // With the line end behind it.
        const next = at + head.size + 1;
        if (next > bytes.length) {
          this.#waiting = [Buffer.from(bytes.subarray(at))];
          this.#waitingBytes = bytes.length - at;
          this.#needed = head.size + 1;
          return;
        }
        this.#head = null;
        const held = this.#sink.whole(head, bytes.subarray(at, next - 1));
        if (held) await held;
        at = next;
      } else at = await this.#takePiece(bytes, at);
    }
  }

  async #takePiece(bytes: Buffer, at: number): Promise<number> {
    const piece = bytes.subarray(at, at + this.#left);
    if (piece.length > 0) this.#sink.piece(piece);
    this.#left -= piece.length;
    const end = at + piece.length;
    if (this.#left > 0 || end === bytes.length) return end;
    this.#head = null;
    const held = this.#sink.end();
    if (held) await held;
    return end + 1;
  }

  #start(line: string): void {
    const [id = '', kind = '', size = ''] = line.split(' ');
    if (kind === 'missing') {
      this.#sink.missing(id);
      return;
    }
    if (!/^[0-9a-f]{40,64}$/.test(id) || !/^\d+$/.test(size))
      throw new Error('git answered with something else');
    this.#head = { id, kind, size: Number(size) };
    this.#left = this.#head.size;
    if (this.#head.size > this.#mostBytes) this.#sink.begin(this.#head);
  }
}
