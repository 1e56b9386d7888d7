/**
 * Images and screenshots. Their metadata is text and always searched; what they show is read on request, by ocr.ts, and then only may be a secret,
 * because hardly any key is read without a mistake.
 */
import type { Parts } from './format.ts';
import { findInPicture } from './ocr-match.ts';
import { readPicture } from './ocr.ts';
import { compressedTexts, pictureFacts } from './picture.ts';

/** Whoever opens more than that needs more memory than there is. */
const MOST_PIXELS = 60_000_000;
/** Smaller ones, such as icons, have no room for a value that a person could read. */
const LEAST_WIDTH = 80;
const LEAST_HEIGHT = 7;

export async function openImage(parts: Parts): Promise<void> {
  const { bytes } = parts;
  const facts = pictureFacts(bytes);
  if (!facts) return;
  const { kind, width, height } = facts;
  if (kind === 'png')
    for (const text of compressedTexts(bytes)) parts.text({ bytes: text, where: 'metadata' });
  if (width > 0 && (width < LEAST_WIDTH || height < LEAST_HEIGHT)) return;
  if (!parts.images) {
    parts.skip('images');
    return;
  }
  if (kind === 'other') throw new Error('its format is not one that is read (PNG, JPEG, WebP, GIF, BMP are)');
  if (width * height > MOST_PIXELS)
    throw new Error(`it has more than ${MOST_PIXELS / 1_000_000} million pixels`);
  const read = await readPicture(bytes, parts.images);
  for (const found of findInPicture(read.text)) {
    const { line, column, left, top } = read.placeOf(found.start);
    parts.fromPicture(found, { line, column, where: `at ${left},${top} px` });
  }
}
