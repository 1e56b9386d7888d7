/**
 * Secrets in text that was read from a picture. Reading confuses characters that look alike, loses underscores and cuts long values at the ends of
 * lines, so that hardly any key is read without a mistake: a value is told by its prefix and its length, both with tolerance, and by how random
 * it looks. What is found is therefore never sure.
 */
import { ALPHABETS, CLASS } from '../../detect/bytes.ts';
import { type Found, findDeep } from '../../detect/deep.ts';
import { isLifelike } from '../../detect/lifelike.ts';
import { leastLength, type PrefixShape, type Rule } from '../../detect/rule.ts';
import { RULES } from '../../detect/rules.ts';
import { joinLines } from '../wrapped-text.ts';

/** Characters that are taken for one another. */
const ALIKE = [
  '0OoQD@',
  '1lI|i!',
  'jJ]iI',
  '5Ss$',
  '8B&',
  '2Zz',
  '6Gb',
  '9gqQ',
  'uvUV',
  'cC',
  'kK',
  'wW',
  'xX',
  'vV',
  'pP',
  'fF',
  'yY',
];
/** Of a body, also what is no key character but is what one is taken for. */
const BODY = String.raw`[A-Za-z0-9_\-@|\]\[$!&%\u00a2-\u00ff]`;
const UNDERSCORE = String.raw`[_ .\u2014~-]`;
const HYPHEN = String.raw`[-_ .\u2013\u2014~]`;
const THIN = new Set(['1', 'l', 'I']);
const LEAST_PREFIX = 3;
const TELLING_PREFIX = 4;
/** So much of a length may be lost or made up. */
const SLACK = 0.08;

interface Tolerant {
  readonly rule: Rule;
  readonly prefix: string;
  readonly pattern: RegExp;
  readonly check: (body: string, before: string) => boolean;
}

let patterns: readonly Tolerant[] | undefined;

/** In order, without overlaps. Places are those in `text`. */
export function findInPicture(text: string): Found[] {
  const found = findIn(text);
  const joined = joinLines(Buffer.from(withoutLineNumbers(text), 'latin1'));
  for (const one of findIn(joined.bytes.toString('latin1'))) {
    const [start, end] = [joined.placeOf(one.start), joined.placeOf(one.end - 1) + 1];
    if (joined.spansLines(one.start, one.end)) found.push({ ...one, start, end });
  }
  return withoutOverlaps(found);
}

function findIn(text: string): Found[] {
  const bytes = Buffer.from(text, 'latin1');
  const found: Found[] = [];
  for (const one of findDeep(bytes)) if (one.sure) found.push({ ...one, sure: false });
  for (const { rule, prefix, pattern, check } of (patterns ??= RULES.flatMap(tolerantOf))) {
    for (const match of text.matchAll(pattern)) {
      const body = match[1] ?? '';
      if (!check(body, text.slice(Math.max(0, match.index - 100), match.index))) continue;
      const end = match.index + match[0].length;
      found.push({
        rule,
        start: match.index,
        end,
        sure: false,
        value: prefix + body.replaceAll(' ', ''),
        encodings: [],
      });
    }
  }
  return found;
}

/** The longest of those that overlap. */
function withoutOverlaps(found: readonly Found[]): Found[] {
  const kept: Found[] = [];
  for (const one of found.toSorted((a, b) => b.end - b.start - (a.end - a.start)))
    if (!kept.some(({ start, end }) => start < one.end && one.start < end)) kept.push(one);
  return kept.sort((a, b) => a.start - b.start);
}

function tolerantOf(rule: Rule): Tolerant[] {
  const { shape } = rule;
  if (shape.by === 'jwt') {
    const pattern = String.raw`eyJ([\w-]{10,}[.,] ?eyJ[\w-]{10,}[.,] ?[\w-]{20,})`;
    return [{ rule, prefix: 'eyJ', pattern: new RegExp(pattern, 'g'), check: () => true }];
  }
  if (shape.by === 'pem') {
    const pattern = /BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY\S*\s+(\S{30,})/g;
    return [{ rule, prefix: '', pattern, check: () => true }];
  }
  if (shape.by !== 'prefix') return [];
  return shape.prefixes
    .filter((prefix) => prefix.length >= LEAST_PREFIX)
    .map((prefix) => ({
      rule,
      prefix: (shape.lead ?? '') + prefix,
      pattern: patternOf(shape, prefix),
      check: (body, before) => isLikely(shape, body, before),
    }));
}

