/** Classes of characters that say where what may be a secret ends, one table look-up each. */
import { ALPHABETS, CLASS } from '../detect/bytes.ts';

export const KEY = ALPHABETS.key.bit;
export const BASE64 = ALPHABETS.base64.bit;

/** Values in parts, of which all but the last run is joined to it by dots or a colon. */
export const DOTTED = tableOf(/[A-Za-z0-9_.:-]/);
/** What the value behind `Bearer` consists of (RFC 6750, section 2.1). */
export const CREDENTIAL = tableOf(/[A-Za-z0-9._~+/=-]/);
export const HOST = tableOf(/[A-Za-z0-9.-]/);
export const SPACE = tableOf(/\s/);

/** How far a secret goes on behind what was looked at: as long as characters are in the table. */
export type Table = Readonly<Uint8Array>;

export const KEY_TABLE = ofAlphabet(KEY);
export const KEY_OR_BASE64 = ofAlphabet(KEY | BASE64);
const BY_BIT = new Map<number, Table>();

/** The table of one alphabet of the rules. */
export function alphabetTable(bit: number): Table {
  const known = BY_BIT.get(bit) ?? ofAlphabet(bit);
  BY_BIT.set(bit, known);
  return known;
}

function ofAlphabet(bits: number): Table {
  return Uint8Array.from(CLASS, (own) => ((own & bits) === 0 ? 0 : 1));
}

function tableOf(member: RegExp): Table {
  return Uint8Array.from({ length: 256 }, (_, code) =>
    code < 128 && member.test(String.fromCharCode(code)) ? 1 : 0,
  );
}

/** Where the characters of the table end in `codes[from..to)`. */
export function endOf(codes: Uint8Array, from: number, to: number, table: Table): number {
  let end = from;
  while (end < to && table[codes[end] as number] === 1) end += 1;
  return end;
}
