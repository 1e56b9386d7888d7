/** Where in a file a carrier stands: what the search does there differs, what it finds must not. */
import type { AnyCarrier } from './evaluate.ts';
import type { Random } from './random.ts';

export interface Position {
  readonly name: string;
  readonly place: (carrier: Buffer, random: Random) => Buffer;
  /** Which carriers can stand there. */
  readonly carriers: (carrier: AnyCarrier) => boolean;
}

const WORDS =
  'the value of this field is read once when the program starts and kept for as long as it runs'.split(' ');
const BLOCK_BYTES = 1024 * 1024;

/** Text as there is everywhere, in lines or in one. */
export function filler(random: Random, bytes: number, joint = '\n'): Buffer {
  const words: string[] = [];
  let size = 0;
  while (size < bytes) {
    const word = `${random.pick(WORDS)}${random.below(12) === 0 ? joint : ' '}`;
    words.push(word);
    size += word.length;
  }
  return Buffer.from(words.join(''));
}

let block: Buffer | undefined;

/** The same for all: only its end matters. */
function longText(random: Random): Buffer {
  block ??= filler(random, BLOCK_BYTES + 64 * 1024);
  return block;
}

/** Text, of which other text may stand before and behind. */
function isText({ name, family, missed = false, file }: AnyCarrier): boolean {
  const whole = /packed|UTF/.test(family) || /UTF-16|xlsx|jar|npm package|in a zip/.test(name);
  return !whole && !missed && file === undefined;
}

/** Those in which a line of its own says nothing. */
function isInLine(carrier: AnyCarrier): boolean {
  return isText(carrier) && carrier.name !== 'alone' && !carrier.name.startsWith('CSV');
}

const A_FEW = /^(?:\.env|JSON|Kubernetes secret|URL query|XML nested|fromCharCode|lower|JavaScript, short)$/;

export const POSITIONS: readonly Position[] = [
  {
    name: 'between other lines',
    carriers: isText,
    place: (carrier, random) =>
      Buffer.concat([
        filler(random, 1500),
        Buffer.from('\n\n'),
        carrier,
        Buffer.from('\n'),
        filler(random, 1500),
      ]),
  },
  {
    name: 'at the end of a long file',
    carriers: isText,
    place: (carrier, random) => Buffer.concat([filler(random, 5000), Buffer.from('\n\n'), carrier]),
  },
  {
    name: 'in a very long line',
    carriers: isInLine,
    place: (carrier, random) =>
      Buffer.concat([filler(random, 20_000, ', '), Buffer.from('; '), carrier, filler(random, 5000, ', ')]),
  },
  {
    name: 'over the end of a block',
    carriers: ({ name }) => A_FEW.test(name),
    place: (carrier, random) => {
      const text = longText(random);
      const start = BLOCK_BYTES - random.below(Math.max(1, carrier.length));
      return Buffer.concat([text.subarray(0, start - 2), Buffer.from('\n\n'), carrier, text.subarray(start)]);
    },
  },
];
