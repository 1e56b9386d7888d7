/** What a rule of the scanner is: a row of the table in rules.ts. Everything else (the search, the log redactor, the docs) is made from it. */
import { ALPHABETS, type Alphabet } from './bytes.ts';
import type { VendorName } from './vendor-name.ts';

/** `critical`: whoever has it can spend or read at once. `medium`: depends on what it is restricted to. `low`: an identifier. */
export type Severity = 'critical' | 'high' | 'medium' | 'low';

export interface Rule {
  /** Stable: reports and suppressions name it. */
  readonly id: string;
  readonly provider: string;
  /** What it is, in a sentence: "API key". */
  readonly what: string;
  readonly severity: Severity;
  /** Where to revoke it: an address, or a command of ours. */
  readonly revoke: string;
  /** A request that costs nothing, changes nothing and tells a live value from a dead one. Nothing here makes it. */
  readonly safeCheck?: string;
  readonly shape: PrefixShape | ContextShape | OwnShape;
  /** Somebody may have chosen it, so that it could be found by trying. */
  readonly guessable?: boolean;
  /** Looked for only when asked: what it finds is often no secret. */
  readonly onRequest?: boolean;
  /** What must be found and what must not, beyond the values that `samples.ts` makes from the shape. Put together at run time. */
  readonly positive?: () => readonly string[];
  readonly negative?: () => readonly string[];
}

export type Range = readonly [least: number, most: number];

/** Has a search of its own: pem.ts, jwt.ts, connection.ts, azure-secret.ts. */
export interface OwnShape {
  readonly by: 'pem' | 'jwt' | 'connection' | 'azure-secret';
}

/** Told by what stands around it (context.ts). */
export interface ContextShape {
  readonly by: 'context';
  readonly alphabet: Alphabet;
  readonly lengths: readonly Range[];
  /** Tested on what stands before the value, up to it. */
  readonly before?: RegExp;
  /** Whose name has to be near. */
  readonly named?: VendorName;
  /** What stands before the run and belongs to the value, as an expression that ends with `$`; what follows it, one that begins with `^`. */
  readonly lead?: RegExp;
  readonly tail?: RegExp;
  /**
   * Names that are runs themselves, in lower case: the value behind one is looked at even where it is no run. For values in base64, which may have a
   * plus or a slash anywhere.
   */
  readonly names?: readonly string[];
  /** What the value must be like besides. */
  readonly form?: RegExp;
  /** Of upper and lower case and digits so mixed that it is no name and no hash. */
  readonly scrambled?: boolean;
}

export interface PrefixShape {
  readonly by: 'prefix';
  /** How the value begins. Among all rules the longest that fits decides. */
  readonly prefixes: readonly string[];
  /** Stands before the prefix and belongs to the value, but is not made of key characters. */
  readonly lead?: string;
  readonly alphabet: Alphabet;
  /** What its random part is made of, where that is less than the alphabet. */
  readonly random?: Alphabet;
  /** How many characters of the alphabet follow, up to the first that is none, in a value that is surely one. */
  readonly lengths: readonly Range[];
  /** A text inside the body that alone makes it sure, with as many characters before and behind it. */
  readonly marker?: { readonly text: string; readonly before: Range; readonly behind: Range };
  /** What the whole body must be like besides, as an anchored expression without unbounded repetition. */
  readonly form?: RegExp;
  /** What has to stand before it, up to the value, for that it is one at all. */
  readonly before?: RegExp;
  /** Whose name has to be near. */
  readonly named?: VendorName;
  /** A checksum or the like: without it the value is not one. Then whether it looks random does not matter. */
  readonly proof?: (value: string) => boolean;
  /** With as many characters it may be one: reported for lines that are new, where a false alarm is cheap. */
  readonly loose?: { readonly least: number; readonly placeholders?: boolean };
}

/** A rule's values as a regular expression, for documentation and for tests that search in another way. */
export function patternOf(shape: PrefixShape): string {
  const prefix = shape.prefixes.length === 1 ? shape.prefixes.join('') : `(?:${shape.prefixes.join('|')})`;
  const lengths = shape.lengths.map(([least, most]) => {
    const count = least === most ? `${least}` : `${least},${most}`;
    return `${ALPHABETS[shape.alphabet].pattern}{${count}}`;
  });
  const body = lengths.length === 1 ? lengths.join('') : `(?:${lengths.join('|')})`;
  return `${(shape.lead ?? '').replaceAll('.', String.raw`\.`)}${prefix}${body}`;
}

/** The fewest characters that a value of this shape has in all. */
export function leastLength({ lead = '', prefixes, lengths, marker, loose }: PrefixShape): number {
  const bodies = lengths.map(([least]) => least);
  if (marker) bodies.push(marker.before[0] + marker.text.length + marker.behind[0]);
  if (loose) bodies.push(loose.least);
  return lead.length + Math.min(...prefixes.map((prefix) => prefix.length)) + Math.min(...bodies);
}

export function exactly(...lengths: readonly number[]): Range[] {
  return lengths.map((length) => [length, length]);
}
