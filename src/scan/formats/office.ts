/**
 * The text inside office documents (docx, xlsx, pptx, odt and the like, which the containers have unpacked): a value that is cut into runs of text
 * is put together. Lines are paragraphs, or the strings of a table.
 */
import type { Parts } from './format.ts';
import { textOfMarkup } from './markup.ts';

export function openOfficeXml(parts: Parts): void {
  parts.text({ bytes: textOfMarkup(parts.bytes), where: 'its text' });
}
