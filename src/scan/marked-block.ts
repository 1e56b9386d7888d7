/** Lines of ours in somebody else's file, between two marks: put in once, changed in place, and taken out without a trace. */

/** Of several blocks in a file, each has a name of its own. */
export type BlockName = 'sallyport' | 'sallyport-push';

export interface MarkedText {
  readonly before: string;
  /** The lines between the marks; null when there is no block. */
  readonly block: string | null;
  readonly behind: string;
}

/** Cuts a text at its block. A begin without an end is no block. */
export function readBlock(text: string, name: BlockName = 'sallyport'): MarkedText {
  const end = `[ \\t]*# <<< ${name}\\r?(?:\\n|$)`;
  const match = new RegExp(`^[ \\t]*# >>> ${name}:[^\\n]*\\n((?:(?!${end})[^\\n]*\\n)*)${end}`, 'm').exec(
    text,
  );
  if (!match) return { before: text, block: null, behind: '' };
  const behind = match.index + match[0].length;
  return { before: text.slice(0, match.index), block: match[1] ?? '', behind: text.slice(behind) };
}

export interface BlockForm {
  readonly indent?: string;
  readonly eol?: string;
  readonly name?: BlockName;
}

/** The block with its marks, each line behind `indent`, ended by `eol`. `about` says on the first mark what it is. */
export function blockOf(
  lines: readonly string[],
  about: string,
  { indent = '', eol = '\n', name = 'sallyport' }: BlockForm = {},
): string {
  return [`# >>> ${name}: ${about}`, ...lines, `# <<< ${name}`]
    .map((line) => `${line === '' ? '' : indent}${line}${eol}`)
    .join('');
}
