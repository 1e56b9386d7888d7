/**
 * Writes lib/: what users import by the name of the package, as JavaScript for every runtime, made from src/redact. It is kept in the repository, so
 * that a clone can be imported as it is; a test holds it against the source.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '..');
const SOURCE = join(ROOT, 'src', 'redact');
export const LIB = join(ROOT, 'lib');

const BANNER = '// Made from src/redact by `npm run lib`; changes here are lost.\n';
const FORMATS = { mjs: 'esm', cjs: 'cjs' } as const;

/** Of each entry, how its types are declared. */
const ENTRIES = {
  redact: `
/** For text. Throws a TypeError for options that cannot be meant. */
export declare function createRedactor(options?: RedactOptions): Redactor<string>;
/** For bytes in UTF-8, cut anywhere; bytes that are no text pass as they are. */
export declare function createByteRedactor(options?: RedactOptions): Redactor<Uint8Array>;
/** A text as a whole. */
export declare function redactText(text: string, options?: RedactOptions): string;
/** What stands in the place of what the rule found, unless \`mark\` is given. */
export declare function markOf(rule: string): string;
/** No redactor holds back more characters. */
export declare const MOST_HELD: number;
`,
  console: `
/**
 * From now on nothing that is printed by \`target\` (the global console) holds a secret. Returns what puts its methods back; when somebody has
 * replaced them meanwhile, theirs stay, and ours only pass on.
 */
export declare function wrapConsole(target?: object, options?: RedactOptions): () => void;
`,
  pino: `
/** As \`options\` of a transport, which are copied to its thread: no functions. */
export interface TransportOptions extends Omit<RedactOptions, 'mark'> {
  /** A path, or the number of an open file: 1, standard output, unless it is given. */
  readonly destination?: string | number;
  /** Go on behind what is in the file: true unless it is said to be false. */
  readonly append?: boolean;
  /** Make the folder of the file. */
  readonly mkdir?: boolean;
  /** The transport is followed by another in a \`pipeline\`, which gets the lines. */
  readonly pipeline?: boolean;
}
/** What pino asks for a target: \`pino({ transport: { target: 'sallyport/pino', options } })\`. */
declare function transport(options?: TransportOptions): import('node:stream').Writable;
export default transport;
/** \`pino({ hooks: { streamWrite: streamWrite() } })\`: each line before it is written, in the thread that logs. */
export declare function streamWrite(options?: RedactOptions): (line: string) => string;
/** \`pino(redactingStream(destination))\`: the same for a destination of your own. */
export declare function redactingStream<T extends { write(line: string): unknown }>(destination: T, options?: RedactOptions): T;
`,
} as const;

type Entry = keyof typeof ENTRIES;

/** Every file of lib/, by its name. */
export async function libFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of Object.keys(ENTRIES) as Entry[]) {
    for (const [extension, format] of Object.entries(FORMATS)) {
      files.set(`${entry}.${extension}`, BANNER + (await bundle(entry, format, extension)));
      files.set(`${entry}.d.${extension.replace('js', 'ts')}`, BANNER + types(entry, extension));
    }
  }
  return files;
}

async function bundle(entry: Entry, format: 'esm' | 'cjs', extension: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(SOURCE, `${entry}.ts`)],
    root: ROOT,
    // What all runtimes have; the modules of Node that the others need stay imports.
    target: entry === 'redact' ? 'browser' : 'node',
    format,
    plugins: [
      {
        name: 'one copy of the redactor',
        setup: (build) => {
          build.onResolve({ filter: /^\.\/redact\.ts$/ }, () => ({
            path: `./redact.${extension}`,
            external: true,
          }));
        },
      },
    ],
  });
  const [output] = built.outputs;
  if (!built.success || !output) throw new AggregateError(built.logs, `${entry} could not be built`);
  const text = await output.text();
  if (entry !== 'pino') return text;
  // The sources have no default exports; pino looks for one.
  return format === 'esm'
    ? `${text}export { transport as default };\n`
    : `${text}module.exports = Object.assign(transport, { default: transport, transport, streamWrite, redactingStream });\n`;
}

function types(entry: Entry, extension: string): string {
  const shared = readFileSync(join(SOURCE, 'public.ts'), 'utf8').replace(/^\/\*\*.*\n\n/, '');
  if (entry === 'redact') return shared + ENTRIES.redact;
  return `import type { RedactOptions } from './redact.${extension}';\n${ENTRIES[entry]}`;
}

if (import.meta.main) {
  for (const [name, text] of await libFiles()) writeFileSync(join(LIB, name), text);
}
