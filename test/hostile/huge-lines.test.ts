import { expect, test } from 'bun:test';
import { StreamMeter } from '../../src/gateway/stream-meter.ts';
import { endOf } from '../support/calls.ts';
import { expectUnharmed } from '../support/hostile.ts';
import { openGate } from '../support/harness.ts';
import { postChat } from '../support/setup.ts';

const MB = 1024 * 1024;

/** What a provider may put into one line, and in pieces of which size. The usage behind it is read. */
const LINES: readonly (readonly [lineBytes: number, pieceBytes: number])[] = [
  [100_000, 100],
  [MB - 100, 4096],
  [MB + 100, 4096],
  [32 * MB, 0],
];

test.each(LINES)(
  'a line of %d bytes in pieces of %d passes, and the usage behind it is read',
  async (hugeLineBytes, chunkSplit) => {
    await using gate = await openGate({ budgetUsd: '1000' });
    gate.fake.setKnobs({ hugeLineBytes, chunkSplit });
    for (const includeUsage of [true, false]) {
      const reply = await postChat(gate, { stream: true, stream_options: { include_usage: includeUsage } });
      let bytes = 0;
      for await (const piece of reply.body!) bytes += piece.length;
      expect(bytes).toBeGreaterThan(hugeLineBytes);
      const end = await endOf(gate, reply.headers.get('x-request-id'));
      expect(end).toMatchObject({ result: 'success', basis: 'usage' });
    }
    await expectUnharmed(gate);
  },
);

test('a long line in tiny pieces costs time in proportion to its bytes', () => {
  const line = Buffer.from(`data: {"x":"${'y'.repeat(MB - 100)}"}\n\n`);
  for (const dropUsageChunk of [false, true]) {
    const meter = new StreamMeter({ dropUsageChunk });
    const from = performance.now();
    for (let at = 0; at < line.length; at += 4) meter.read(line.subarray(at, at + 4));
    expect(performance.now() - from).toBeLessThan(2000);
    expect(meter.unreadable).toBe(false);
    expect(meter.completionTokens()).toBeGreaterThan(MB / 5);
  }
});

test('of a line without an end no more than one megabyte is held back', () => {
  const meter = new StreamMeter({ dropUsageChunk: true });
  const piece = Buffer.alloc(64 * 1024, 'x');
  let passed = meter.read(Buffer.from('data: ')).length;
  for (let sent = 0; sent < 64 * MB; sent += piece.length) {
    passed += meter.read(piece).length;
    expect(sent + piece.length - passed).toBeLessThanOrEqual(MB);
  }
  expect(meter.unreadable).toBe(true);
});
