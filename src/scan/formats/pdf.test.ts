import { describe, expect, test } from 'bun:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { groqKey, scanContent } from './test-content.ts';
import { pdfOf, pdfOfPages, stream } from './test-pdf.ts';

const KEY = groqKey();

test('a key is found on its page, cut into pieces as fonts and kerning cut it, and over the end of a line', async () => {
  const pages = [
    '(nothing here) Tj',
    `(line one) Tj 0 -14 Td (key: ${KEY.slice(0, 10)}) Tj [(${KEY.slice(10, 20)}) -10 (${KEY.slice(20)})] TJ`,
    `(${groqKey(2).slice(0, 40)}) Tj 0 -14 Td (${groqKey(2).slice(40)}) Tj`,
    // A value that ends with its line is that value, whatever follows.
    `(${groqKey(3)}) Tj 0 -14 Td (More) Tj`,
  ];
  const { places, problems, findings } = await scanContent('a.pdf', pdfOfPages(pages));
  expect(problems).toEqual([]);
  expect(places).toEqual(['a.pdf:2:6 (page 2)', 'a.pdf:1:1 (page 3)', 'a.pdf:1:1 (page 4)']);
  expect(findings.map(({ value }) => value.revealText((text) => text))).toEqual([
    KEY,
    groqKey(2),
    groqKey(3),
  ]);
});

test('a font whose codes are no characters is read by its map', async () => {
  const codes = [...Buffer.from(KEY)].map((byte) => (byte + 0x100).toString(16).padStart(4, '0'));
  const cmap = stream(
    '',
    Buffer.from(
      '/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n1 beginbfrange <0120> <017E> <0020> endbfrange\nendcmap end end',
    ),
  );
  const bytes = pdfOfPages([`<${codes.join('')}> Tj`], {
    font: '<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[7 0 R]/ToUnicode 6 0 R>>',
    extra: [
      cmap,
      '<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 600>>',
    ],
  });
  expect((await scanContent('a.pdf', bytes)).places).toEqual(['a.pdf:1:1 (page 1)']);
});

test('links, notes, properties and attached files are looked at', async () => {
  const keys = [groqKey(1), groqKey(2), groqKey(3)];
  const wide = (text: string): string => `<feff${Buffer.from(text, 'utf16le').swap16().toString('hex')}>`;
  const bytes = pdfOf(
    [
      '<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a) 6 0 R]>>>>>>',
      '<</Type/Pages/Kids[3 0 R]/Count 1>>',
      '<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Annots[4 0 R]>>',
      `<</Type/Annot/Subtype/Text/Rect[0 0 1 1]/Contents ${wide(`note ${keys[0]}`)}>>`,
      `<</Title ${wide(`title ${keys[1]}`)}>>`,
      '<</Type/Filespec/F(env.gz)/EF<</F 7 0 R>>>>',
      stream('/Type/EmbeddedFile/Filter/FlateDecode', deflateSync(gzipSync(`\nA=${keys[2]}\n`))),
    ],
    '/Info 5 0 R',
  );
  const { places } = await scanContent('a.pdf', bytes);
  expect(places.toSorted().map((place) => place.replace(/:\d+:\d+/, ''))).toEqual([
    'a.pdf!env.gz!env',
    'a.pdf (page 1, notes and links)',
    'a.pdf (properties)',
  ]);
});

describe('what cannot be read is said, and its bytes are searched all the same', () => {
  const encrypted = pdfOf(
    [
      '<</Type/Catalog/Pages 2 0 R>>',
      '<</Type/Pages/Kids[]/Count 0>>',
      `<</Filter/Standard/V 2/R 3/Length 128/P -44/O<${'41'.repeat(32)}>/U<${'42'.repeat(32)}>>>`,
    ],
    `/Encrypt 3 0 R/ID[<${'43'.repeat(16)}><${'43'.repeat(16)}>]`,
  );
  test.each([
    ['encrypted', encrypted, 'a.pdf was not read as a PDF: it is encrypted'],
    ['damaged', Buffer.from('%PDF-1.7\nnothing'), 'a.pdf was not read as a PDF: it is damaged'],
    [
      'pages that are their own parents',
      pdfOf(['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[2 0 R]/Count 3>>']),
      'a.pdf was not read as a PDF: it is damaged',
    ],
  ])('%s', async (_, bytes, problem) => {
    const { problems, places } = await scanContent(
      'a.pdf',
      Buffer.concat([bytes, Buffer.from(`\n${KEY}\n`)]),
    );
    expect(problems).toEqual([problem]);
    expect(places).toHaveLength(1);
  });

  test('no changed byte makes it run on', async () => {
    const bytes = pdfOfPages([`(key ${KEY}) Tj`]);
    let read = 0;
    for (let at = 9; at < bytes.length; at += 31) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x15;
      const { places, problems } = await scanContent('a.pdf', changed);
      if (places.length > 0) read += 1;
      for (const problem of problems) expect(problem).toStartWith('a.pdf was not read');
    }
    expect(read).toBeGreaterThan(5);
  });
});

test('pictures in it are counted as not looked at', async () => {
  const bytes = pdfOfPages(['(x) Tj'], {
    extra: [stream('/Type/XObject/Subtype/Image/Width 1/Height 1', Buffer.alloc(3))],
  });
  expect(await scanContent('a.pdf', bytes)).toMatchObject({ problems: [], skipped: { images: 1 } });
});
