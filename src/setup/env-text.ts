/**
 * Text of a `.env` file, edited: variables get a value, and every other byte stays as it is. A value of somebody else's is never lost
 * without being told of: it may be the only copy of a key.
 */
/** Variables by name. Values are of characters that need no quotes. */
export type EnvVariables = Readonly<Record<string, string>>;

interface Assignment {
  readonly name: string;
  readonly value: string;
  /** For a shell that reads the file. */
  readonly exported: boolean;
  readonly start: number;
  /** Behind its line end. */
  readonly end: number;
}

const HEAD = /^[ \t]*(export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/;
const PLAIN = /^[A-Za-z0-9_./:[\]-]+$/;

/**
 * The names of variables that have another value in `text` than the given one, of which `mayReplace` does not say that it may go. Null
 * stands for a value that is not known yet, and so is another one.
 */
export function inTheWay(
  text: string,
  variables: Readonly<Record<string, string | null>>,
  mayReplace: (value: string) => boolean,
): string[] {
  const assignments = assignmentsOf(text);
  return Object.entries(variables)
    .filter(([name, value]) =>
      assignments.some((one) => one.name === name && one.value !== value && !mayReplace(one.value)),
    )
    .map(([name]) => name);
}

/** `text` with the variables set, whatever they were. Throws TypeError for a value that would need quotes. */
export function setVariables(text: string, variables: EnvVariables): string {
  return Object.entries(variables).reduce(setOne, text);
}

function setOne(text: string, [name, value]: readonly [string, string]): string {
  if (!PLAIN.test(value)) throw new TypeError(`The value of ${name} needs quotes.`);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const line = `${name}=${value}${newline}`;
  const own = assignmentsOf(text).filter((one) => one.name === name);
  const last = own.pop();
  if (!last) return `${text}${text === '' || text.endsWith('\n') ? '' : newline}${line}`;
  let edited = `${text.slice(0, last.start)}${last.exported ? 'export ' : ''}${line}${text.slice(last.end)}`;
  // Which of two lines counts differs between programs.
  for (const { start, end } of own.toReversed()) edited = `${edited.slice(0, start)}${edited.slice(end)}`;
  return edited;
}

/** Variables that are set, in order; a quoted value may go over several lines. */
function assignmentsOf(text: string): Assignment[] {
  const found: Assignment[] = [];
  let at = 0;
  while (at < text.length) {
    const lineEnd = endOfLine(text, at);
    const head = HEAD.exec(text.slice(at, lineEnd));
    if (!head) {
      at = lineEnd;
      continue;
    }
    const from = at + head[0].length;
    const { value, end } = valueAt(text, from, lineEnd);
    found.push({ name: head[2] ?? '', value, exported: head[1] !== undefined, start: at, end });
    at = end;
  }
  return found;
}

function valueAt(text: string, from: number, lineEnd: number): { value: string; end: number } {
  const quote = text.charAt(from);
  if (quote === '"' || quote === "'" || quote === '`') {
    const close = closingQuote(text, from, quote);
    if (close >= 0) return { value: text.slice(from + 1, close), end: endOfLine(text, close) };
  }
  const value = text
    .slice(from, lineEnd)
    .replace(/[ \t]#.*/s, '')
    .trim();
  return { value, end: lineEnd };
}

function closingQuote(text: string, open: number, quote: string): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '\\' && quote === '"') at += 1;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** Behind the line break that ends the line at `at`. */
function endOfLine(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline + 1;
}
