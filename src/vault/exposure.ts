/**
 * That a key's value is known outside the vault: a mark on its version, which stops nothing by itself. Calls go on until somebody has put a new
 * value in its place.
 */
import { z } from 'zod';

const text = z.string().min(1).max(500);

export const exposureSchema = z.strictObject({
  at: z.iso.datetime(),
  /** The principal that said so. */
  by: text,
  /** Where the value was found, such as `src/config.ts:12:15`; null when nobody said. */
  place: text.nullable(),
  reason: text.nullable(),
  /** An operator has said that it is not so after all. */
  cleared: z.strictObject({ at: z.iso.datetime(), by: text, reason: text.nullable() }).nullable(),
});

export type Exposure = Readonly<z.infer<typeof exposureSchema>>;

/** What is said of an exposure when it is reported. */
export interface ExposureReport {
  readonly place: string | null;
  readonly reason: string | null;
}

/** The exposure, unless it was taken back. */
export function inForce(exposure: Exposure | null): Exposure | null {
  return exposure?.cleared === null ? exposure : null;
}
