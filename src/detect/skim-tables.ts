/** What the functions of the program of skim-program.ts share: where its tables and functions are, and looks at single bytes. */
import { type Code, i32 } from './wasm-code.ts';

/** Where tables are, each of 256 bytes. */
export const RUN_TABLES = {
  /** See `CLASS` of bytes.ts. */
  classes: 256,
  marks: 3584,
  more: 3840,
  /** By the length of a value, `USE.context` and `USE.generic`, and bits of `LENGTH`. */
  lengths: 4096,
  /** See `isScrambled` of lifelike.ts. */
  kinds: 4352,
} as const;

/** Bits of `marks`. The lower four are those of places in a group of base64 (encoded-runs.ts). */
export const MARK = { quote: 16, beside: 32, space: 64, indent: 128 } as const;
/** Bits of `more`. */
export const MORE = {
  hexDigit: 1,
  upperDigit: 2,
  goesOn: 4,
  lineEnd: 8,
  glues: 16,
  dash: 32,
  plain: 64,
} as const;

/** Bits of `lengths`: such a value counts only if it is all of this. */
export const LENGTH = { scrambled: 32, hex: 64, alnum: 128 } as const;
export const MOST_LENGTH = 255;

/** Prefixes of rules: a number of four bytes for each group, where its list begins: each with its length before it, and a zero at the end. */
export const PREFIXES = { heads: 4608, lists: 4864, end: 8192 } as const;

/** Places of functions in the module. */
export const FUNCTIONS = {
  main: 0,
  run: 1,
  inBase64: 2,
  value: 3,
  prefixes: 4,
  address: 5,
  escape: 6,
} as const;

export function byteAt(at: Code): Code {
  return i32.load8(at);
}

/** Whether the byte there has one of the bits in the table. */
export function has(table: number, at: Code, bits: number): Code {
  return i32.ne(i32.and(i32.load8(byteAt(at), table), i32.of(bits)), i32.of(0));
}

export function plus(value: Code, by: number): Code {
  return i32.add(value, i32.of(by));
}
