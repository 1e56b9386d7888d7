/**
 * How much of the corpus the scanner finds: for each provider and each carrier, in every place of a file; and whether it finds anything in what is no key.
 * `npm run bench:recall -- --seed 7 --per-cell 5`. Ends with 1 when it is below the aims.
 */
import { parseArgs } from 'node:util';
import { findDeep } from '../src/detect/deep.ts';
import { carrierOf, type Cell, evaluate, recallBy, shapeOf } from '../test/scan/corpus/evaluate.ts';
import { NEGATIVES } from '../test/scan/corpus/negatives.ts';
import { POSITIONS } from '../test/scan/corpus/positions.ts';
import { Random } from '../test/scan/corpus/random.ts';

const PLAIN_AIM = 0.99;
const ENCODED_AIM = 0.95;
const NEGATIVES_PER_KIND = 200;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    'per-cell': { type: 'string', default: '3' },
  },
});
const seed = numberOf('seed', values.seed);
const perCell = numberOf('per-cell', values['per-cell']);
let below = 0;

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  process.stderr.write(`--${name} takes a number from 1 on, not ${text}\n`);
  process.exit(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(8);
}

function table(title: string, cells: readonly Cell[], aim: number, nameOf: (cell: Cell) => string): void {
  print(`\n${title}`);
  for (const [name, share] of recallBy(cells, nameOf)) {
    if (share < aim) below += 1;
    print(`${percent(share)}${share < aim ? '  below the aim' : ''}  ${name}`);
  }
}

function total(cells: readonly Cell[]): string {
  const [found, tried] = cells.reduce(([a, b], cell) => [a + cell.found, b + cell.tried], [0, 0]);
  return `${found} of ${tried}`;
}

const cells = await evaluate({ seed, perCell });
const plain = cells.filter(({ encoded }) => !encoded);
const encoded = cells.filter((cell) => cell.encoded && !cell.carrier.missed);
const missed = cells.filter(({ carrier }) => carrier.missed);
print(`seed ${seed}, ${perCell} keys a cell: ${cells.length} cells`);
print(`as they stand: ${total(plain)}; encoded: ${total(encoded)}`);
for (const unseen of [false, true]) {
  const of = (list: readonly Cell[]): Cell[] =>
    list.filter(({ carrier }) => (carrier.unseen ?? false) === unseen);
  print(
    `${unseen ? 'carriers that were tried last' : 'other carriers'}: ${total(of(plain))}; encoded: ${total(of(encoded))}`,
  );
}
table('Providers, as they stand', plain, PLAIN_AIM, shapeOf);
table('Providers, encoded', encoded, ENCODED_AIM, shapeOf);
table('Carriers, as they stand', plain, PLAIN_AIM, carrierOf);
table('Carriers, encoded', encoded, ENCODED_AIM, carrierOf);
print('\nNot seen through');
for (const [name, share] of recallBy(missed, carrierOf)) print(`${percent(share)}  ${name}`);

print('\nPlaces of a file');
for (const position of POSITIONS) {
  const placed = await evaluate({ seed, perCell: 1, position, carriers: position.carriers });
  const share = recallBy(placed, () => '').get('') ?? 0;
  if (share < PLAIN_AIM) below += 1;
  print(`${percent(share)}${share < PLAIN_AIM ? '  below the aim' : ''}  ${position.name}`);
}

print('\nWhat is no key');
for (const { name, write } of NEGATIVES) {
  const random = new Random(seed, name);
  let found = 0;
  for (let round = 0; round < NEGATIVES_PER_KIND; round += 1)
    found += findDeep(Buffer.from(write(random))).length;
  if (found > 0) below += 1;
  print(`${String(found).padStart(8)} found  ${name}`);
}
print(below === 0 ? '\nall aims are met' : `\n${below} rows are below the aims`);
process.exitCode = below === 0 ? 0 : 1;
