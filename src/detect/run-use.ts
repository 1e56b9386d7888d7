/**
 * What a run of key characters may be of use for, told by a look at it and at the bytes beside it: hardly any run is of any, and none of the searches
 * has to look at the others. A search looks again: this only says that it is worth it. The program of skim-program.ts asks the same of every run;
 * whoever lets a search see more has to ask for more there as well (skim.test.ts compares).
 */
export const USE = {
  /** Of a length that a value without a shape has, or beside what base64 goes on with. */
  context: 1,
  /** As `context`, of values that are looked for on request. */
  generic: 2,
  /** A dot behind it, and the head of a token of JSON in it. */
  token: 4,
  base64: 8,
  /** The line of base64 that it is in may go on in the next. */
  wrapped: 16,
  hex: 32,
  /** Beside a quote or a line end, and something that joins. */
  joined: 64,
  /** UTF-16 in base64. */
  wide: 128,
} as const;

const ALL = Object.values(USE).reduce((all, use) => all | use, 0);

/** What is asked about at all. */
export function usesOf(generic: boolean): number {
  return generic ? ALL : ALL & ~USE.generic;
}
