/**
 * The tables by which the two halves of a byte say what it may be: one pair for key characters, which is exact, and one for each place of an anchor. Eight
 * bits are eight buckets, among which the anchors are put so that few other bytes pass.
 */
import { type Anchor, ANCHORS } from './anchors.ts';
import { ALPHABETS, CLASS } from './bytes.ts';

const BUCKETS = 8;
const HALVES = 16;
const ALL = 0xffff;

/** Which halves of bytes a set of bytes has, as bits. */
interface Halves {
  readonly low: number;
  readonly high: number;
}

type Place3 = readonly [Halves, Halves, Halves];

/** Eight tables of sixteen bytes: by the lower half and by the upper one, for key characters and then for each place. */
export function halfTables(): Uint8Array {
  const tables = new Uint8Array(8 * HALVES);
  const add = (table: number, halves: Halves, bit: number): void => {
    for (let half = 0; half < HALVES; half += 1) {
      const [low, high] = [2 * table * HALVES + half, (2 * table + 1) * HALVES + half];
      if ((halves.low & (1 << half)) !== 0) tables[low] = (tables[low] ?? 0) | bit;
      if ((halves.high & (1 << half)) !== 0) tables[high] = (tables[high] ?? 0) | bit;
    }
  };
  for (const [at, halves] of keyHalves().entries()) add(0, halves, 1 << at);
  for (const [bucket, places] of bucketsOf(ANCHORS).entries()) {
    for (const [place, halves] of places.entries()) add(place + 1, halves, 1 << bucket);
  }
  return tables;
}

/** Upper halves with the same lower ones share a bit. */
function keyHalves(): Halves[] {
  const byLow = new Map<number, number>();
  for (let high = 0; high < HALVES; high += 1) {
    let lows = 0;
    for (let low = 0; low < HALVES; low += 1) {
      if (((CLASS[high * HALVES + low] ?? 0) & ALPHABETS.key.bit) !== 0) lows |= 1 << low;
    }
    if (lows !== 0) byLow.set(lows, (byLow.get(lows) ?? 0) | (1 << high));
  }
  return [...byLow].map(([low, high]) => ({ low, high }));
}

function halvesOf({ places }: Anchor): Place3 {
  const [first, second, third] = places;
  return [halvesOfText(first), halvesOfText(second), halvesOfText(third)];
}

function halvesOfText(characters: string): Halves {
  if (characters === '') return { low: ALL, high: ALL };
  let [low, high] = [0, 0];
  for (const byte of Buffer.from(characters, 'latin1')) {
    low |= 1 << (byte & 15);
    high |= 1 << (byte >> 4);
  }
  return { low, high };
}

/** The widest anchors first, each where it lets the fewest bytes more pass. */
function bucketsOf(anchors: readonly Anchor[]): readonly Place3[] {
  const none: Halves = { low: 0, high: 0 };
  const buckets: Place3[] = Array.from({ length: BUCKETS }, () => [none, none, none]);
  const all = anchors.map(halvesOf).sort((a, b) => costOf(b) - costOf(a));
  for (const anchor of all) {
    let best = 0;
    let least = Infinity;
    for (const [at, bucket] of buckets.entries()) {
      const more = costOf(joined(bucket, anchor)) - costOf(bucket);
      if (more < least) [best, least] = [at, more];
    }
    buckets[best] = joined(buckets[best] ?? anchor, anchor);
  }
  return buckets;
}

function joined([a, b, c]: Place3, [d, e, f]: Place3): Place3 {
  const both = (one: Halves, other: Halves): Halves => ({
    low: one.low | other.low,
    high: one.high | other.high,
  });
  return [both(a, d), both(b, e), both(c, f)];
}

/** Letters in lower case are most of a text. */
const LOWER_CASE = (1 << 6) | (1 << 7);
const OF_LETTERS = 0.35;
const OF_OTHERS = 0.02;

/** The share of places in a text that pass, roughly. */
function costOf(places: Place3): number {
  return places.reduce((cost, { low, high }) => {
    const share = OF_LETTERS * ones(high & LOWER_CASE) + OF_OTHERS * ones(high & ~LOWER_CASE);
    return (cost * share * ones(low)) / HALVES;
  }, 1);
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
