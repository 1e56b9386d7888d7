import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ANCHORS, GROUP_BITS, GROUPS, PLACE } from './anchors.ts';
import { findDeepIn } from './deep.ts';
import { Places } from './places.ts';
import { RULES } from './rules.ts';
import { RUN } from './run-skip.ts';
import { usesOf } from './run-use.ts';
import { sample } from './samples.ts';
import { WasmSkimmer } from './skim-wasm.ts';
import { skim, type Skimmed, skimPlainly } from './skim.ts';

const program = new WasmSkimmer();

interface Noticed {
  readonly runs: { readonly at: number; readonly end: number; readonly uses: number }[];
  /** By place, the bits of the anchors there. */
  readonly anchors: Map<number, number>;
  readonly hasZero: boolean;
}

/** How runs and anchors are mixed does not matter. */
function noticed({ events, hasZero }: Skimmed): Noticed {
  const runs: Noticed['runs'] = [];
  const anchors = new Map<number, number>();
  for (let index = 0; index < events.length; index += 3) {
    const [at = NaN, end = NaN, bits = NaN] = [0, 1, 2].map((offset) => events[index + offset]);
    if (end >= 0) runs.push({ at, end, uses: bits });
    else anchors.set(at, (anchors.get(at) ?? 0) | bits);
  }
  return { runs, anchors, hasZero };
}

function classOf(characters: string): string {
  return characters === '' ? '.' : `[${characters.replaceAll(/[\\\]-]/g, String.raw`\$&`)}]`;
}

const EXPRESSIONS = ANCHORS.map(({ places }) => new RegExp(`(?=${places.map(classOf).join('')})`, 'gs'));

const LOOKED_AT = GROUP_BITS | PLACE.connection | PLACE.plus | PLACE.percent | PLACE.backslash;

/** Where the anchors are, by looking for each at each byte. */
function anchorsIn(bytes: Uint8Array, from: number, to: number): Map<number, number> {
  const text = `${Buffer.from(bytes.subarray(from, to)).toString('latin1')}\u0001\u0001`;
  const found = new Map<number, number>();
  for (const [index, { bits }] of ANCHORS.entries()) {
    // Those are looked at further, as the searches do.
    if ((bits & LOOKED_AT) !== 0) continue;
    const expression = EXPRESSIONS[index] ?? /(?!)/;
    for (const { index: at } of text.matchAll(expression)) {
      if (at + 2 >= text.length) continue;
      found.set(from + at, (found.get(from + at) ?? 0) | bits);
    }
  }
  return found;
}

/** Places of which the other knows not all bits. */
function missing(some: Map<number, number>, others: Map<number, number>): number[] {
  return [...some].flatMap(([at, bits]) => (((others.get(at) ?? 0) & bits) === bits ? [] : [at]));
}

const ALL_USES = usesOf(true);

/** Places that are noticed for nothing cost time alone; those that are not noticed would cost findings. */
function expectTheSame(bytes: Uint8Array, from = 0): void {
  const fast = noticed(program.skim(bytes, from, bytes.length, ALL_USES));
  const plain = noticed(skimPlainly(bytes, from, bytes.length, ALL_USES));
  const runs = new Set(plain.runs.map(({ at, end }) => `${at}-${end}`));
  expect([fast.hasZero, fast.runs.filter(({ at, end }) => !runs.has(`${at}-${end}`))]).toEqual([
    plain.hasZero,
    [],
  ]);
  expect(missing(fast.anchors, plain.anchors)).toEqual([]);
  expect(missing(anchorsIn(bytes, from, bytes.length), fast.anchors)).toEqual([]);
  const inRuns = [...fast.anchors].filter(([, bits]) => (bits & GROUP_BITS) !== 0);
  expect(inRuns.filter(([at]) => !fast.runs.some((run) => at >= run.at && at + RUN <= run.end))).toEqual([]);
  for (const generic of [false, true]) {
    const [quick, slow] = [program.skim.bind(program), skimPlainly].map((by) =>
      findDeepIn(bytes, new Places(bytes, from, bytes.length, generic, by), { generic }),
    );
    expect(quick).toEqual(slow ?? []);
  }
}

const piece = fc.oneof(
  fc.constantFrom(...ANCHORS.map(({ places }) => places.map((one) => one.charAt(0) || 'x').join(''))),
  fc.integer({ min: 0, max: 150 }).map((length) => sample('key', length)),
  fc.integer({ min: 0, max: 130 }).map((length) => sample('base64', length)),
  fc.constantFrom(
    ' ',
    '\n',
    '\\\n  ',
    '"',
    '%',
    '\\',
    '\0',
    ':',
    'é',
    '\u00ff',
    '" + "',
    "' .\n '",
    '/',
    '=',
    '',
  ),
  fc.integer({ min: RUN - 2, max: RUN + 2 }).map((length) => 'k'.repeat(length)),
  fc.string({ maxLength: 70 }),
);

