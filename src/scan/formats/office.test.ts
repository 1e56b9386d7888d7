import { expect, test } from 'bun:test';
import { zip } from '../test-archives.ts';
import { groqKey, scanContent } from './test-content.ts';

const KEY = groqKey();
const runs = (...texts: readonly string[]): string =>
  `<w:p>${texts.map((text) => `<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">${text}</w:t></w:r>`).join('')}</w:p>`;

test('a value that a word processor cut into runs is found in its paragraph', async () => {
  const document = `<?xml version="1.0"?><w:document xmlns:w="x"><w:body>${runs('one')}${runs('key: ', KEY.slice(0, 7), KEY.slice(7, 30), KEY.slice(30))}</w:body></w:document>`;
  const { places } = await scanContent('a.docx', zip({ 'word/document.xml': document }));
  expect(places).toEqual(['a.docx!word/document.xml:2:6 (its text)']);
});

test('strings of a table are apart from one another, and what stands in attributes is seen', async () => {
  const other = groqKey(2);
  const strings = `<sst><si><t>${KEY.slice(0, 30)}</t></si><si><t>${KEY.slice(30)}</t></si><si><r><t>${KEY.slice(0, 9)}</t></r><r><t>${KEY.slice(9)}</t></r></si><x a="${other}"/></sst>`;
  const { places } = await scanContent('a.xlsx', zip({ 'xl/sharedStrings.xml': strings }));
  expect(places).toHaveLength(2);
  expect(places[0]).toBe('a.xlsx!xl/sharedStrings.xml:3:1 (its text)');
});

test('tags that are never closed take no time, and hide nothing', async () => {
  const text = `${'<'.repeat(200_000)}${KEY}${'<!--'.repeat(50_000)}`;
  expect((await scanContent('a.docx!word/document.xml', text)).places).toHaveLength(1);
});
