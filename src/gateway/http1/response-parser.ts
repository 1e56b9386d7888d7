/**
 * Reads HTTP/1.1 responses out of the bytes of one connection (RFC 9112), as strictly as a client may: what two readers could take for
 * different messages is an error, never a guess. Pure: bytes go in, events come out. It keeps at most one head (64 KiB).
 */

/** Something that is no response. The connection is of no further use. */
export class HttpProtocolError extends Error {
  readonly code = 'HTTP_PROTOCOL';
}

/** The head of a response, checked as a whole and looked through by name: of all its headers a few are of interest. */
export class ResponseHead {
  readonly status: number;
  readonly #text: string;
  readonly #folded: string;

  /** `text` ends before the empty line. Throws `HttpProtocolError` unless every line of it is what it has to be. */
  constructor(text: string) {
    if (!HEAD.test(text)) throw new HttpProtocolError('a head that is none');
    this.status = Number(text.slice(STATUS_AT, STATUS_AT + 3));
    this.#text = text;
    this.#folded = text.toLowerCase();
  }

  /** HTTP/1.0 ends every connection. */
  get http10(): boolean {
    return this.#text.charCodeAt(STATUS_AT - 2) === 0x30;
  }

  /** A header's value by its lower-case name, or null; repeated ones are joined with ", ". */
  get(name: string): string | null {
    const marker = `\r\n${name}:`;
    let value: string | null = null;
    for (let at = this.#folded.indexOf(marker); at >= 0; at = this.#folded.indexOf(marker, at + 1)) {
      const from = at + marker.length;
      const end = this.#text.indexOf('\r\n', from);
      const one = trim(end < 0 ? this.#text.slice(from) : this.#text.slice(from, end));
      value = value === null ? one : `${value}, ${one}`;
    }
    return value;
  }
}

export interface ResponseEvents {
  head(head: ResponseHead): void;
  /** A piece of the body as it came, without its framing: a view into what was pushed. */
  body(bytes: Buffer): void;
  /** The response is complete. `reusable`: another one may follow on this connection. */
  end(reusable: boolean): void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_INTERIM = 8;
/** A chunk's size line or a trailer. */
const MAX_LINE_BYTES = 4096;
const MAX_TRAILER_BYTES = 16 * 1024;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);

const STATUS_AT = 'HTTP/1.1 '.length;
/**
 * A status line and at most 256 fields: name, colon, value without control characters but the tab. A folded line begins with white space and
 * is none of these.
 */
const HEAD =
  /^HTTP\/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*){0,256}$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?$/;

type State = 'head' | 'length' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'done';

export class ResponseParser {
  readonly #events: ResponseEvents;
  #state: State = 'done';
  /** An unfinished head or line. */
  #kept: Buffer = NOTHING;
  /** Bytes of the body or of the chunk that are still to come. */
  #left = 0;
  #interim = 0;
  #trailerBytes = 0;
  #reusable = true;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  /** Expects the next response. Call it when its request is sent. */
  expect(): void {
    this.#state = 'head';
    this.#kept = NOTHING;
    this.#interim = 0;
    this.#trailerBytes = 0;
    this.#reusable = true;
  }

