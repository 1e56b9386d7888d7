// Made from src/redact by `npm run lib`; changes here are lost.
import type { RedactOptions } from './redact.cjs';

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
declare function transport(options?: TransportOptions): import('node:stream').Writable;
export default transport;
/** `pino({ hooks: { streamWrite: streamWrite() } })`: each line before it is written, in the thread that logs. */
export declare function streamWrite(options?: RedactOptions): (line: string) => string;
/** `pino(redactingStream(destination))`: the same for a destination of your own. */
export declare function redactingStream<T extends { write(line: string): unknown }>(destination: T, options?: RedactOptions): T;
