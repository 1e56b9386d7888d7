/** How programs read a variable of the environment, one row a language, and where such an expression may not stand. */
import { lineEnd, lineStart, type Syntax, type Token, tokensOf } from './literals.ts';

export interface Insertion {
  readonly at: number;
  readonly text: string;
}

export interface Language {
  readonly names: RegExp;
  readonly syntax: Syntax;
  /** The expression. */
  readonly read: (variable: string) => string;
  /** Why there may be no expression where the literal is, or null. `before`: its line up to it. */
  readonly refuse: (before: string, text: string, start: number) => string | null;
  /** What else the file needs: nothing, lines somewhere, or a reason why that cannot be done. */
  readonly needs?: (text: string) => Insertion | string | null;
  /** What people should know of it. */
  readonly remark?: string;
}

const C_COMMENTS = { lineComments: ['//'], blockComments: [['/*', '*/']] } as const;
const DOUBLE = { open: '"', close: '"', escape: 'backslash', lines: false } as const;
const SINGLE = { open: "'", close: "'", escape: 'backslash', lines: false } as const;
const TRIPLE = { open: '"""', close: '"""', escape: 'backslash', lines: true } as const;
const RAW = { open: '`', close: '`', escape: 'none', lines: true } as const;
/** A character, which may be a quote. */
const CHARACTER = /'(?:\\[^\n]{1,10}?|[^'\\\n])'/y;

const CONSTANT =
  'a constant has to be known when the program is built; make it a variable, or read it where it is used';
const PATTERN = 'a pattern has to be a literal';

export const LANGUAGES: readonly Language[] = [
  {
    names: /\.pyi?$/,
    syntax: {
      lineComments: ['#'],
      blockComments: [],
      quotes: [TRIPLE, { ...TRIPLE, open: "'''", close: "'''" }, DOUBLE, SINGLE],
    },
    read: (variable) => `os.environ["${variable}"]`,
    refuse: (before) => (/^\s*case\b/.test(before) ? PATTERN : null),
    needs: importOs,
  },
  {
    names: /\.go$/,
    syntax: { ...C_COMMENTS, quotes: [RAW, DOUBLE], code: CHARACTER },
    read: (variable) => `os.Getenv("${variable}")`,
    refuse: (before, text, start) => {
      if (/^\s*const\b/.test(before) || inBlock(text, start, /^const\s*\(/)) return CONSTANT;
      if (/^\s*case\b/.test(before)) return PATTERN;
      return /^\s*import\b/.test(before) || inBlock(text, start, /^import\s*\(/)
        ? 'it is the path of an import'
        : null;
    },
    needs: importGoOs,
  },
  {
    names: /\.rb$/,
    syntax: {
      lineComments: ['#'],
      blockComments: [],
      quotes: [DOUBLE, SINGLE],
      unclear: /<<[~-]?["'`A-Z_]|^=begin|^__END__|%[qQwWiIrsx]?[^\w\s]|[=(,]\s*\//m,
    },
    read: (variable) => `ENV.fetch("${variable}")`,
    refuse: (before) => (/^\s*(?:when|in)\b/.test(before) ? PATTERN : null),
  },
  {
    names: /\.php$/,
    syntax: {
      lineComments: ['//', '#'],
      blockComments: [['/*', '*/']],
      quotes: [
        { ...DOUBLE, lines: true },
        { ...SINGLE, lines: true },
      ],
      begins: '<?php',
      unclear: /<<<|\?>/,
    },
    read: (variable) => `getenv('${variable}')`,
    refuse: (before) =>
      /^\s*(?:final\s+)?(?:const|public|private|protected|var|static|case)\b|\bfunction\b[^)]*$/.test(before)
        ? CONSTANT
        : null,
  },
  {
    names: /\.(?:java|kts?)$/,
    syntax: { ...C_COMMENTS, quotes: [TRIPLE, DOUBLE], code: CHARACTER },
    read: (variable) => `System.getenv("${variable}")`,
    refuse: (before) => {
      if (/^\s*@|@\w+\([^)]*$/.test(before) || /\bconst\s+val\b/.test(before)) return CONSTANT;
      return /^\s*case\b/.test(before) ? PATTERN : null;
    },
  },
  {
    names: /\.cs$/,
    syntax: {
      ...C_COMMENTS,
      quotes: [TRIPLE, { open: '@"', close: '"', escape: 'double', lines: true }, DOUBLE],
      code: CHARACTER,
      unclear: /\$@?"|@\$"/,
    },
    read: (variable) => `System.Environment.GetEnvironmentVariable("${variable}")`,
    refuse: (before) => {
      if (/\bconst\b|^\s*\[|\([^)]*\bstring\??\s+\w+\s*=\s*$/.test(before)) return CONSTANT;
      return /^\s*case\b/.test(before) ? PATTERN : null;
    },
  },
  {
    names: /\.rs$/,
    syntax: {
      ...C_COMMENTS,
      quotes: [
        { open: 'r##"', close: '"##', escape: 'none', lines: true },
        { open: 'r#"', close: '"#', escape: 'none', lines: true },
        { open: 'r"', close: '"', escape: 'none', lines: true },
        { ...DOUBLE, lines: true },
      ],
      code: /'(?:\\[^\n]{1,10}?|[^'\\\n])'|'[A-Za-z_]\w*/y,
    },
    read: (variable) => `std::env::var("${variable}").expect("${variable} is not set")`,
    refuse: (before) => {
      if (/^\s*(?:pub(?:\([^)]*\))?\s+)?(?:const|static)\b/.test(before)) return CONSTANT;
      return /^\s*#!?\[/.test(before) ? CONSTANT : null;
    },
    remark: 'in Rust it is a String now, where it was a &str: see that it still compiles',
  },
];

