import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ANCHORS, GROUP_BITS } from './anchors.ts';
import { RUN } from './run-skip.ts';
import { sample } from './samples.ts';
import { WasmSkimmer } from './skim-wasm.ts';
import { type Skimmed, skimPlainly } from './skim.ts';

const program = new WasmSkimmer();

interface Noticed {
  readonly runs: string[];
  /** By place, the bits of the anchors there. */
  readonly anchors: Map<number, number>;
  readonly hasZero: boolean;
}

/** How runs and anchors are mixed does not matter. */
function noticed({ events, hasZero }: Skimmed): Noticed {
  const runs: string[] = [];
  const anchors = new Map<number, number>();
  for (let index = 0; index < events.length; index += 3) {
    const [at = NaN, end = NaN, bits = NaN] = [0, 1, 2].map((offset) => events[index + offset]);
    if (end >= 0) runs.push(`${at}-${end}`);
    else anchors.set(at, (anchors.get(at) ?? 0) | bits);
  }
  return { runs, anchors, hasZero };
}

function classOf(characters: string): string {
  return characters === '' ? '.' : `[${characters.replaceAll(/[\\\]-]/g, String.raw`\$&`)}]`;
}

const EXPRESSIONS = ANCHORS.map(({ places }) => new RegExp(`(?=${places.map(classOf).join('')})`, 'gs'));

/** Where the anchors are, by looking for each at each byte. */
function anchorsIn(bytes: Uint8Array, from: number, to: number): Map<number, number> {
  const text = `${Buffer.from(bytes.subarray(from, to)).toString('latin1')}  `;
  const runs = [...text.matchAll(/[A-Za-z0-9_-]+/g)].map(({ index, 0: run }) => [index, index + run.length]);
  const found = new Map<number, number>();
  for (const [index, { bits }] of ANCHORS.entries()) {
    const expression = EXPRESSIONS[index] ?? /(?!)/;
    for (const { index: at } of text.matchAll(expression)) {
      if (at + 2 >= text.length) continue;
      const inRun = (): boolean => runs.some(([start = 0, end = 0]) => at >= start && at + RUN <= end);
      if ((bits & GROUP_BITS) === 0 || inRun()) found.set(from + at, (found.get(from + at) ?? 0) | bits);
    }
  }
  return found;
}

/** Places of which the other knows not all bits. */
function missing(some: Map<number, number>, others: Map<number, number>): number[] {
  return [...some].flatMap(([at, bits]) => (((others.get(at) ?? 0) & bits) === bits ? [] : [at]));
}

/** An anchor may be noticed where there is none, by the program less often; never the other way round. */
function expectTheSame(bytes: Uint8Array, from = 0, to = bytes.length): void {
  const fast = noticed(program.skim(bytes, from, to));
  const plain = noticed(skimPlainly(bytes, from, to));
  expect([fast.runs, fast.hasZero]).toEqual([plain.runs, plain.hasZero]);
  expect(missing(fast.anchors, plain.anchors)).toEqual([]);
  expect(missing(anchorsIn(bytes, from, to), fast.anchors)).toEqual([]);
}

const piece = fc.oneof(
  fc.constantFrom(...ANCHORS.map(({ places }) => places.map((one) => one.charAt(0) || 'x').join(''))),
  fc.integer({ min: 0, max: 150 }).map((length) => sample('key', length)),
  fc.constantFrom(' ', '\n', '"', '%', '\\', '\0', ':', 'é', '\u00ff', '" + "', ''),
  fc.integer({ min: RUN - 2, max: RUN + 2 }).map((length) => 'k'.repeat(length)),
  fc.string({ maxLength: 70 }),
);

test('the program notices what a look at each byte does, wherever in a block it is', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.nat({ max: 200 }),
      fc.nat({ max: 70 }),
      (pieces, from, less) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1');
        const to = Math.max(0, bytes.length - less);
        expectTheSame(bytes, Math.min(from, to), to);
      },
    ),
    { seed: 20261126, numRuns: 300 },
  );
});

test('every anchor is noticed, and none of which a part lies behind the end', () => {
  for (const { places, bits } of ANCHORS) {
    const start = places.map((one) => one.charAt(0) || 'x').join('');
    const bytes = Buffer.from(`"${start}${sample('alnum', 40)}`, 'latin1');
    expect((noticed(program.skim(bytes, 0, bytes.length)).anchors.get(1) ?? 0) & bits).toBe(bits);
    expect(noticed(program.skim(bytes, 0, 2)).anchors.size).toBe(0);
    expectTheSame(bytes, 0, 2);
  }
});

test('more events than a call has room for, and texts longer than the memory, are noticed to the end', () => {
  expectTheSame(Buffer.from('%41'.repeat(30_000)));
  const long = Buffer.alloc(5 * 1024 * 1024, `${sample('key', 30)} %41 `);
  const whole = noticed(program.skim(long, 0, long.length));
  const plain = noticed(skimPlainly(long, 0, long.length));
  expect([whole.runs.length, whole.anchors.size]).toEqual([plain.runs.length, plain.anchors.size]);
  expect(whole.runs.at(-1)).toBe(plain.runs.at(-1));
  expectTheSame(Buffer.alloc(300_000, 'a'));
});
