/**
 * JavaScript and TypeScript. No reader of our own says what is a literal and what a pattern: the runtime's own is asked, whether an expression in
 * the place of the literal is code.
 */

export const JAVASCRIPT = /\.(?:[cm]?js|jsx|[cm]?ts|tsx)$/;

const PROBE = 'SALLYPORT_PROBE_9F2C';
const SEEN = 'sallyport probe 9f2c, seen as code';

export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** `source` has one character a byte. Null when no expression can stand there, or the file does not parse. */
export function javascriptEdit(
  path: string,
  source: string,
  start: number,
  end: number,
  variable: string,
): Replacement | null {
  const expression = `process.env.${variable}`;
  const quote = source[start - 1] ?? '';
  const whole = /["'`]/.test(quote) && source[end] === quote;
  const candidates: readonly ((name: string) => Replacement)[] = whole
    ? [
        (name) => ({ start: start - 1, end: end + 1, text: name }),
        // An attribute in JSX.
        (name) => ({ start: start - 1, end: end + 1, text: `{${name}}` }),
      ]
    : [(name) => ({ start, end, text: `\${${name}}` })];
  // What does not parse before proves nothing afterwards.
  if (transpiled(path, source) === null) return null;
  for (const candidate of candidates) {
    if (isCode(path, source, candidate(`process.env.${PROBE}`))) return candidate(expression);
  }
  return null;
}

function isCode(path: string, source: string, { start, end, text }: Replacement): boolean {
  const code = transpiled(path, source.slice(0, start) + text + source.slice(end));
  return code !== null && code.split(SEEN).length === 2 && !code.includes(PROBE);
}

function transpiled(path: string, source: string): string | null {
  // INVARIANT: nothing of the file runs. The runtime would call macros that a file imports while it reads that; its switch is not in its types.
  if (source.includes('macro')) return null;
  const options: Omit<Bun.TranspilerOptions, 'macro'> & { readonly macro: false } = {
    loader: /\.[cm]?ts$/.test(path) ? 'ts' : path.endsWith('.tsx') ? 'tsx' : 'jsx',
    define: { [`process.env.${PROBE}`]: JSON.stringify(SEEN) },
    deadCodeElimination: false,
    inline: false,
    trimUnusedImports: false,
    macro: false,
  };
  try {
    return new Bun.Transpiler(options as unknown as Bun.TranspilerOptions).transformSync(
      Buffer.from(source, 'latin1').toString(),
    );
  } catch {
    return null;
  }
}
