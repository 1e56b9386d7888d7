/** The ways in which a value that is known may stand in a text. */
import { codesOf, utf8 } from './codes.ts';

const LEAST_KNOWN = 8;
const LEAST_FORM = 8;
const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** As codes: the value itself, base64 at each of the three places where it can begin in a group, percent-encoded, and inside a JSON string. */
export function knownForms(value: string): Uint8Array[] {
  if (typeof value !== 'string' || value.length < LEAST_KNOWN) {
    throw new TypeError(`A known value must be a text of at least ${LEAST_KNOWN} characters.`);
  }
  const bytes = utf8(value);
  const texts = new Set([value, percentEncoded(bytes), JSON.stringify(value).slice(1, -1)]);
  for (let before = 0; before < 3; before += 1) {
    const standard = base64(bytes, before);
    if (standard.length < LEAST_FORM) continue;
    texts.add(standard);
    texts.add(standard.replaceAll('+', '-').replaceAll('/', '_'));
  }
  const forms = [...texts].map(codesOf);
  // Where bytes are read, a character outside ASCII is several.
  if (bytes.length !== value.length) forms.push(bytes);
  return forms;
}

/** As it is behind `before` other bytes, without the characters that depend on what stands before and behind. */
function base64(bytes: Uint8Array, before: number): string {
  const first = Math.ceil((before * 8) / 6);
  const end = Math.floor(((before + bytes.length) * 8) / 6);
  let text = '';
  for (let at = first; at < end; at += 1) {
    const bit = at * 6 - before * 8;
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += CHARACTERS[(pair >> (10 - (bit & 7))) & 63] ?? '';
  }
  return text;
}

function percentEncoded(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9_.~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
