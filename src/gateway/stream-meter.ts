/**
 * Reads a stream's usage on the side while its bytes pass. A chunk is searched for a few byte patterns and parsed only where one of them
 * stands; the last usage that is stated wins (Groq states the same total up to three times). Without any, what passed is counted.
 */
import {
  isStreamError,
  isUsageOnly,
  readAnsweredModel,
  readUsage,
  type TokenUsage,
} from '../providers/openai-answer.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DATA = Buffer.from('data:');
const DONE = /^data: ?\[DONE\]\r?$/;
/** What else may stand in a stream, and carries nothing: a comment, or one of the other fields. */
const SILENT = /^(?::|(?:event|id|retry)(?:[:\r]|$))/;
/** Enough of a line to tell its field. */
const FIELD_BYTES = 8;
/** A line feed is the only line end that is read here; a lone carriage return is one too by the format. */
const LONE_CR = /\r(?=.)/s;
/** Where a line may matter: usage, or a failure that the provider reports inside a stream. */
const MARKS = [Buffer.from('"usage"'), Buffer.from('"x_groq"'), Buffer.from('"error"')];
/** Longest line that is read for usage; a longer one passes unread, and the call is then charged its whole hold. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Lines up to this are no token of this dialect: a blank line, a comment, `data: [DONE]`. */
const MIN_EVENT_BYTES = 24;
/** Bytes of text that make at least one token, for streams that never state their usage. */
const BYTES_PER_TOKEN = 4;
/** More than this of an event is text: no provider's frame around a token is larger. */
const MAX_FRAME_BYTES = 512;
const NOTHING = Buffer.alloc(0);

export class StreamMeter {
  readonly #dropUsageChunk: boolean;
  #usage: TokenUsage | null = null;
  #model: string | null = null;
  #failed = false;
  #unreadable = false;
  #bytes = 0;
  #events = 0;
  #eventBytes = 0;
  /** Of data lines that are too short to be events of this dialect. */
  #shortBytes = 0;
  #smallestEvent = Infinity;
  /** The line that has begun, in a buffer with room to grow: a long line in small pieces must not be copied with each of them. */
  #rest: Buffer = NOTHING;
  #restBytes = 0;
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

  /** The model of the last event that was read, as the provider names it. */
  get model(): string | null {
    return this.#model;
  }

  /** The provider said that the stream failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** A line was too long to be read, or of no kind that a stream of events has: what it delivered cannot be said. */
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
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    let passed: Buffer = bytes.subarray(0, end);
    if (end > 0) passed = this.#readLines(this.#joined(passed));
    const overlong = this.#keep(bytes.subarray(end));
    if (!this.#dropUsageChunk) return chunk;
    return overlong.length === 0 ? passed : Buffer.concat([passed, overlong]);
  }

  /** What is still held back when the stream ends without a line feed. */
  end(): Uint8Array {
    if (this.#restBytes === 0) return NOTHING;
    const rest = this.#joined(NOTHING);
    const usageOnly = this.#readLine(rest);
    return this.#dropUsageChunk && !usageOnly ? rest : NOTHING;
  }

  /**
   * Completion tokens that passed, by our own count: one an event, or more where events carry more text than one token has; a line that
   * has begun counts as an event. `ahead` adds what so many further bytes could bring at the same density.
   */
  completionTokens(ahead = 0): number {
    const pending = this.#restBytes > MIN_EVENT_BYTES ? this.#restBytes : 0;
    const events = this.#events + (pending > 0 ? 1 : 0);
    const short = Math.ceil(this.#shortBytes / BYTES_PER_TOKEN);
    if (events === 0) return short + Math.ceil(ahead / BYTES_PER_TOKEN);
    const eventBytes = this.#eventBytes + pending;
    const text = eventBytes - events * Math.min(this.#smallestEvent, MAX_FRAME_BYTES);
    const tokens = Math.max(events, Math.ceil(text / BYTES_PER_TOKEN));
    return short + Math.ceil(tokens * (1 + ahead / Math.max(1, eventBytes)));
  }

  /** The line that has begun with `more` behind it; nothing is kept of it then. */
  #joined(more: Buffer): Buffer {
    if (this.#restBytes === 0) return more;
    const whole = Buffer.concat([this.#rest.subarray(0, this.#restBytes), more]);
    this.#rest = NOTHING;
    this.#restBytes = 0;
    return whole;
  }

  /** Keeps an unfinished line; returns what of it has to pass unread, because it is too long. */
  #keep(piece: Buffer): Buffer {
    const bytes = this.#restBytes + piece.length;
    if (this.#overlong || bytes > MAX_LINE_BYTES) {
      this.#overlong = true;
      this.#unreadable = true;
      return this.#joined(piece);
    }
    if (bytes > this.#rest.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(2 * this.#rest.length, MAX_LINE_BYTES)));
      this.#rest.copy(grown, 0, 0, this.#restBytes);
      this.#rest = grown;
    }
    piece.copy(this.#rest, this.#restBytes);
    this.#restBytes = bytes;
    return NOTHING;
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
    if (!blank) this.#readLine(lines.subarray(from, end));
    const drops = blank && this.#dropBlank;
    this.#dropBlank = false;
    return drops;
  }

  /** Returns true for the extra chunk that carries nothing but usage. */
  #readLine(line: Buffer): boolean {
    if (!line.subarray(0, DATA.length).equals(DATA)) {
      if (!SILENT.test(line.toString('latin1', 0, FIELD_BYTES)) || LONE_CR.test(line.toString('latin1')))
        this.#unreadable = true;
      return false;
    }
    if (line.length > MIN_EVENT_BYTES) {
      this.#events += 1;
      this.#eventBytes += line.length;
      if (line.length < this.#smallestEvent) this.#smallestEvent = line.length;
    } else if (!DONE.test(line.toString('latin1'))) {
      this.#shortBytes += line.length - DATA.length;
    }
    if (!MARKS.some((mark) => line.includes(mark))) return false;
    let event: unknown;
    try {
      event = JSON.parse(line.toString('utf8', DATA.length));
    } catch {
      return false;
    }
    this.#usage = readUsage(event) ?? this.#usage;
    this.#model = readAnsweredModel(event) ?? this.#model;
    if (isStreamError(event)) this.#failed = true;
    return isUsageOnly(event);
  }
}