function patternOf(shape: PrefixShape, prefix: string): RegExp {
  const lead = (shape.lead ?? '').split('').map(oneOf).join('');
  const fixed = prefix
    .split('')
    .map((character) => {
      if (character === '_') return `${UNDERSCORE}{${prefix.length >= TELLING_PREFIX ? 0 : 1},2}`;
      if (character === '-') return `${HYPHEN}{1,2}`;
      // A thin one is read as two now and then.
      return THIN.has(character) ? `${oneOf(character)}{1,2}` : oneOf(character);
    })
    .join('');
  const [least, most] = lengthsOf(shape, prefix);
  const gaps = prefix.length >= TELLING_PREFIX;
  const one = gaps ? `(?:${BODY}|(?<=${BODY}{2}) (?=${BODY}{2}))` : BODY;
  return new RegExp(`(?<![A-Za-z0-9])${lead}${fixed} ?(${one}{${least},${most}})(?![A-Za-z0-9])`, 'g');
}

function lengthsOf(shape: PrefixShape, prefix: string): [least: number, most: number] {
  const { loose: _, ...strict } = shape;
  const least = leastLength(strict) - (shape.lead ?? '').length - shortest(shape);
  const most = Math.max(...shape.lengths.map(([, length]) => length));
  return [
    Math.max(LEAST_PREFIX, Math.floor(least * (1 - SLACK)) - 1),
    Math.ceil(most * (1 + SLACK)) + 1 + prefix.length,
  ];
}

function shortest({ prefixes }: PrefixShape): number {
  return Math.min(...prefixes.map((prefix) => prefix.length));
}

function oneOf(character: string): string {
  const alike = ALIKE.filter((group) => group.includes(character)).join('');
  return `[${(character + alike).replaceAll(/[\\\]^-]/g, String.raw`\$&`)}]`;
}

/** The numbers that an editor puts before its lines, with spaces in their place. */
function withoutLineNumbers(text: string): string {
  let last = Number.NaN;
  return text
    .split('\n')
    .map((line) => {
      const [gutter, digits = ''] = /^\s*(\d{1,5})(?=\s|$)/.exec(line) ?? [];
      if (gutter === undefined) return line;
      const isNext = Number(digits) === last + 1;
      last = Number(digits);
      return isNext ? ' '.repeat(gutter.length) + line.slice(gutter.length) : line;
    })
    .join('\n');
}

/** So much of what was read is of the value's own alphabet; the rest was taken for something else. */
const LEAST_OWN = 0.75;
/** Where underscores belong to a value, a gap may be one that was not seen; elsewhere there is seldom a gap, an underscore or a hyphen. */
const MOST_SEAMS = { key: 12, other: 2 };

function isLikely({ alphabet, before: expected }: PrefixShape, body: string, before: string): boolean {
  if (expected && !expected.test(before)) return false;
  const gaps = body.split(' ').length - 1;
  const seams = alphabet === 'key' ? gaps : body.split(/[ _-]/).length - 1;
  if (seams > (alphabet === 'key' ? MOST_SEAMS.key : MOST_SEAMS.other)) return false;
  // With its gaps: they show words.
  const bytes = Buffer.from(body, 'latin1');
  const { size, bit } = ALPHABETS[alphabet];
  const own = gaps + bytes.filter((byte) => ((CLASS[byte] ?? 0) & bit) !== 0).length;
  // In a random value of that length there are digits, but for one in a few thousand.
  return own >= LEAST_OWN * bytes.length && /\d.*\d/.test(body) && isLifelike(bytes, 0, bytes.length, size);
}
