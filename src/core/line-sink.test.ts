import { expect, test } from 'bun:test';
import { LineSink, type LineStream } from './line-sink.ts';

/** A stream whose reader takes what it is told to. */
class SlowStream implements LineStream {
  readonly written: string[] = [];
  #waiting: ((error?: Error | null) => void)[] = [];

  write(text: string, done: (error?: Error | null) => void): void {
    this.written.push(text);
    this.#waiting.push(done);
  }

  read(error?: Error): void {
    for (const done of this.#waiting.splice(0)) done(error);
  }
}

const LINE = `${'x'.repeat(99)}\n`;
const open = (stream: LineStream): LineSink =>
  new LineSink({ stream, maxPendingBytes: 1000, notice: (lines) => `${lines} lost\n` });

test('what a reader leaves unread is bounded; the rest is dropped, counted, and said when it reads again', () => {
  const stream = new SlowStream();
  const sink = open(stream);
  for (let line = 0; line < 10_000; line += 1) sink.write(LINE);
  expect(stream.written).toHaveLength(10);
  expect(sink.dropped).toBe(9990);
  expect(sink.drained).toBe(false);
  stream.read();
  expect(sink.drained).toBe(true);
  sink.write(LINE);
  sink.write(LINE);
  expect(stream.written.slice(10)).toEqual(['9990 lost\n', LINE, LINE]);
});

test('lines that could not be written are lost lines, and no exception', () => {
  const stream = new SlowStream();
  const sink = open(stream);
  sink.write(LINE + LINE, 2);
  stream.read(new Error('ENOSPC'));
  expect(sink.dropped).toBe(2);
  sink.write(LINE);
  stream.read(new Error('ENOSPC'));
  expect(stream.written.slice(1)).toEqual(['2 lost\n', LINE]);
  expect(sink.dropped).toBe(3);
});

test('one text that is larger than the bound is written when nothing waits', () => {
  const stream = new SlowStream();
  const sink = open(stream);
  sink.write('y'.repeat(5000));
  expect(stream.written).toHaveLength(1);
  sink.write(LINE);
  expect(sink.dropped).toBe(1);
});

test('what is missing at the very end can be said as well, once', () => {
  const stream = new SlowStream();
  const sink = open(stream);
  for (let line = 0; line < 12; line += 1) sink.write(LINE);
  stream.read();
  sink.tellDropped();
  sink.tellDropped();
  expect(stream.written.slice(10)).toEqual(['2 lost\n']);
});
