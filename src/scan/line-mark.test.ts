import { expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { sample } from '../detect/samples.ts';
import { ContentScan } from './content.ts';
import { Collector } from './sink.ts';
import { TextScan } from './text-scan.ts';

const KEY = `gsk_${sample('alnum', 52)}`;
const OTHER = `gsk_${sample('alnum', 52, 1)}`;
const MARK = ['sallyport', 'allow'].join(':');

/** The marks of what is found. */
function marks(text: string | Buffer, pieceBytes = Infinity): (string | null)[] {
  const bytes = Buffer.from(text);
  const found: (string | null)[] = [];
  const scan = new TextScan(({ mark }) => found.push(mark));
  scan.start(1);
  for (let at = 0; at < bytes.length; at += pieceBytes) scan.add(bytes.subarray(at, at + pieceBytes));
  scan.end();
  return found;
}

test.each([
  [`key = "${KEY}" # ${MARK} a sample of the docs`, 'a sample of the docs'],
  [`const key = '${KEY}'; // ${MARK} test data, revoked`, 'test data, revoked'],
  [`k("${KEY}") /* ${MARK} test data */ + more`, 'test data'],
  [`<a>${KEY}</a><!-- ${MARK} for the manual -->`, 'for the manual'],
  [`{{ "${KEY}" }} {# ${MARK} a template #}`, 'a template'],
  [`-- ${KEY} ${MARK}: dump of a test`, 'dump of a test'],
  [`  "key = '${KEY}'  # ${MARK} a notebook\\n",`, 'a notebook'],
  [`${KEY} ${MARK} für Prüfungen\r\nmore`, 'für Prüfungen'],
  [`${KEY} # ${MARK}`, ''],
  [`${KEY} /* ${MARK} */`, ''],
  [`${KEY} # ${MARK} ...`, ''],
  [`${KEY}\n# ${MARK} on the next line`, null],
  [`# ${MARK} before it\n${KEY}`, null],
  [`# ${MARK} before it ${KEY}`, null],
  [`${KEY} # ${MARK}-all of them`, null],
  [`${KEY} # allow this`, null],
])('a mark counts on the line of the value, behind it, with a reason: %#', (text, mark) => {
  expect(marks(text)).toEqual([mark]);
});

test('a mark holds for each value on its line, and for no other line', () => {
  expect(marks(`${KEY}\n${KEY} ${OTHER} # ${MARK} samples\n${OTHER}`)).toEqual([
    null,
    'samples',
    'samples',
    null,
  ]);
});

test('in a file that is one line, a mark reaches 200 characters back', () => {
  const filler = 'a('.repeat(500_000);
  expect(marks(`${filler}${KEY}${filler};${OTHER}${';x'.repeat(100)}${MARK} the second only`)).toEqual([
    null,
    'the second only',
  ]);
  expect(marks(`${KEY}${';x'.repeat(100)};${MARK} too far`)).toEqual([null]);
});

test('however the text is cut, also inside the mark, it counts', () => {
  const line = `${KEY} # ${MARK} a sample\n`;
  for (let bytes = 1; bytes < line.length; bytes += 7) expect(marks(line, bytes)).toEqual(['a sample']);
  // The value ends where a block of the scanner does; the mark is in the next.
  for (const before of [1_024 * 1024 - 60, 1_072 * 1024 - 30, 1_072 * 1024 - 70]) {
    const text = `${'. '.repeat(before / 2)}${line}${'. '.repeat(600_000)}`;
    expect(marks(text, 64 * 1024)).toEqual(['a sample']);
  }
});

test('a mark counts in UTF-16 and behind what is encoded', () => {
  const text = `key=${KEY} # ${MARK} a sample\r\nkey=${OTHER}\r\n`;
  expect(marks(Buffer.from(text, 'utf16le'))).toEqual(['a sample', null]);
  const encoded = Buffer.from(`GROQ_API_KEY=${KEY}`).toString('base64');
  expect(marks(`data: ${encoded} # ${MARK} a sample`)).toEqual(['a sample']);
});

test('inside an archive a mark counts as well, and findings name the file that they are in', async () => {
  const result = new Collector();
  const scan = new ContentScan(result);
  await scan.scan({
    path: 'a.env.gz',
    bytes: gzipSync(`A=${KEY} # ${MARK} a sample\nB=${OTHER} # ${MARK}\n`),
  });
  expect(result.allowed).toMatchObject([
    { path: 'a.env.gz!a.env', file: 'a.env.gz', line: 1, allowed: { by: 'line', reason: 'a sample' } },
  ]);
  expect(result.findings).toMatchObject([
    { file: 'a.env.gz', line: 2, remark: expect.stringContaining('no reason') },
  ]);
});