  /** Throws `HttpProtocolError`. Bytes behind the end of a response are an error as well: nobody asked for them. */
  push(bytes: Buffer): void {
    let rest = bytes;
    if (this.#kept.length > 0) {
      rest = Buffer.concat([this.#kept, bytes]);
      this.#kept = NOTHING;
    }
    while (rest.length > 0) {
      const used = this.#step(rest);
      if (used === 0) {
        this.#kept = rest;
        return;
      }
      rest = used === rest.length ? NOTHING : rest.subarray(used);
    }
  }

  /** The connection was closed in order. Throws `HttpProtocolError` when that cuts the response short. */
  close(): void {
    if (this.#state === 'done') return;
    if (this.#state !== 'until-close')
      throw new HttpProtocolError('the connection closed before the response was complete');
    this.#finish(false);
  }

  /** Takes what it can from the front; returns how much that was, 0 when more has to come first. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes);
      case 'length':
      case 'chunk':
        return this.#readBody(bytes);
      case 'until-close':
        this.#events.body(bytes);
        return bytes.length;
      case 'chunk-size':
        return this.#readChunkSize(bytes);
      case 'chunk-end':
        return this.#readChunkEnd(bytes);
      case 'trailer':
        return this.#readTrailer(bytes);
      case 'done':
        throw new HttpProtocolError('bytes that belong to no response');
    }
  }

  #readHead(bytes: Buffer): number {
    const end = bytes.indexOf(END_OF_HEAD);
    if (end < 0 ? bytes.length > MAX_HEAD_BYTES : end > MAX_HEAD_BYTES)
      throw new HttpProtocolError('the head is too long');
    if (end < 0) return 0;
    const head = new ResponseHead(bytes.toString('latin1', 0, end));
    if (head.status >= 200) {
      this.#begin(head);
      return end + END_OF_HEAD.length;
    }
    this.#interim += 1;
    if (head.status === 101 || this.#interim > MAX_INTERIM)
      throw new HttpProtocolError(`an interim response ${head.status} that nobody asked for`);
    return end + END_OF_HEAD.length;
  }

  #begin(head: ResponseHead): void {
    const chunked = isChunked(head.get('transfer-encoding'));
    const length = readLength(head.get('content-length'));
    // A length beside chunks is how responses are smuggled: the chunks count, and the connection is not used again (RFC 9112, 6.3).
    this.#reusable =
      !head.http10 && !(chunked && length !== null) && !/\bclose\b/i.test(head.get('connection') ?? '');
    this.#events.head(head);
    if (head.status === 204 || head.status === 304) this.#finish(this.#reusable);
    else if (chunked) this.#state = 'chunk-size';
    else if (length === null) this.#state = 'until-close';
    else if (length === 0) this.#finish(this.#reusable);
    else {
      this.#state = 'length';
      this.#left = length;
    }
  }

  #readBody(bytes: Buffer): number {
    const used = Math.min(bytes.length, this.#left);
    this.#left -= used;
    this.#events.body(used === bytes.length ? bytes : bytes.subarray(0, used));
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk-end';
      else this.#finish(this.#reusable && used === bytes.length);
    }
    return this.#state === 'done' ? bytes.length : used;
  }

  #readChunkSize(bytes: Buffer): number {
    const end = lineEnd(bytes);
    if (end < 0) return 0;
    const size = CHUNK_SIZE.exec(bytes.toString('latin1', 0, end))?.[1];
    if (size === undefined) throw new HttpProtocolError('a chunk without a size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    return end + CRLF.length;
  }

  #readChunkEnd(bytes: Buffer): number {
    if (bytes.length < CRLF.length) return 0;
    if (bytes[0] !== 0x0d || bytes[1] !== 0x0a)
      throw new HttpProtocolError('a chunk that does not end where it says');
    this.#state = 'chunk-size';
    return CRLF.length;
  }

  /** Trailers are read and dropped: nothing of them is passed on. */
  #readTrailer(bytes: Buffer): number {
    const end = lineEnd(bytes);
    if (end < 0) return 0;
    this.#trailerBytes += end;
    if (this.#trailerBytes > MAX_TRAILER_BYTES) throw new HttpProtocolError('the trailers are too long');
    const used = end + CRLF.length;
    if (end > 0) return used;
    this.#finish(this.#reusable && used === bytes.length);
    return bytes.length;
  }

  #finish(reusable: boolean): void {
    this.#state = 'done';
    this.#events.end(reusable);
  }
}

/** Without the spaces and tabs around a value, and nothing else that JavaScript counts as white space. */
function trim(value: string): string {
  return value.replaceAll(/^[ \t]+|[ \t]+$/g, '');
}

function isChunked(encoding: string | null): boolean {
  if (encoding === null) return false;
  if (encoding.toLowerCase() !== 'chunked')
    throw new HttpProtocolError('a transfer encoding that is not chunked');
  return true;
}

function readLength(text: string | null): number | null {
  if (text === null) return null;
  // Repeated and equal is one length (RFC 9110, 8.6).
  const [length = '', ...others] = text.split(/, */);
  if (!/^\d{1,15}$/.test(length) || others.some((other) => other !== length))
    throw new HttpProtocolError('a content length that is none');
  return Number(length);
}

function lineEnd(bytes: Buffer): number {
  const end = bytes.indexOf(CRLF);
  if (end < 0 ? bytes.length > MAX_LINE_BYTES : end > MAX_LINE_BYTES)
    throw new HttpProtocolError('a line of a chunk is too long');
  return end;
}
