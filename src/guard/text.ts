/** Counting and cutting text by what people call characters: Unicode code points, and never in the middle of a letter with its marks. */

/** How many code points a text has. A lone half of a pair counts as one. */
export function characters(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at += 1) if (isLowHalf(text, at) && isHighHalf(text, at - 1)) count -= 1;
  return count;
}

/** Far longer than any letter with its marks. */
const WINDOW = 256;

let segmenter: Intl.Segmenter | undefined;

/**
 * The beginning of `text` with at most `atMost` (1 or more) code points. It ends between two letters as a reader sees them (emoji with
 * modifiers, letters with accents), unless one such letter alone is longer than that.
 */
export function beginning(text: string, atMost: number): string {
  if (text.length <= atMost) return text;
  let end = 0;
  for (let count = 0; count < atMost && end < text.length; count += 1) {
    end += isHighHalf(text, end) && isLowHalf(text, end + 1) ? 2 : 1;
  }
  if (end >= text.length) return text;
  return text.slice(0, letterStart(text, end) || end);
}

/** Where the letter begins that `at` is in the middle of; `at` itself between two letters. */
function letterStart(text: string, at: number): number {
  let from = Math.max(0, at - WINDOW);
  if (isLowHalf(text, from)) from += 1;
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  const found = segmenter.segment(text.slice(from, at + WINDOW)).containing(at - from);
  const start = from + (found?.index ?? at - from);
  // A letter that fills the window may have begun before it.
  return start === from && from > 0 ? at : start;
}

function isHighHalf(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowHalf(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
