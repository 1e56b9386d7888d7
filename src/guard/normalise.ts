/**
 * Text as a phrase is looked for in it: letters only, in one case, without marks, invisible characters and spaces, and with what looks like
 * a Latin letter as that letter. For matching, never for sending: every letter knows the place in the original that it came from.
 */

/** Letters of a text, or of a part of it. */
export interface Letters {
  readonly text: string;
  /** For each letter where its character begins and ends in the original. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** 1 where a letter stands in one word with the one before it. */
  readonly joined: Uint8Array;
}

/** Letters that look like these, of other scripts and of the phonetic alphabet. What NFKD turns into Latin letters needs no entry. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: 'аαɑᴀ',
  b: 'ьʙβ',
  c: 'сϲᴄ',
  d: 'ԁᴅɗ',
  e: 'еεɛᴇҽ',
  f: 'ꜰ',
  g: 'ɡɢգ',
  h: 'һнʜհ',
  i: 'іιıɩɪʟլlӏ',
  j: 'јᴊ',
  k: 'кκᴋ',
  m: 'мᴍ',
  n: 'ոɴη',
  o: 'оοօσᴏ',
  p: 'рρᴘ',
  q: 'ԛզ',
  r: 'гʀ',
  s: 'ѕꜱ',
  t: 'тτᴛ',
  u: 'υսᴜ',
  v: 'ѵνᴠ',
  w: 'ԝωᴡ',
  x: 'хχ',
  y: 'уγʏ',
  z: 'ᴢ',
};
/** Digits and signs that stand for letters, beside a letter. */
const STAND_INS: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
};

const FOLD = new Map(
  Object.entries(LOOK_ALIKES).flatMap(([latin, others]) =>
    Array.from(others, (other) => [other, latin] as const),
  ),
);
/** Blocks of letters in frames and of flags, that nothing turns into letters, and the invisible twins of ASCII. */
const BLOCKS = [
  { first: 0x1f150, last: 0x1f169, to: 0x61 },
  { first: 0x1f170, last: 0x1f189, to: 0x61 },
  { first: 0x1f1e6, last: 0x1f1ff, to: 0x61 },
  { first: 0xe0041, last: 0xe005a, to: 0x61 },
  { first: 0xe0061, last: 0xe007a, to: 0x61 },
] as const;

const LETTER = /\p{L}/u;
/** What is not seen, letters that are none among it: passed over, also within a word. */
const INVISIBLE = /\p{DI}/u;
const MARK = /[\p{Cf}\p{M}]/u;
const MAX_KNOWN = 8192;

/** What a character is: its letters, `''` for what is passed over, or null for what ends a word. */
const known = new Map<number, string | null>();
/** The same for ASCII; a digit that may stand for a letter is looked at apart. */
const ascii = Array.from({ length: 128 }, (_, code) => foldPoint(code));
const standIns = Array.from({ length: 128 }, (_, code) => STAND_INS[String.fromCharCode(code)] ?? null);

/** The letters of a text or phrase as one string. */
export function lettersOf(text: string): string {
  return normalise(text, 0, text.length).text;
}

/** The letters of `text` from `start` to before `end`; places are those in the whole text. */
export function normalise(text: string, start: number, end: number): Letters {
  const room = (end - start) * 2 + 32;
  let starts = new Uint32Array(room);
  let ends = new Uint32Array(room);
  let joined = new Uint8Array(room);
  let count = 0;
  let inWord = false;
  const pieces: string[] = [];
  const add = (letters: string, from: number, to: number): void => {
    if (count + letters.length > starts.length) {
      starts = grown(starts, Uint32Array);
      ends = grown(ends, Uint32Array);
      joined = grown(joined, Uint8Array);
    }
    for (let index = 0; index < letters.length; index += 1) {
      starts[count] = from;
      ends[count] = to;
      joined[count] = inWord ? 1 : 0;
      inWord = true;
      count += 1;
    }
    pieces.push(letters);
  };
  for (let at = start; at < end;) {
    const code = text.codePointAt(at) ?? 0;
    const to = at + (code > 0xffff ? 2 : 1);
    const letters = code < 128 ? asciiLetters(text, at, code) : foldOther(code);
    if (letters === null) inWord = false;
    else if (letters !== '') add(letters, at, to);
    at = to;
  }
  return {
    text: pieces.join(''),
    starts: starts.subarray(0, count),
    ends: ends.subarray(0, count),
    joined: joined.subarray(0, count),
  };
}

function asciiLetters(text: string, at: number, code: number): string | null {
  const letter = ascii[code] ?? null;
  if (letter !== null) return letter;
  const standIn = standIns[code] ?? null;
  if (standIn === null) return null;
  return isAsciiLetter(text.charCodeAt(at - 1)) || isAsciiLetter(text.charCodeAt(at + 1)) ? standIn : null;
}

function isAsciiLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}

function foldOther(code: number): string | null {
  let letters = known.get(code);
  if (letters === undefined) {
    letters = foldPoint(code);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(code, letters);
  }
  return letters;
}

function foldPoint(code: number): string | null {
  for (const { first, last, to } of BLOCKS)
    if (code >= first && code <= last) return foldLetters(String.fromCharCode(to + code - first));
  const text = String.fromCodePoint(code);
  if (INVISIBLE.test(text)) return '';
  // Half of a pair by itself.
  if (code >= 0xd800 && code <= 0xdfff) return null;
  const letters = foldLetters(text.normalize('NFKD').toLowerCase().normalize('NFKD'));
  if (letters !== '') return letters;
  return MARK.test(text) ? '' : null;
}

function foldLetters(text: string): string {
  let letters = '';
  for (const letter of text) if (LETTER.test(letter)) letters += FOLD.get(letter) ?? letter;
  return letters;
}

function grown<A extends Uint32Array | Uint8Array>(array: A, type: new (length: number) => A): A {
  const larger = new type(array.length * 2);
  larger.set(array);
  return larger;
}
