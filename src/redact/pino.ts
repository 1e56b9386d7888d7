/**
 * For users of pino: a transport that redacts in its worker thread, a hook and a stream that do it at once. Lines are redacted as the text that
 * they are: what pino has written as JSON stays JSON.
 */
import { close, mkdirSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { createByteRedactor, createRedactor, type RedactOptions, type Redactor } from './redact.ts';

/** As `options` of a transport, which are copied to its thread: no functions. */
export interface TransportOptions extends Omit<RedactOptions, 'mark'> {
  /** A path, or the number of an open file: 1, standard output, unless it is given. */
  readonly destination?: string | number;
  /** Go on behind what is in the file: true unless it is said to be false. */
  readonly append?: boolean;
  /** Make the folder of the file. */
  readonly mkdir?: boolean;
  /** The transport is followed by another in a `pipeline`, which gets the lines. */
  readonly pipeline?: boolean;
}

/** What pino asks for a target: `pino({ transport: { target: 'sallyport/pino', options } })`. */
export function transport(options: TransportOptions = {}): Writable {
  const { destination = 1, append = true, mkdir = false, pipeline = false, ...rest } = options;
  const redactor = createByteRedactor(rest);
  if (pipeline) return new Passing(redactor);
  if (typeof destination === 'number') return new Ending(redactor, destination, false);
  if (mkdir) mkdirSync(dirname(destination), { recursive: true });
  return new Ending(redactor, openSync(destination, append ? 'a' : 'w', 0o666), true);
}

/** `pino({ hooks: { streamWrite: streamWrite() } })`: each line before it is written, in the thread that logs. */
export function streamWrite(options: RedactOptions = {}): (line: string) => string {
  const redactor = createRedactor(options);
  return (line) => redactor.push(line) + redactor.end();
}

/** `pino(redactingStream(destination))`: the same for a destination of your own. */
export function redactingStream<T extends { write(line: string): unknown }>(
  destination: T,
  options: RedactOptions = {},
): T {
  const safe = streamWrite(options);
  return new Proxy(destination, {
    get: (target, name) => {
      if (name === 'write') return (line: string) => target.write(safe(line));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Lines are complete when they come, so nothing but the end of one can be held for long. */
function next(redactor: Redactor<Uint8Array>, chunk: Uint8Array): Uint8Array {
  const safe = redactor.push(chunk);
  const end = redactor.release();
  return end.length === 0 ? safe : Buffer.concat([safe, end]);
}

class Passing extends Transform {
  readonly #redactor: Redactor<Uint8Array>;

  constructor(redactor: Redactor<Uint8Array>) {
    super();
    this.#redactor = redactor;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.push(next(this.#redactor, chunk));
    done();
  }

  override _flush(done: (error?: Error | null) => void): void {
    this.push(this.#redactor.end());
    done();
  }
}

const BUSY_MS = 5;

class Ending extends Writable {
  readonly #redactor: Redactor<Uint8Array>;
  readonly #file: number;
  readonly #closes: boolean;
  #gone = false;

  constructor(redactor: Redactor<Uint8Array>, file: number, closes: boolean) {
    super({ decodeStrings: true });
    this.#redactor = redactor;
    this.#file = file;
    this.#closes = closes;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#put(next(this.#redactor, chunk), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#put(this.#redactor.end(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#closes) close(this.#file, (failed) => done(error ?? failed));
    else done(error);
  }

  #drop(done: () => void): void {
    this.#gone = true;
    done();
  }

  /** All of it: a pipe takes what it has room for. */
  #put(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    if (bytes.length === 0 || this.#gone) {
      done();
      return;
    }
    write(this.#file, bytes, 0, bytes.length, null, (error, count) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#put(bytes, done), BUSY_MS);
      // The reader of a pipe is gone: no reason for the application to end.
      else if (error?.code === 'EPIPE') this.#drop(done);
      else if (error) done(error);
      else this.#put(bytes.subarray(count), done);
    });
  }
}
