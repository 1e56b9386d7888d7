/**
 * A keyed tag inside every entry, over the chain before it and its own bytes. The chain alone can be continued by anybody who can write the
 * files; what a start applies from the journal (revocations, policies, money) must have been written by this installation. Checked in
 * replay only: an offline verifier has no key, and needs none to see a change.
 */
import type { Authenticator } from '../core/authenticator.ts';

const OPENING = ',"mac":"';
/** base64url of a 4-byte term and a 32-byte HMAC. */
const TAG_CHARS = 48;
const SUFFIX_BYTES = OPENING.length + TAG_CHARS + 2;

/** Where an entry stands: its tag is worth nothing anywhere else. */
export interface EntryPlace {
  readonly stream: string;
  readonly previous: Uint8Array;
}

/** The JSON of an entry with its tag as last member. */
export function withMac(authenticator: Authenticator, place: EntryPlace, json: string): string {
  const tag = authenticator.tag(fieldsOf(place, json)).toString('base64url');
  return `${json.slice(0, -1)}${OPENING}${tag}"}`;
}

/** True when the tag was made here, by this installation, for exactly this entry. */
export function hasValidMac(authenticator: Authenticator, place: EntryPlace, json: Buffer): boolean {
  const start = json.length - SUFFIX_BYTES;
  if (start < 1 || json.toString('latin1', start, start + OPENING.length) !== OPENING) return false;
  const tag = Buffer.from(json.toString('latin1', start + OPENING.length, json.length - 2), 'base64url');
  return authenticator.verify(fieldsOf(place, `${json.toString('utf8', 0, start)}}`), tag);
}

function fieldsOf({ stream, previous }: EntryPlace, json: string): (string | Uint8Array)[] {
  return ['journal.v1', stream, previous, json];
}
