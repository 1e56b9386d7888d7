/**
 * What vouches for an open call in the database. At the next start its row says what is charged to whom, so it has to be the row that was
 * written here: it counts into the same digest as records and budget states, without a column of its own.
 */
import type { Authenticator } from '../core/authenticator.ts';
import type { IndexRow } from './store.ts';

/** Over every field that recovery reads; under the newest term, or the one given. */
export function openCallTag(authenticator: Authenticator, row: IndexRow, term?: number): Uint8Array {
  const { id, stream, seq, boundPicoUsd, completionTokens, charges } = row;
  const fields = [id, stream, String(seq), boundPicoUsd.toString(), String(completionTokens), charges];
  return authenticator.tag(['open-call.v1', ...fields], term);
}
