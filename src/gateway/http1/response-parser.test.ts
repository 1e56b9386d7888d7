import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import {
  HttpProtocolError,
  type ResponseEvents,
  type ResponseHead,
  ResponseParser,
} from './response-parser.ts';

interface Seen {
  status: number;
  headers: (name: string) => string | null;
  body: string;
  /** Undefined while the response is not complete. */
  reusable: boolean | undefined;
}

class Collector implements ResponseEvents {
  readonly seen: Seen[] = [];

  head(head: ResponseHead): void {
    this.seen.push({
      status: head.status,
      headers: (name) => head.get(name),
      body: '',
      reusable: undefined,
    });
  }

  body(bytes: Buffer): void {
    this.seen.at(-1)!.body += bytes.toString('latin1');
  }

  end(reusable: boolean): void {
    this.seen.at(-1)!.reusable = reusable;
  }
}

/** One response, in pieces of `size` bytes; `close` ends the connection behind it. */
function read(text: string, size = text.length, close = false): Seen {
  const events = new Collector();
  const parser = new ResponseParser(events);
  const bytes = Buffer.from(text, 'latin1');
  parser.expect();
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
  if (close) parser.close();
  expect(events.seen).toHaveLength(1);
  return events.seen[0]!;
}

const response = (head: readonly string[], body = '', status = 'HTTP/1.1 200 OK'): string =>
  `${[status, ...head].join('\r\n')}\r\n\r\n${body}`;

test('a body of a stated length ends there, and another response may follow', () => {
  const seen = read(response(['Content-Type:  text/plain \t', 'Content-Length: 5'], 'hello'));
  expect(seen).toMatchObject({ status: 200, body: 'hello', reusable: true });
  expect(seen.headers('content-type')).toBe('text/plain');
  expect(seen.headers('x-none')).toBeNull();
});

test('however the bytes are cut, the response is the same', () => {
  const chunked = response(['transfer-encoding: Chunked'], '5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nx-t: 1\r\n\r\n');
  const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 \r\n\r\n';
  for (const text of [chunked, interim + chunked, response(['content-length: 6'], 'hello!')]) {
    const whole = read(text);
    for (let size = 1; size < text.length; size += 1) {
      const { status, body, reusable } = read(text, size);
      expect({ status, body, reusable }).toEqual({ status: 200, body: 'hello!', reusable: true });
    }
    expect(whole.body).toBe('hello!');
  }
});

test('any body in any chunks comes out as it is', () => {
  const pieces = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 50 }), (parts, size) => {
      const body = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
      expect(read(response(['transfer-encoding: chunked'], `${body}0\r\n\r\n`), size)).toMatchObject({
        body: parts.join(''),
        reusable: true,
      });
    }),
  );
});

test('without a length the end of the connection is the end of the body', () => {
  expect(read(response([], 'all of it'), 3, true)).toMatchObject({ body: 'all of it', reusable: false });
});

test('what has no body is complete with its head', () => {
  for (const status of ['204 No Content', '304 Not Modified'])
    expect(read(response(['content-length: 9'], '', `HTTP/1.1 ${status}`))).toMatchObject({
      body: '',
      reusable: true,
    });
  expect(read(response(['content-length: 0']))).toMatchObject({ body: '', reusable: true });
});

test.each([
  ['HTTP/1.0', response(['content-length: 2'], 'ok', 'HTTP/1.0 200 OK')],
  ['connection: close', response(['Connection: keep-alive, Close', 'content-length: 2'], 'ok')],
  [
    'a length beside chunks',
    response(['content-length: 9', 'transfer-encoding: chunked'], '2\r\nok\r\n0\r\n\r\n'),
  ],
  ['bytes behind a length', response(['content-length: 2'], 'okHTTP/1.1 200 OK\r\n\r\n')],
  ['bytes behind the last chunk', response(['transfer-encoding: chunked'], '2\r\nok\r\n0\r\n\r\nHTTP/1.1')],
])('after %s nothing is read on that connection', (_name, text) => {
  expect(read(text)).toMatchObject({ body: 'ok', reusable: false });
});

test('equal lengths said twice are one', () => {
  expect(read(response(['content-length: 2', 'Content-Length: 2'], 'ok'))).toMatchObject({ body: 'ok' });
});

