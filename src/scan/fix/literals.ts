/**
 * Where strings and comments are in a program, well enough to say that a place is a whole literal in code. Where that cannot be told, nothing is said:
 * a literal inside another one must never become code.
 */

export interface Quote {
  readonly open: string;
  readonly close: string;
  /** How a quote is written inside: behind a backslash, twice, or not at all. */
  readonly escape: 'backslash' | 'double' | 'none';
  /** May go over several lines. */
  readonly lines: boolean;
}

export interface Syntax {
  readonly lineComments: readonly string[];
  readonly blockComments: readonly (readonly [open: string, close: string])[];
  /** The longest first. */
  readonly quotes: readonly Quote[];
  /** What is code though it has a quote in it, such as a character or a lifetime; sticky. */
  readonly code?: RegExp;
  /** The program begins behind this, and is text before it. */
  readonly begins?: string;
  /** With this before the place, where strings are cannot be told. */
  readonly unclear?: RegExp;
}

export interface Token {
  readonly kind: 'string' | 'comment';
  readonly start: number;
  readonly end: number;
  /** Of a string: without its quotes. */
  readonly innerStart: number;
  readonly innerEnd: number;
}

/** All of them up to where the reader is lost, or to the end. */
export function tokensOf(text: string, syntax: Syntax): { readonly tokens: Token[]; readonly until: number } {
  const tokens: Token[] = [];
  let at = syntax.begins === undefined ? 0 : text.indexOf(syntax.begins) + syntax.begins.length;
  if (syntax.begins !== undefined && !text.includes(syntax.begins)) return { tokens, until: 0 };
  while (at < text.length) {
    const token = tokenAt(text, at, syntax);
    if (token === 'lost') return { tokens, until: at };
    if (token === null) at += codeLength(text, at, syntax);
    else {
      tokens.push(token);
      at = token.end;
    }
  }
  return { tokens, until: text.length };
}

function codeLength(text: string, at: number, { code }: Syntax): number {
  if (!code) return 1;
  code.lastIndex = at;
  return code.exec(text)?.[0].length ?? 1;
}

function tokenAt(text: string, at: number, syntax: Syntax): Token | 'lost' | null {
  if (syntax.code) {
    syntax.code.lastIndex = at;
    if (syntax.code.test(text)) return null;
  }
  for (const [open, close] of syntax.blockComments) {
    if (!text.startsWith(open, at)) continue;
    const end = text.indexOf(close, at + open.length);
    return end < 0 ? 'lost' : comment(at, end + close.length);
  }
  if (syntax.lineComments.some((mark) => text.startsWith(mark, at))) return comment(at, lineEnd(text, at));
  for (const quote of syntax.quotes) if (text.startsWith(quote.open, at)) return stringAt(text, at, quote);
  return null;
}

function comment(start: number, end: number): Token {
  return { kind: 'comment', start, end, innerStart: start, innerEnd: end };
}

function stringAt(text: string, start: number, { open, close, escape, lines }: Quote): Token | 'lost' {
  const innerStart = start + open.length;
  for (let at = innerStart; at < text.length; at += 1) {
    if (escape === 'backslash' && text[at] === '\\') at += 1;
    else if (escape === 'double' && text.startsWith(close + close, at)) at += 2 * close.length - 1;
    else if (text.startsWith(close, at))
      return { kind: 'string', start, end: at + close.length, innerStart, innerEnd: at };
    else if (!lines && text[at] === '\n') return 'lost';
  }
  return 'lost';
}

export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}
