/**
 * Lines for whoever collects what this process prints. Nobody here waits for the reader: what a slow one leaves unread is kept up to a
 * bound, what comes then is dropped and counted, and said once there is room again. A reader that is gone, or a full disk, costs lines.
 */

/** A standard stream of the process. */
export interface LineStream {
  write(text: string, done: (error?: Error | null) => void): unknown;
}

export interface LineSinkConfig {
  readonly stream: LineStream;
  /** Of lines that the stream has not taken yet. */
  readonly maxPendingBytes?: number;
  /** The line that says how many are missing. */
  readonly notice: (lines: number) => string;
}

const MAX_PENDING_BYTES = 1024 * 1024;

export class LineSink {
  readonly #config: LineSinkConfig;
  readonly #maxPendingBytes: number;
  #pendingBytes = 0;
  #dropped = 0;
  #toldDropped = 0;

  constructor(config: LineSinkConfig) {
    this.#config = config;
    this.#maxPendingBytes = config.maxPendingBytes ?? MAX_PENDING_BYTES;
  }

  /** Lines that nobody will read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Everything was taken. */
  get drained(): boolean {
    return this.#pendingBytes === 0;
  }

  /** `text` is so many whole lines. */
  write(text: string, lines = 1): void {
    if (this.#pendingBytes > 0 && this.#pendingBytes + text.length > this.#maxPendingBytes) {
      this.#dropped += lines;
      return;
    }
    this.tellDropped();
    this.#send(text, lines);
  }

  /** Says how many lines are missing, if that was not said yet: also with the next line, when there is one. */
  tellDropped(): void {
    const missing = this.#dropped - this.#toldDropped;
    if (missing === 0) return;
    this.#toldDropped = this.#dropped;
    this.#send(this.#config.notice(missing), 0);
  }

  #send(text: string, lines: number): void {
    this.#pendingBytes += text.length;
    this.#config.stream.write(text, (error) => {
      this.#pendingBytes -= text.length;
      if (error) this.#dropped += lines;
    });
  }
}
