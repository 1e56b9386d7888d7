import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { sample } from '../detect/samples.ts';
import { TextScan } from './text-scan.ts';

const KEY = `gsk_${sample('alnum', 52)}`;

function scan(pieces: readonly Uint8Array[], line = 1): string[] {
  const hits: string[] = [];
  const text = new TextScan(({ rule, start, end }, line, column) =>
    hits.push(`${rule.id} ${end - start} at ${line}:${column}`),
  );
  text.start(line);
  for (const piece of pieces) text.add(piece);
  text.end();
  return hits;
}

function cut(bytes: Buffer, pieceBytes: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return pieces;
}

test('lines count from the first, columns in the units of an editor', () => {
  const text = `one\n  ${KEY}\r\né ${KEY} 😀 ${KEY}\n`;
  const hits = scan([Buffer.from(text)], 7);
  const lines = text.split('\n');
  expect(hits).toEqual([
    'groq-api-key 56 at 8:3',
    `groq-api-key 56 at 9:${lines[2]!.indexOf(KEY) + 1}`,
    `groq-api-key 56 at 9:${lines[2]!.lastIndexOf(KEY) + 1}`,
  ]);
});

test('however the text is cut, the findings and their places are those of the whole', () => {
  const piece = fc.oneof(fc.constant(KEY), fc.constantFrom('\n', ' ', 'é😀', '-----', 'gsk_'), fc.string());
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 90 }), (texts, pieceBytes) => {
      const bytes = Buffer.from(texts.join(''));
      expect(scan(cut(bytes, pieceBytes))).toEqual(scan([bytes]));
    }),
  );
});

test('in megabytes of text nothing is lost where it is cut, nor reported twice', () => {
  const filler = `${'lorem ipsum dolor '.repeat(50)}é\n`;
  const expected: string[] = [];
  const texts: string[] = [];
  let line = 1;
  for (let count = 0; count < 3500; count += 1) {
    const before = ' '.repeat(count % 97);
    texts.push(before, KEY, ' ', filler);
    expected.push(`groq-api-key 56 at ${line}:${before.length + 1}`);
    line += 1;
  }
  const bytes = Buffer.from(texts.join(''));
  expect(bytes.length).toBeGreaterThan(3_000_000);
  for (const pieceBytes of [65_536, 1_000_003, bytes.length]) {
    expect(scan(cut(bytes, pieceBytes))).toEqual(expected);
  }
});

test('one line of megabytes has its columns counted on', () => {
  const bytes = Buffer.from(`${'é'.repeat(1_500_000)} ${KEY} ${'x'.repeat(2_000_000)} ${KEY}`);
  expect(scan(cut(bytes, 65_536))).toEqual(['groq-api-key 56 at 1:1500002', 'groq-api-key 56 at 1:3500060']);
});
