/** Lines of ours in somebody else's file, between two marks: put in once, changed in place, and taken out without a trace. */

const BEGIN = '# >>> sallyport';
const END = '# <<< sallyport';

export interface MarkedText {
  readonly before: string;
  /** The lines between the marks; null when there is no block. */
  readonly block: string | null;
  readonly behind: string;
}

/** Cuts a text at its block. A begin without an end is no block. */
export function readBlock(text: string): MarkedText {
  const match =
    /^[ \t]*# >>> sallyport[^\n]*\n((?:(?![ \t]*# <<< sallyport)[^\n]*\n)*)[ \t]*# <<< sallyport[^\n]*(?:\n|$)/m.exec(
      text,
    );
  if (!match) return { before: text, block: null, behind: '' };
  const end = match.index + match[0].length;
  return { before: text.slice(0, match.index), block: match[1] ?? '', behind: text.slice(end) };
}

/** The block with its marks, each line behind `indent`, ended by `eol`. `about` says on the first mark what it is. */
export function blockOf(lines: readonly string[], about: string, { indent = '', eol = '\n' } = {}): string {
  return [`${BEGIN}: ${about}`, ...lines, END]
    .map((line) => `${line === '' ? '' : indent}${line}${eol}`)
    .join('');
}