const ok = ['content-length: 2'];
test.each([
  ['no HTTP', '220 mail ESMTP\r\n\r\n'],
  ['HTTP/2', response(ok, 'ok', 'HTTP/2 200 OK')],
  ['a lower-case name', response(ok, 'ok', 'http/1.1 200 OK')],
  ['no status', response(ok, 'ok', 'HTTP/1.1 OK')],
  ['a status of two digits', response(ok, 'ok', 'HTTP/1.1 20 OK')],
  ['a status of four digits', response(ok, 'ok', 'HTTP/1.1 2000')],
  ['a status below 100', response(ok, 'ok', 'HTTP/1.1 099 OK')],
  ['101', response([], '', 'HTTP/1.1 101 Switching Protocols')],
  ['nine interim responses', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(9)],
  ['a folded header', response(['x-a: b', ' c', ...ok], 'ok')],
  ['a header without a colon', response(['x-a', ...ok], 'ok')],
  ['a header without a name', response([': x', ...ok], 'ok')],
  ['a space before the colon', response(['content-length : 2'], 'ok')],
  ['NUL in a value', response(['x-a: b\0c', ...ok], 'ok')],
  ['a lone carriage return', response(['x-a: b\rcontent-length: 9', ...ok], 'ok')],
  ['a lone line feed', response(['x-a: b\ncontent-length: 9', ...ok], 'ok')],
  ['257 headers', response([...Array.from({ length: 257 }, (_, n) => `x-${n}: y`), ...ok], 'ok')],
  ['a head of 65 KB', response([`x-a: ${'y'.repeat(65 * 1024)}`, ...ok], 'ok')],
  ['a head without an end', `HTTP/1.1 200 OK\r\nx-a: ${'y'.repeat(65 * 1024)}`],
  ['two lengths', response(['content-length: 2', 'content-length: 3'], 'ok')],
  ['a negative length', response(['content-length: -2'], 'ok')],
  ['a length with a sign', response(['content-length: +2'], 'ok')],
  ['a length in hex', response(['content-length: 0x2'], 'ok')],
  ['a length that is empty', response(['content-length:'], 'ok')],
  ['a length of 16 digits', response([`content-length: ${'1'.repeat(16)}`], 'ok')],
  ['an encoding that is not chunked', response(['transfer-encoding: gzip, chunked'], '0\r\n\r\n')],
  ['chunked twice', response(['transfer-encoding: chunked', 'transfer-encoding: chunked'], '0\r\n\r\n')],
  ['a chunk without a size', response(['transfer-encoding: chunked'], '\r\nok\r\n0\r\n\r\n')],
  ['a chunk size with a sign', response(['transfer-encoding: chunked'], '+2\r\nok\r\n0\r\n\r\n')],
  ['a chunk size of nine digits', response(['transfer-encoding: chunked'], '000000002\r\nok\r\n0\r\n\r\n')],
  ['a chunk size without an end', response(['transfer-encoding: chunked'], `2;${'x'.repeat(5000)}`)],
  ['a chunk longer than it says', response(['transfer-encoding: chunked'], '2\r\nokk\r\n0\r\n\r\n')],
  [
    '20 KB of trailers',
    response(['transfer-encoding: chunked'], `0\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(20)}\r\n`),
  ],
])('%s is an error', (_name, text) => {
  for (const size of [1, 7, text.length]) expect(() => read(text, size)).toThrow(HttpProtocolError);
});

test.each([
  ['the head', 'HTTP/1.1 200 OK\r\ncontent-le'],
  ['a body of a stated length', response(['content-length: 9'], 'ok')],
  ['a chunk', response(['transfer-encoding: chunked'], '9\r\nok')],
  ['the chunks before the last one', response(['transfer-encoding: chunked'], '2\r\nok\r\n')],
  ['the trailers', response(['transfer-encoding: chunked'], '2\r\nok\r\n0\r\nx: y\r\n')],
])('a connection that ends in %s cuts the response short', (_name, text) => {
  const parser = new ResponseParser(new Collector());
  parser.expect();
  parser.push(Buffer.from(text, 'latin1'));
  expect(() => parser.close()).toThrow(HttpProtocolError);
});

test('bytes that come when nothing was asked for are an error', () => {
  const parser = new ResponseParser(new Collector());
  expect(() => parser.push(Buffer.from('HTTP/1.1 408 Request Timeout\r\n\r\n'))).toThrow(HttpProtocolError);
});

test('no bytes whatever make it do anything but report a response or an error', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'transfer-encoding: chunked\r\n',
      'content-length: 3\r\n',
      '\r\n',
      '3\r\nabc\r\n',
      '0\r\n\r\n',
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
      const events = new Collector();
      const parser = new ResponseParser(events);
      const bytes = Buffer.from(parts.join(''), 'latin1');
      parser.expect();
      try {
        for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
      } catch (error) {
        expect(error).toBeInstanceOf(HttpProtocolError);
      }
      expect(events.seen.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 2000 },
  );
});