test('the program notices what a look at each byte does, wherever in a block it is', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.nat({ max: 200 }), (pieces, from) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1');
      expectTheSame(bytes, Math.min(from, bytes.length));
    }),
    { seed: 20261126, numRuns: 400 },
  );
});

const VALUES = RULES.flatMap(({ shape, positive }) => {
  if (positive) return positive();
  if (shape.by !== 'prefix') return [];
  return shape.prefixes.flatMap((prefix, seed) =>
    shape.lengths.map(([least]) => `${shape.lead ?? ''}${prefix}${sample(shape.alphabet, least, seed)}`),
  );
});

const ENCODINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(`x${text}`).toString('base64url'),
  (text) => Buffer.from(`KEY=${text}`.padEnd(160)).toString('base64').replaceAll(/.{64}/g, '$&\n  '),
  (text) => Buffer.from(text).toString('hex'),
  (text) =>
    text.replaceAll(
      /([^])([^]?[^]?)/g,
      (_, one: string, rest: string) => `%${one.charCodeAt(0).toString(16)}${rest}`,
    ),
  (text) => text.replaceAll(/[a-e_-]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`),
  (text) => text.replaceAll(/[a-e_-]/g, (one) => `\\x${one.charCodeAt(0).toString(16)}`),
  (text) => text.replaceAll(/.{9}/g, '$&" + "'),
  (text) => text.replaceAll(/.{25}/g, "$&'\n    . '"),
  (text) => text.replaceAll(/.{22}/g, '$&\\\n    '),
  (text) => text.replaceAll(/(?<=[^])(?=[^])/g, '\0'),
];

test('through the program every kind of value is found as without it, in every encoding and at every place of a block', () => {
  let found = 0;
  for (const [at, value] of VALUES.entries()) {
    for (const [way, encode] of ENCODINGS.entries()) {
      const text = `${'x'.repeat((at * 7 + way * 13) % 64)} key: "${encode(value)}",\n'${'-'.repeat(at % 5)}`;
      const bytes = Buffer.from(text);
      expectTheSame(bytes);
      found += findDeepIn(bytes, new Places(bytes, 0, bytes.length, true, program.skim.bind(program)), {
        generic: true,
      }).length;
    }
  }
  // Nearly all of them: not every value can be cut so.
  expect(found).toBeGreaterThan(VALUES.length * ENCODINGS.length * 0.6);
});

test('every anchor is noticed where it leads to something, and none of which a part lies behind the end', () => {
  for (const { places, bits } of ANCHORS) {
    const start = places.map((one) => one.charAt(0) || 'x').join('');
    // A prefix that is longer than that, an address, and a value in base64.
    const behind = (bits & PLACE.plus) === 0 ? `${sample('alnum', 40)}@` : sample('alnum', 38);
    const prefixes = GROUPS.flatMap((group, at) =>
      (bits & (1 << at)) === 0 ? [] : group.map(({ prefix }) => prefix),
    );
    const texts = prefixes.length > 0 ? prefixes.filter((prefix) => prefix.startsWith(start)) : [start];
    for (const text of texts) {
      const bytes = Buffer.from(`"${text}${behind}`, 'latin1');
      const all = noticed(program.skim(bytes, 0, bytes.length, ALL_USES));
      expect([text, (all.anchors.get(1) ?? 0) & bits]).toEqual([text, bits]);
      expectTheSame(bytes);
      expect(noticed(program.skim(bytes, 0, 2, ALL_USES)).anchors.size).toBe(0);
      expect(noticed(skim(bytes, 0, 2, ALL_USES)).anchors.size).toBe(0);
    }
  }
});

test('more events than a call has room for, and texts longer than the memory, are noticed to the end', () => {
  const full = Buffer.from('a%41'.repeat(30_000));
  // The last ones are too near to the end.
  expect(program.skim(full, 0, full.length, ALL_USES).events.length).toBeGreaterThan(3 * 29_900);
  const long = Buffer.from(`"%41${sample('key', 30)}" + `.repeat(130_000));
  const whole = noticed(program.skim(long, 0, long.length, ALL_USES));
  const plain = noticed(skimPlainly(long, 0, long.length, ALL_USES));
  expect([whole.runs.length, whole.anchors.size]).toEqual([plain.runs.length, plain.anchors.size]);
  expect(whole.runs.at(-1)?.at).toBe(plain.runs.at(-1)?.at ?? NaN);
  const run = Buffer.from(`"${'a'.repeat(300_000)}" + "b`);
  expect(noticed(program.skim(run, 0, run.length, ALL_USES)).runs.map(({ at, end }) => [at, end])).toEqual([
    [1, 300_001],
  ]);
});
