/** Classes of bytes that keys are made of, as bits of one table, and the few comparisons that the scanner makes. ASCII only, no decoding. */

/** What a key's body may consist of. `key` is the widest: what a run is made of (run-skip.ts). */
export type Alphabet = keyof typeof ALPHABETS;

interface AlphabetFacts {
  readonly bit: number;
  readonly size: number;
  /** As a class of a regular expression. */
  readonly pattern: string;
}

export const ALPHABETS = {
  key: { bit: 1, size: 64, pattern: '[A-Za-z0-9_-]' },
  alnum: { bit: 2, size: 62, pattern: '[A-Za-z0-9]' },
  hex: { bit: 4, size: 16, pattern: '[0-9a-f]' },
  lowerAlnum: { bit: 8, size: 36, pattern: '[a-z0-9]' },
  base32: { bit: 16, size: 32, pattern: '[A-Z2-7]' },
  lowerBase32: { bit: 128, size: 32, pattern: '[a-z2-7]' },
  base64: { bit: 32, size: 64, pattern: '[A-Za-z0-9+/=]' },
  /** With what some values have between their parts. */
  value: { bit: 256, size: 67, pattern: '[A-Za-z0-9_.~+/=-]' },
  upperAlnum: { bit: 64, size: 36, pattern: '[A-Z0-9]' },
} as const satisfies Record<string, AlphabetFacts>;

const ASCII = String.fromCharCode(...Array.from({ length: 128 }, (_, byte) => byte));
/** For each byte, the bits of the alphabets that it belongs to. */
export const CLASS = new Uint16Array(256);
for (const { bit, pattern } of Object.values(ALPHABETS)) {
  for (const member of ASCII.match(new RegExp(pattern, 'g')) ?? []) {
    const byte = member.charCodeAt(0);
    CLASS[byte] = (CLASS[byte] ?? 0) | bit;
  }
}

/** Whether the byte at `at` is of the alphabet; what lies outside is of none. */
export function isAt(bytes: Uint8Array, at: number, bit: number): boolean {
  return ((CLASS[bytes[at] ?? 0x80] ?? 0) & bit) !== 0;
}

/** Whether `least` characters of the alphabet are side by side somewhere. */
export function hasRun(bytes: ArrayLike<number>, bit: number, least: number): boolean {
  let run = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    run = ((CLASS[bytes[at] as number] as number) & bit) !== 0 ? run + 1 : 0;
    if (run === least) return true;
  }
  return false;
}

/** Whether the ASCII `text` stands at `at`. */
export function standsAt(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** The rest runs in every JavaScript runtime; this one is faster where it exists. */
const HAS_BUFFER = typeof Buffer === 'function';

/** Where the ASCII `text` begins in `bytes[from..to)`, or -1. */
export function indexOfText(bytes: Uint8Array, text: string, from: number, to: number): number {
  if (from >= to) return -1;
  if (!HAS_BUFFER) return plainIndexOf(bytes, text, from, to);
  // The runtime's search takes no end, and must not run on to that of the file each time.
  const at = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).indexOf(text, 0, 'latin1');
  return at < 0 ? -1 : from + at;
}

function plainIndexOf(bytes: Uint8Array, text: string, from: number, to: number): number {
  const first = text.charCodeAt(0);
  const last = Math.min(to, bytes.length) - text.length;
  for (let at = bytes.indexOf(first, from); at >= 0 && at <= last; at = bytes.indexOf(first, at + 1)) {
    if (standsAt(bytes, at, text)) return at;
  }
  return -1;
}

const SLICE = 4096;

export function latin1(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, bytes.length);
  if (HAS_BUFFER) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.max(0, end - from)).toString('latin1');
  }
  let text = '';
  for (let at = from; at < end; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + SLICE)));
  }
  return text;
}

const SEXTETS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The bytes that `text` in base64url stands for, one character each; what is none of its characters is passed over. */
export function fromBase64Url(text: string): string {
  if (HAS_BUFFER) return Buffer.from(text, 'base64url').toString('latin1');
  let bits = 0;
  let count = 0;
  let decoded = '';
  for (const character of text) {
    const sextet = SEXTETS.indexOf(character);
    if (sextet < 0) continue;
    bits = ((bits << 6) | sextet) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded += String.fromCharCode((bits >> count) & 0xff);
  }
  return decoded;
}
