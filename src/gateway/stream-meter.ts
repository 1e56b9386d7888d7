/**
 * Reads a stream's usage on the side while its bytes pass. A chunk is searched for a few byte patterns and parsed only where one of them
 * stands; the last usage that is stated wins (Groq states the same total up to three times). Without any, what passed is counted.
 */
import { isStreamError, isUsageOnly, readUsage, type TokenUsage } from '../providers/openai.ts';

const LINE_FEED = 10;
const DATA = Buffer.from('data:');
/** Where a line may matter: usage, or a failure that the provider reports inside a stream. */
const MARKS = [Buffer.from('"usage"'), Buffer.from('"x_groq"'), Buffer.from('"error"')];
/** Longest line that is read for usage; a longer one passes unread, and the call is then charged its whole hold. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Shorter data lines carry no token: `data: [DONE]`. */
const MIN_EVENT_BYTES = 24;
/** Bytes of text that make at least one token, for streams that never state their usage. */
const BYTES_PER_TOKEN = 4;

export class StreamMeter {
  readonly #dropUsageChunk: boolean;
  #usage: TokenUsage | null = null;
  #failed = false;
  #unreadable = false;
  #bytes = 0;
  #events = 0;
  #eventBytes = 0;
  #smallestEvent = Infinity;
  #rest: Buffer | null = null;

  /** `dropUsageChunk`: the usage chunk was our wish, not the caller's, and is taken out. */
  constructor(options: { readonly dropUsageChunk: boolean }) {
    this.#dropUsageChunk = options.dropUsageChunk;
  }

  /** What the provider stated last, or null. */
  get usage(): TokenUsage | null {
    return this.#usage;
  }

  /** The provider said that the stream failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** A line was too long to be read: nothing can be said about usage. */
  get unreadable(): boolean {
    return this.#unreadable;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a chunk and gives what is to be passed on: the chunk itself, unless the usage chunk has to be taken out. May be empty. */
  read(chunk: Uint8Array): Uint8Array {
    this.#bytes += chunk.length;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const data = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = data.lastIndexOf(LINE_FEED) + 1;
    this.#keep(whole === data.length ? null : data.subarray(whole));
    const passed = this.#readLines(data.subarray(0, whole));
    if (!this.#dropUsageChunk) return chunk;
    return this.#rest === null && whole < data.length
      ? Buffer.concat([passed, data.subarray(whole)])
      : passed;
  }

  /** What is still held back when the stream ends without a line feed. */
  end(): Uint8Array {
    const rest = this.#rest ?? Buffer.alloc(0);
    this.#rest = null;
    if (rest.length > 0) this.#readLine(rest);
    return this.#dropUsageChunk ? rest : rest.subarray(0, 0);
  }

  /**
   * Completion tokens that passed, by our own count: one an event, or more where events carry more text than one token has. `ahead` adds
   * what so many further bytes could bring at the same density.
   */
  completionTokens(ahead = 0): number {
    if (this.#events === 0) return ahead === 0 ? 0 : Math.ceil(ahead / BYTES_PER_TOKEN);
    const text = this.#eventBytes - this.#events * this.#smallestEvent;
    const tokens = Math.max(this.#events, Math.ceil(text / BYTES_PER_TOKEN));
    return Math.ceil(tokens * (1 + ahead / Math.max(1, this.#eventBytes)));
  }

  #keep(rest: Buffer | null): void {
    if (rest !== null && rest.length > MAX_LINE_BYTES) this.#unreadable = true;
    this.#rest = rest !== null && rest.length > MAX_LINE_BYTES ? null : rest;
  }

  /** Reads whole lines; returns them without the usage chunk. */
  #readLines(lines: Buffer): Buffer {
    let from = 0;
    let dropped: Buffer[] | null = null;
    let kept = 0;
    for (let end = lines.indexOf(LINE_FEED); end >= 0; end = lines.indexOf(LINE_FEED, from)) {
      if (end - from > MIN_EVENT_BYTES && this.#readLine(lines.subarray(from, end)) && this.#dropUsageChunk) {
        dropped ??= [];
        dropped.push(lines.subarray(kept, from));
        kept = end + 1;
      }
      from = end + 1;
    }
    return dropped === null ? lines : Buffer.concat([...dropped, lines.subarray(kept)]);
  }

  /** Returns true for the extra chunk that carries nothing but usage. */
  #readLine(line: Buffer): boolean {
    if (line.indexOf(DATA) !== 0) return false;
    this.#events += 1;
    this.#eventBytes += line.length;
    if (line.length < this.#smallestEvent) this.#smallestEvent = line.length;
    if (!MARKS.some((mark) => line.includes(mark))) return false;
    let event: unknown;
    try {
      event = JSON.parse(line.toString('utf8', DATA.length));
    } catch {
      return false;
    }
    this.#usage = readUsage(event) ?? this.#usage;
    if (isStreamError(event)) this.#failed = true;
    return isUsageOnly(event);
  }
}
