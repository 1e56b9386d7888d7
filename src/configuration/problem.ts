/** What is wrong with a document, and where. */

export interface Place {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly place: Place;
  /** Safe to print: repeats nothing that may be a secret. */
  readonly message: string;
  readonly fix?: string;
}

export type Path = readonly PropertyKey[];

/** A document as plain values, and where each of them stands. */
export interface Source {
  readonly value: unknown;
  /** Of the member's name, or of the item; for what is missing, of the nearest around it. */
  placeOf(path: Path): Place;
  has(path: Path): boolean;
}

/** A value, or all that speaks against it. */
export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

export function refused(problems: readonly Problem[]): Read<never> {
  return { ok: false, problems };
}