/** A line of `open` above, with no line that closes it in between. */
function inBlock(text: string, start: number, open: RegExp): boolean {
  for (const line of text.slice(0, start).split('\n').toReversed()) {
    if (open.test(line)) return true;
    if (line.startsWith(')')) return false;
  }
  return false;
}

function importOs(text: string): Insertion | string | null {
  const { tokens, until } = tokensOf(text, pythonSyntax());
  const imports = text.matchAll(/^import[ \t]+(?:[^#\n]*,[ \t]*)?os[ \t]*(?:,|#|\r?$)/gm);
  if ([...imports].some(({ index }) => !isInside(tokens, index))) return null;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  let behind = 0;
  for (let at = 0; at < until; at = lineEnd(text, at) + 1) {
    if (isInside(tokens, at)) continue;
    const line = text.slice(at, lineEnd(text, at));
    if (/^from[ \t]+__future__\b/.test(line)) behind = lineEnd(text, at) + 1;
    else if (/^(?:import|from)[ \t]/.test(line)) return { at, text: `import os${newline}` };
    else if (/^\s*$|^#/.test(line)) {
      if (behind === at) behind = Math.min(text.length, lineEnd(text, at) + 1);
    } else {
      const docstring = tokens.find(({ kind, start }) => kind === 'string' && start === at);
      const alone =
        docstring && /^[ \t]*(?:#.*)?\r?$/.test(text.slice(docstring.end, lineEnd(text, docstring.end)));
      if (!docstring || !alone || behind !== at) break;
      behind = Math.min(text.length, lineEnd(text, docstring.end) + 1);
    }
  }
  if (behind > 0 && text[behind - 1] !== '\n') return 'there is no line to put "import os" on';
  return { at: behind, text: `import os${newline}` };
}

function pythonSyntax(): Syntax {
  const [python] = LANGUAGES;
  if (!python) throw new TypeError('There is no Python.');
  return python.syntax;
}

function importGoOs(text: string): Insertion | string | null {
  if (/^import[ \t]+"os"|^[ \t]+"os"[ \t]*\r?$/m.test(text)) return null;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const block = /^import[ \t]*\([ \t]*\r?\n/m.exec(text);
  if (block) return { at: block.index + block[0].length, text: `\t"os"${newline}` };
  const single = /^import[ \t]/m.exec(text);
  if (single) return { at: single.index, text: `import "os"${newline}` };
  const clause = /^package[ \t]+\w+[^\n]*\n/m.exec(text);
  if (!clause) return 'there is no package clause to put an import behind';
  return { at: clause.index + clause[0].length, text: `${newline}import "os"${newline}` };
}

function isInside(tokens: readonly Token[], at: number): boolean {
  return tokens.some(({ start, end }) => start < at && at < end);
}

export function languageOf(path: string): Language | undefined {
  return LANGUAGES.find(({ names }) => names.test(path));
}

/** The line up to the place. */
export function before(text: string, at: number): string {
  return text.slice(lineStart(text, at), at);
}
