/**
 * Three bytes by which every search but that for runs begins: how a value's prefix starts, an escape, a joint of literals. One pass over the
 * text (skim.ts) finds all of them at once, so that one more search costs next to nothing.
 */
import { type Matcher, matchersOf } from './examine.ts';
import { RULES } from './rules.ts';

/** What an anchor is of, as a bit; the lower bits are groups of prefixes. A search looks again: an anchor only says that it is worth it. */
export const PLACE = {
  /** The code of a character, in a list of such. */
  number: 1 << 16,
  /** Two literals with nothing between. */
  touching: 1 << 17,
  /** A prefix that no run of key characters shows. */
  searched: 1 << 18,
  privateKey: 1 << 19,
  connection: 1 << 20,
  percent: 1 << 21,
  backslash: 1 << 22,
  entity: 1 << 23,
  /** A line that goes on behind its end, and what mail escapes. */
  softBreak: 1 << 24,
  joint: 1 << 25,
  spacedJoint: 1 << 26,
  /** What joins a list of literals. */
  list: 1 << 27,
  /** A plus inside base64. */
  plus: 1 << 28,
  clientSecret: 1 << 29,
  /** The name of a secret, and how packed text begins in base64. */
  rare: 1 << 30,
} as const;

/** So many groups of prefixes can be told apart. Those that start alike are one. */
const GROUP_COUNT = 16;
/** The bits of all groups. A value that begins so is made of key characters, as many as the shortest run has at least. */
export const GROUP_BITS = (1 << GROUP_COUNT) - 1;

export interface Anchor {
  readonly bits: number;
  /** The characters that may stand at each of its three places; none means that any may. */
  readonly places: readonly [string, string, string];
}

const HEX = '0123456789abcdefABCDEF';
/** Of a printable character's code. */
const UPPER_DIGIT = '234567';

const DIGIT = '0123456789';
const QUOTES = '"\'`';
const BASE64 = `${DIGIT}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/`;

const OTHERS: readonly Anchor[] = [
  { bits: PLACE.privateKey, places: ['E', ' ', 'K'] },
  { bits: PLACE.connection, places: [':', '/', '/'] },
  { bits: PLACE.percent, places: ['%', UPPER_DIGIT, HEX] },
  { bits: PLACE.backslash, places: ['\\', 'uUx01_-', ''] },
  { bits: PLACE.entity, places: ['&', '#la', 'xX0123456789om'] },
  { bits: PLACE.softBreak, places: ['=\\', '\r\n', ''] },
  { bits: PLACE.softBreak, places: ['=', '25', 'DdFf'] },
  { bits: PLACE.joint, places: [QUOTES, '+.&|~<', `${QUOTES} \t\r\n.+&|<>`] },
  { bits: PLACE.spacedJoint, places: [QUOTES, ' \r\n', `${QUOTES} \t\n+.&|~<\\`] },
  // Every key has a capital, a digit, a dash or an underscore.
  { bits: PLACE.number, places: [' ,:-x\t\n', '456789', HEX] },
  { bits: PLACE.touching, places: [QUOTES, QUOTES, BASE64] },
  { bits: PLACE.list, places: [']', '.', 'j'] },
  { bits: PLACE.list, places: ['$', '{', QUOTES] },
  { bits: PLACE.list, places: ['+', '=', ` ${QUOTES}`] },
  { bits: PLACE.list, places: ['nTt', '(', `[${QUOTES}`] },
  { bits: PLACE.plus, places: [BASE64, '+', BASE64] },
  { bits: PLACE.clientSecret, places: [DIGIT, 'Q', '~'] },
  // secretAccessKey
  { bits: PLACE.rare, places: ['t', 'A', 'c'] },
  // aws_secret
  { bits: PLACE.rare, places: ['wW', 'sS', '_'] },
  // gzip, and zlib by how hard it tried.
  { bits: PLACE.rare, places: ['H', '4', 's'] },
  { bits: PLACE.rare, places: ['e', 'J', 'wxyz'] },
  { bits: PLACE.rare, places: ['e', 'N', 'opqr'] },
  { bits: PLACE.rare, places: ['e', 'A', 'EFGH'] },
];

const MATCHERS = RULES.flatMap(matchersOf);
export const SEARCHED = MATCHERS.filter(({ searched }) => searched);
/** The prefixes of each group, the longest first: within a group the first that fits decides. */
export const GROUPS: Matcher[][] = [];

function prefixAnchors(): Anchor[] {
  const anchors: Anchor[] = [];
  const groupOf = new Map<string, number>();
  for (const matcher of MATCHERS.toSorted((a, b) => b.prefix.length - a.prefix.length)) {
    const [first = '', second = '', third = ''] = matcher.prefix;
    const start = first + second + third;
    if (matcher.searched) {
      anchors.push({ bits: PLACE.searched, places: [first, second, third] });
      continue;
    }
    const group = groupOf.get(start) ?? groupOf.size % GROUP_COUNT;
    if (!groupOf.has(start)) anchors.push({ bits: 1 << group, places: [first, second, third] });
    groupOf.set(start, group);
    (GROUPS[group] ??= []).push(matcher);
  }
  return anchors;
}

export const ANCHORS: readonly Anchor[] = [...OTHERS, ...prefixAnchors()];

/** For each byte, the bits of the anchors that have it at their first, second and third place. */
export const FILTERS = [new Int32Array(256), new Int32Array(256), new Int32Array(256)] as const;
// At each start of a hook: no more than one step for each character.
for (const { bits, places } of ANCHORS) {
  for (let place = 0; place < FILTERS.length; place += 1)
    addTo(FILTERS[place] as Int32Array, places[place] as string, bits);
}

function addTo(filter: Int32Array, characters: string, bits: number): void {
  const { length } = characters;
  if (length === 0) for (let byte = 0; byte < 256; byte += 1) filter[byte] = (filter[byte] as number) | bits;
  for (let at = 0; at < length; at += 1) {
    const byte = characters.charCodeAt(at);
    filter[byte] = (filter[byte] as number) | bits;
  }
}
