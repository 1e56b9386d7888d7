/** Lines and columns of places in bytes, for when a few are asked for: built at the first question. */

const NEWLINE = 0x0a;

export class LineIndex {
  readonly #bytes: Buffer;
  #starts: number[] | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Both from 1; the column in units of UTF-16. */
  placeOf(at: number): { readonly line: number; readonly column: number } {
    const starts = (this.#starts ??= lineStarts(this.#bytes));
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    const start = starts[low] ?? 0;
    return { line: low + 1, column: this.#bytes.toString('utf8', start, Math.max(start, at)).length + 1 };
  }
}

function lineStarts(bytes: Buffer): number[] {
  const starts = [0];
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) starts.push(at + 1);
  return starts;
}
