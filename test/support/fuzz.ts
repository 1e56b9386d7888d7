/**
 * Byte-level fuzzing of everything that reads bytes of strangers, against oracles. `FUZZ_SECONDS` sets how long each target runs, `FUZZ_SEED`
 * where it starts; the seed of a failure is in its message, with the input.
 */
import { performance } from 'node:perf_hooks';

export interface FuzzTarget {
  readonly corpus: readonly Buffer[];
  /** Throws when what happens to `input` is not what the oracle says. `dice` is for choices that belong to the case. */
  readonly check: (input: Buffer, dice: Dice) => void;
}

/** A whole number from 0 to below `sides`. */
export type Dice = (sides: number) => number;

/** Bytes that mean something to a parser, more likely to break one than any others. */
const TOKENS = [
  ...'{ } [ ] " , : \\ \n \r \t 0 - e E . u / +'.split(' '),
  ' ',
  '\\u006d',
  '\\ud800',
  '\\"',
  '\\\\',
  'null',
  'true',
  '1e999',
  '"model"',
  '"usage"',
  '"error"',
  '"x_groq"',
  'data:',
  'data: ',
  'data: [DONE]',
  '\n\n',
  '\r\n\r\n',
  ': ping\n',
  '"choices":[]',
  '"prompt_tokens":',
  '"stream_options":{',
].map((text) => Buffer.from(text));
const RAW = [[0], [0xff], [0xc0, 0xa2], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf], [0xe2, 0x82], [0x7f]].map(
  (bytes) => Buffer.from(bytes),
);
const MAX_INPUT_BYTES = 64 * 1024;

/** Runs until `seconds` are over, but at least `atLeast` inputs; returns how many there were. Throws on the first that fails. */
export function fuzz(target: FuzzTarget, seconds: number, atLeast: number, seed: number): number {
  const dice = diceOf(seed);
  const deadline = performance.now() + seconds * 1000;
  let runs = 0;
  while (runs < atLeast || runs % 64 !== 0 || performance.now() < deadline) {
    const input = mutate(target.corpus, dice);
    try {
      target.check(input, dice);
    } catch (error) {
      throw new Error(
        `seed ${seed}, run ${runs}, input (base64) ${input.toString('base64').slice(0, 20_000)}`,
        {
          cause: error,
        },
      );
    }
    runs += 1;
  }
  return runs;
}

/** xorshift32: the same sequence for the same seed. */
export function diceOf(seed: number): Dice {
  let state = seed | 0 || 1;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

function mutate(corpus: readonly Buffer[], dice: Dice): Buffer {
  let bytes = pick(corpus, dice);
  for (let left = dice(6); left > 0; left -= 1) bytes = mutateOnce(bytes, corpus, dice);
  return Buffer.from(bytes.subarray(0, MAX_INPUT_BYTES));
}

function mutateOnce(bytes: Buffer, corpus: readonly Buffer[], dice: Dice): Buffer {
  const at = dice(bytes.length + 1);
  const to = Math.min(bytes.length, at + dice(dice(4) === 0 ? 200 : 8));
  const put = (middle: Buffer, from = at, behind = at): Buffer =>
    Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(behind)]);
  switch (dice(8)) {
    case 0:
      return put(pick(TOKENS, dice));
    case 1:
      return put(pick(TOKENS, dice), at, to);
    case 2:
      return put(Buffer.alloc(0), at, to);
    case 3:
      // A piece of its own, again: duplicate members, repeated events.
      return put(bytes.subarray(dice(at + 1), at));
    case 4: {
      const other = pick(corpus, dice);
      const from = dice(other.length + 1);
      return put(other.subarray(from, from + dice(300)));
    }
    case 5:
      return put(pick(RAW, dice), at, dice(2) === 0 ? at : to);
    case 6: {
      const changed = Buffer.from(bytes);
      if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << dice(8));
      return changed;
    }
    default:
      return bytes.subarray(0, at);
  }
}

function pick<T>(all: readonly T[], dice: Dice): T {
  const one = all[dice(all.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}
