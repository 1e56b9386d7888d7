/**
 * Tells a value that a random generator made from one that a person typed as a placeholder, by the shape of the whole value: too few
 * different characters, a sequence, a repetition, or mostly words such as "your", "key", "here". Never by a word inside: random values
 * contain every short word at some time, and a list of stop-words would lose them.
 */
import { latin1 } from './bytes.ts';

/**
 * False for a placeholder. `alphabetSize` is how many characters the value could be made of. At most one in ten million uniformly random
 * values of 16 characters or more is taken for a placeholder (lifelike.test.ts computes it).
 */
export function isLifelike(bytes: Uint8Array, from: number, to: number, alphabetSize: number): boolean {
  return (
    distinct(bytes, from, to) >= leastDistinct(alphabetSize, to - from) &&
    !isSequence(bytes, from, to) &&
    !isRepetition(bytes, from, to) &&
    !isTyped(latin1(bytes, from, to))
  );
}

/** Half of what a random value of that length has on average. */
export function leastDistinct(alphabetSize: number, length: number): number {
  return Math.floor(0.5 * alphabetSize * (1 - (1 - 1 / alphabetSize) ** length));
}

/** Which of them was seen last in which count: nothing has to be cleared. */
const SEEN = new Uint32Array(256);
let counts = 0;

function distinct(bytes: Uint8Array, from: number, to: number): number {
  counts = counts === 0xffffffff ? 1 : counts + 1;
  let count = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    if (SEEN[byte] === counts) continue;
    SEEN[byte] = counts;
    count += 1;
  }
  return count;
}

/** More than three in five characters follow from the one before: the same, the next or the previous one. */
function isSequence(bytes: Uint8Array, from: number, to: number): boolean {
  let steps = 0;
  for (let at = from + 1; at < to; at += 1) {
    if (Math.abs((bytes[at] ?? 0) - (bytes[at - 1] ?? 0)) <= 1) steps += 1;
  }
  return steps * 5 > (to - from) * 3;
}

const LONGEST_PERIOD = 20;

/** The value goes on as it began, but for a few characters. */
function isRepetition(bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  for (let period = 1; period <= LONGEST_PERIOD && period * 2 <= length; period += 1) {
    const mostDifferent = Math.floor((length - period) / 5);
    let different = 0;
    for (let at = from + period; at < to && different <= mostDifferent; at += 1) {
      if (bytes[at] !== bytes[at - period]) different += 1;
    }
    if (different <= mostDifferent) return true;
  }
  return false;
}

const WORDS = new Set(
  (
    'a abc abcd abcdef account actual add admin an anthropic any api app aws bar baz bot change changeme chat client code commit ' +
    'config demo dev do dont dummy edit enter env example examples fake fill fixture foo from gcp gemini generated get go google groq ' +
    'hash here hidden hub hugging huggingface in input insert invalid is it key keys like local long looks made me mistral mock model my ' +
    'name never new no not of only openai openrouter or org paste placeholder please prod production project put random real redacted ' +
    'replace sallyport sample secret secrets serviceaccount set some something staging string super team template test testing text the ' +
    'this to todo token tokens up url use user username valid value very with xai xxx you your'
  ).split(' '),
);
const TOKEN = /[A-Z]?[a-z]+|[A-Z]+|\d+/g;
const SEQUENCES = 'abcdefghijklmnopqrstuvwxyz 01234567890123456789 9876543210 qwertyuiop asdfghjkl zxcvbnm';

/** At least half of the letters and digits are words that placeholders are made of, counted up, or one character many times. */
export function isTyped(text: string): boolean {
  let all = 0;
  let made = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    const word = token.toLowerCase();
    all += word.length;
    const typed =
      word.length >= 3 && (SEQUENCES.includes(word) || word === word.charAt(0).repeat(word.length));
    if (typed || WORDS.has(word)) made += word.length;
  }
  return made * 2 >= all;
}

/** Of words, more than a third of the letters are vowels; of random letters one in five. */
export const SCRAMBLED = { vowelsOfWords: 0.38, weightOfVowels: 0.8, least: 0.17 } as const;

/**
 * Whether upper and lower case and digits are mixed as in no name of a program: a capital follows a capital, or a digit stands beside a letter, and
 * there are too few vowels for words. Random letters and digits come to 0.6 on average, names to less than 0.1. A hash in hexadecimal has no capitals.
 */
export function isScrambled(bytes: Uint8Array, from: number, to: number): boolean {
  const { disorder, cases } = disorderOf(bytes, from, to);
  return cases === 2 && disorder >= SCRAMBLED.least;
}

/** Of what is made of words, whatever joins them, less is out of place; of one random value in a thousand of 20 characters. */
const LEAST_OF_VALUES = 0.06;
/** Of what only may be a value, because its length is none of one. */
const LEAST_OF_UNSURE = 0.15;

/** Whether a value of letters and digits is made of words, as the name of something in a program is. */
export function isName(
  bytes: Uint8Array,
  from: number,
  to: number,
  behind: 'telling' | 'short' | 'unsure',
): boolean {
  const { disorder, outOfPlace } = disorderOf(bytes, from, to);
  // Behind a prefix that no name has, one place that is none of words is enough.
  if (outOfPlace === 0) return true;
  if (behind === 'telling') return false;
  return disorder < (behind === 'short' ? LEAST_OF_VALUES : LEAST_OF_UNSURE);
}

interface Disorder {
  readonly outOfPlace: number;
  readonly disorder: number;
  /** How many of upper and lower case there are. */
  readonly cases: number;
}

function disorderOf(bytes: Uint8Array, from: number, to: number): Disorder {
  let outOfPlace = 0;
  let vowels = 0;
  const counts = [0, 0, 0, 0];
  let before: number = Kind.other;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    const kind = KINDS[byte] as number;
    counts[kind & 3] = (counts[kind & 3] as number) + 1;
    if ((kind & VOWEL) !== 0) vowels += 1;
    if (at > from && isOutOfPlace(before, kind & 3)) outOfPlace += 1;
    before = kind & 3;
  }
  const [, lower = 0, upper = 0] = counts;
  const share = vowels / Math.max(1, lower + upper);
  const fewVowels = Math.max(0, SCRAMBLED.weightOfVowels * (SCRAMBLED.vowelsOfWords - share));
  return {
    outOfPlace,
    disorder: outOfPlace / (to - from) + fewVowels,
    cases: Math.min(1, lower) + Math.min(1, upper),
  };
}

export const Kind = { other: 0, lower: 1, upper: 2, digit: 3 } as const;
export const VOWEL = 4;
export const KINDS = new Uint8Array(256);
for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
  const vowel = 'aeiou'.includes(letter) ? VOWEL : 0;
  KINDS[letter.charCodeAt(0)] = Kind.lower | vowel;
  KINDS[letter.toUpperCase().charCodeAt(0)] = Kind.upper | vowel;
}
for (const digit of '0123456789') KINDS[digit.charCodeAt(0)] = Kind.digit;

/** In names a capital or what joins words follows a small letter, and a small letter anything but a digit. */
export function isOutOfPlace(before: number, kind: number): boolean {
  if (before === Kind.digit) return kind !== Kind.digit;
  if (before === Kind.upper) return kind === Kind.upper || kind === Kind.digit;
  return kind === Kind.digit;
}
