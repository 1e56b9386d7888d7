/**
 * A console that prints no secrets. What would be printed is made into text first, as the console makes it, and then redacted: so whatever is deep in
 * an object, in the cause of an error, or put together by `%s` is seen as a reader would see it. Node, Bun and Deno.
 */
import { formatWithOptions, inspect, type InspectOptions } from 'node:util';
import { createRedactor, markOf, type RedactOptions, type Redactor } from './redact.ts';

type Method = (...args: unknown[]) => void;
type Methods = Record<string, Method | undefined>;

const PLAIN = [
  'log',
  'info',
  'debug',
  'warn',
  'error',
  'trace',
  'dirxml',
  'group',
  'groupCollapsed',
] as const;
const ON_STDERR: ReadonlySet<string> = new Set(['warn', 'error', 'trace', 'assert']);
/** Their first argument is a name that the console keeps. */
const LABELLED = ['time', 'timeEnd', 'timeLog', 'count', 'countReset'] as const;

/**
 * From now on nothing that is printed by `target` holds a secret. Returns what puts its methods back; when somebody has replaced them meanwhile,
 * theirs stay, and ours only pass on.
 */
export function wrapConsole(target: object = console, options: RedactOptions = {}): () => void {
  const text = new SafeText(options);
  const methods = target as Methods;
  const undo: (() => void)[] = [];
  let active = true;
  const wrap = (name: string, make: (own: Method) => Method): void => {
    const own = methods[name];
    if (typeof own !== 'function') return;
    const descriptor = Object.getOwnPropertyDescriptor(methods, name);
    const safe = make((...args) => own.apply(target, args));
    const ours: Method = (...args) => (active ? safe(...args) : own.apply(target, args));
    methods[name] = ours;
    undo.push(() => {
      if (methods[name] !== ours) return;
      if (descriptor) Object.defineProperty(methods, name, descriptor);
      else delete methods[name];
    });
  };
  const colors = (name: string): boolean => target === console && isInColor(ON_STDERR.has(name));
  for (const name of PLAIN) {
    wrap(
      name,
      (own) =>
        (...args) =>
          args.length === 0 ? own() : own(text.of(args, colors(name))),
    );
  }
  wrap('assert', (own) => (condition, ...args) => {
    if (condition) return;
    if (args.length === 0) own(false);
    else own(false, text.of(args, colors('assert')));
  });
  for (const name of LABELLED) {
    wrap(name, (own) => (...args) => {
      const [label, ...rest] = args;
      if (args.length === 0) own();
      else if (rest.length === 0) own(text.ofString(String(label)));
      else own(text.ofString(String(label)), text.of(rest, false));
    });
  }
  wrapWhole(wrap, methods['log']?.bind(target), text);
  return () => {
    active = false;
    for (const one of undo) one();
  };
}

/** What takes its argument apart by itself: as it would be, unless there is a secret in it. */
function wrapWhole(
  wrap: (name: string, make: (own: Method) => Method) => void,
  log: Method | undefined,
  text: SafeText,
): void {
  wrap('dir', (own) => (value, how) => {
    (log ?? own)(text.inspected(value, { customInspect: false, ...(how as InspectOptions) }).safe);
  });
  wrap('table', (own) => (value, ...rest) => {
    const { safe, clean } = text.inspected(value, { depth: 4, maxArrayLength: null });
    if (clean) own(value, ...rest);
    else (log ?? own)(safe);
  });
}

function isInColor(stderr: boolean): boolean {
  const stream = stderr ? process.stderr : process.stdout;
  return stream.isTTY && stream.getColorDepth() > 2;
}

/** What is printed for bytes: in hexadecimal, or as numbers, with the codes of colours between. */
const HEX_BYTES = /<(?:Buffer )?([0-9a-f]{2}(?: [0-9a-f]{2}){7,})/g;
const COLOR = String.raw`${String.fromCharCode(0x1b)}\[\d+m`;
const COLORS = new RegExp(COLOR, 'g');
const NUMBERS = new RegExp(
  String.raw`\b(?:Buffer|U?[Ii]nt8(?:Clamped)?Array)\(\d+\) \[((?:[\s\d,]|${COLOR})+)`,
  'g',
);
const CANNOT_BE_PRINTED = '[what cannot be printed]';

class SafeText {
  readonly #redactor: Redactor<string>;
  /** Bytes are printed up to a number of them: a key that is cut counts as one. */
  readonly #ofBytes: Redactor<string>;
  readonly #mark: (rule: string) => string;

  constructor(options: RedactOptions) {
    this.#redactor = createRedactor(options);
    this.#ofBytes = createRedactor({ ...options, wide: true });
    this.#mark = options.mark ?? markOf;
  }

  of(args: readonly unknown[], colors: boolean): string {
    return this.ofString(orNothing(() => formatWithOptions({ colors }, ...args)));
  }

  inspected(value: unknown, how: InspectOptions): { readonly safe: string; readonly clean: boolean } {
    const text = orNothing(() => inspect(value, how));
    const safe = this.ofString(text);
    return { safe, clean: safe === text };
  }

  ofString(text: string): string {
    const printed = text.replaceAll(HEX_BYTES, (whole, hex: string) => {
      const rule = this.#ruleIn(hex.split(' ').map((byte) => Number.parseInt(byte, 16)));
      return rule === null ? whole : `<${this.#mark(rule)}`;
    });
    const counted = printed.replaceAll(NUMBERS, (whole, numbers: string) => {
      const bytes = numbers.replaceAll(COLORS, '').split(',');
      const rule = this.#ruleIn(bytes.map((byte) => Number(byte) & 0xff));
      return rule === null ? whole : whole.slice(0, whole.indexOf('[') + 1) + this.#mark(rule);
    });
    return this.#redactor.push(counted) + this.#redactor.end();
  }

  #ruleIn(bytes: readonly number[]): string | null {
    const before = new Map(this.#ofBytes.found);
    this.#ofBytes.push(String.fromCharCode(...bytes));
    this.#ofBytes.end();
    for (const [rule, count] of this.#ofBytes.found) if (count !== before.get(rule)) return rule;
    return null;
  }
}

/** Objects have code that printing runs; an error in it is not one of whoever prints. */
function orNothing(print: () => string): string {
  try {
    return print();
  } catch {
    return CANNOT_BE_PRINTED;
  }
}
