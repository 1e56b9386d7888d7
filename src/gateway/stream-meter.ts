/**
 * Reads a stream's usage on the side while its bytes pass. A chunk is searched for a few byte patterns and parsed only where one of them
 * stands; the last usage that is stated wins (Groq states the same total up to three times). Without any, what passed is counted.
 */
import { isStreamError, isUsageOnly, readUsage, type TokenUsage } from '../providers/openai.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DATA = Buffer.from('data:');
/** Where a line may matter: usage, or a failure that the provider reports inside a stream. */
const MARKS = [Buffer.from('"usage"'), Buffer.from('"x_groq"'), Buffer.from('"error"')];
/** Longest line that is read for usage; a longer one passes unread, and the call is then charged its whole hold. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Shorter data lines carry no token: `data: [DONE]`. */
const MIN_EVENT_BYTES = 24;
/** Bytes of text that make at least one token, for streams that never state their usage. */
const BYTES_PER_TOKEN = 4;
/** More than this of an event is text: no provider's frame around a token is larger. */
const MAX_FRAME_BYTES = 512;
const NOTHING = new Uint8Array(0);

export class StreamMeter {
  readonly #dropUsageChunk: boolean;
  #usage: TokenUsage | null = null;
  #failed = false;
  #unreadable = false;
  #bytes = 0;
  #events = 0;
  #eventBytes = 0;
  #smallestEvent = Infinity;
  /** The line that has begun. */
  #rest: Buffer | null = null;
  /** In a line that is too long to be kept. */
  #overlong = false;
  /** The line before was taken out: the blank line that ends its event goes too. */
  #dropBlank = false;

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
    const passed = this.#readLines(data.subarray(0, whole));
    const rest = data.subarray(whole);
    this.#keep(rest);
    if (!this.#dropUsageChunk) return chunk;
    return this.#overlong && rest.length > 0 ? Buffer.concat([passed, rest]) : passed;
  }

  /** What is still held back when the stream ends without a line feed. */
  end(): Uint8Array {
    const rest = this.#rest;
    this.#rest = null;
    if (rest === null) return NOTHING;
    const usageOnly = rest.length > MIN_EVENT_BYTES && this.#readLine(rest);
    return this.#dropUsageChunk && !usageOnly ? rest : NOTHING;
  }

  /**
   * Completion tokens that passed, by our own count: one an event, or more where events carry more text than one token has. `ahead` adds
   * what so many further bytes could bring at the same density.
   */
  completionTokens(ahead = 0): number {
    if (this.#events === 0) return ahead === 0 ? 0 : Math.ceil(ahead / BYTES_PER_TOKEN);
    const text = this.#eventBytes - this.#events * Math.min(this.#smallestEvent, MAX_FRAME_BYTES);
    const tokens = Math.max(this.#events, Math.ceil(text / BYTES_PER_TOKEN));
    return Math.ceil(tokens * (1 + ahead / Math.max(1, this.#eventBytes)));
  }

  #keep(rest: Buffer): void {
    if (rest.length > MAX_LINE_BYTES) this.#overlong = true;
    if (this.#overlong) this.#unreadable = true;
    this.#rest = this.#overlong || rest.length === 0 ? null : rest;
  }

  /** Reads whole lines; returns them without the usage chunk. */
  #readLines(lines: Buffer): Buffer {
    let from = 0;
    let passed: Buffer[] | null = null;
    let kept = 0;
    for (let end = lines.indexOf(LINE_FEED); end >= 0; end = lines.indexOf(LINE_FEED, from)) {
      if (this.#dropsLine(lines, from, end)) {
        passed ??= [];
        passed.push(lines.subarray(kept, from));
        kept = end + 1;
      }
      from = end + 1;
    }
    return passed === null ? lines : Buffer.concat([...passed, lines.subarray(kept)]);
  }

  /** Reads the line from `from` to before the line feed at `end`; true when it is to be taken out. */
  #dropsLine(lines: Buffer, from: number, end: number): boolean {
    if (this.#overlong) {
      this.#overlong = false;
      return false;
    }
    if (end - from > MIN_EVENT_BYTES) {
      this.#dropBlank = this.#readLine(lines.subarray(from, end)) && this.#dropUsageChunk;
      return this.#dropBlank;
    }
    const blank = end === from || (end === from + 1 && lines[from] === CARRIAGE_RETURN);
    const drops = blank && this.#dropBlank;
    this.#dropBlank = false;
    return drops;
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
