/**
 * The text of HTML and of the XML in office documents: a value may be cut into several runs of text, or have characters written as references. Tags
 * around a block or a cell become one line end, other tags nothing. One pass, whatever the tags are like.
 */

const LESS = 0x3c;
const MORE = 0x3e;
const AMPERSAND = 0x26;
const NEWLINE = 0x0a;
const COMMENT = '<!--';
const LONGEST_REFERENCE = 10;
const BREAKS = new Set(
  (
    'p br tr td th li div row c si h1 h2 h3 h4 h5 h6 pre table hr section article blockquote option dt dd ' +
    'paragraph line-break table-cell script style title'
  ).split(' '),
);
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

export function textOfMarkup(bytes: Buffer): Buffer {
  const text = Buffer.allocUnsafe(bytes.length);
  let size = 0;
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    if (byte === LESS) {
      const end = tagEnd(bytes, at);
      if (size > 0 && text[size - 1] !== NEWLINE && breaks(bytes, at, end)) text[size++] = NEWLINE;
      at = end;
    } else if (byte === AMPERSAND) {
      const reference = referenceAt(bytes, at);
      text[size++] = reference?.code ?? byte;
      at += reference?.length ?? 1;
    } else {
      text[size++] = byte;
      at += 1;
    }
  }
  return text.subarray(0, size);
}

/** Behind the tag, or the comment. */
function tagEnd(bytes: Buffer, at: number): number {
  const isComment = bytes.toString('latin1', at, at + COMMENT.length) === COMMENT;
  const end = isComment ? bytes.indexOf('-->', at) : bytes.indexOf(MORE, at);
  // What is never closed is no tag.
  if (end < 0) return at + 1;
  return end + (isComment ? 3 : 1);
}

function breaks(bytes: Buffer, at: number, end: number): boolean {
  const name = /^<\/?(?:[\w-]+:)?([\w-]+)/.exec(bytes.toString('latin1', at, Math.min(end, at + 40)))?.[1];
  return name !== undefined && BREAKS.has(name.toLowerCase());
}

function referenceAt(bytes: Buffer, at: number): { readonly code: number; readonly length: number } | null {
  const match = /^&(?:#(\d{1,6})|#[xX]([0-9a-fA-F]{1,5})|(\w{2,4}));/.exec(
    bytes.toString('latin1', at, at + LONGEST_REFERENCE),
  );
  if (!match) return null;
  const [whole, decimal, hex, name = ''] = match;
  const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : NAMED[name]?.charCodeAt(0);
  // Of a character outside ASCII only that there is one matters.
  return code === undefined ? null : { code: Math.min(code, 0x80), length: whole.length };
}
