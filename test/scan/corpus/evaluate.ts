/** What the scanner makes of the corpus: for each shape and carrier, how many keys it reports as what they are, with their own value. */
import { RULES } from '../../../src/detect/rules.ts';
import { ContentScan } from '../../../src/scan/content.ts';
import { type Finding, fingerprintOf } from '../../../src/scan/finding.ts';
import { Collector } from '../../../src/scan/sink.ts';
import { CARRIERS, type Slot } from './carriers.ts';
import { ENCODINGS } from './encodings.ts';
import type { Position } from './positions.ts';
import { Random } from './random.ts';
import { type KeyShape, SHAPES } from './shapes.ts';

export interface AnyCarrier {
  readonly name: string;
  readonly family: string;
  readonly write: (slot: Slot) => string | Buffer;
  /** Its name, where what is in it goes by that. */
  readonly file?: string;
  readonly nameless?: boolean;
  readonly unseen?: boolean;
  readonly missed?: boolean;
}

export interface Cell {
  readonly shape: KeyShape;
  readonly carrier: AnyCarrier;
  readonly encoded: boolean;
  tried: number;
  found: number;
  /** What was made of those that were missed. */
  readonly missed: Uint8Array[];
}

/** As every source has a file scanned. */
export async function scanFile(path: string, bytes: Buffer): Promise<readonly Finding[]> {
  const collector = new Collector();
  await new ContentScan(collector).scan({ path, bytes });
  return collector.findings;
}

const BY_ID = new Map(RULES.map((rule) => [rule.id, rule]));

/** Whether the key is reported, surely, by its own rule and with its own value. */
function isReported(found: readonly Finding[], shape: KeyShape, key: string): boolean {
  const rule = BY_ID.get(shape.rule);
  if (!rule) throw new RangeError(`there is no rule ${shape.rule}`);
  const fingerprint = fingerprintOf(rule, key);
  return found.some(
    (finding) => finding.sure && finding.rule.id === rule.id && finding.fingerprint === fingerprint,
  );
}

export interface Choice {
  readonly seed: number;
  readonly perCell: number;
  /** Where in a larger file the carrier stands; it is the whole file if left out. */
  readonly position?: Position | undefined;
  /** Only carriers in which the key is encoded, or only such in which it is not. */
  readonly encoded?: boolean;
  /** Which carriers; all of them if left out. */
  readonly carriers?: (carrier: AnyCarrier) => boolean;
}

export async function evaluate({
  seed,
  perCell,
  position,
  encoded: wanted,
  carriers = () => true,
}: Choice): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const shape of SHAPES) {
    for (const [encoded, list] of [
      [false, CARRIERS],
      [true, ENCODINGS],
    ] as const) {
      if (wanted !== undefined && wanted !== encoded) continue;
      for (const carrier of list as readonly AnyCarrier[]) {
        if ((carrier.nameless && shape.byContext) || !carriers(carrier)) continue;
        cells.push(await evaluateCell(shape, carrier, encoded, { seed, perCell, position }));
      }
    }
  }
  return cells;
}

async function evaluateCell(
  shape: KeyShape,
  carrier: AnyCarrier,
  encoded: boolean,
  { seed, perCell, position }: Pick<Choice, 'seed' | 'perCell' | 'position'>,
): Promise<Cell> {
  const random = new Random(seed, shape.name, carrier.family, carrier.name, position?.name ?? '');
  const cell: Cell = { shape, carrier, encoded, tried: 0, found: 0, missed: [] };
  for (let round = 0; round < perCell; round += 1) {
    const key = shape.make(random);
    const written = Buffer.from(
      carrier.write({ key, name: random.pick(shape.names), vendor: shape.vendor, random }),
    );
    const bytes = position?.place(written, random) ?? written;
    cell.tried += 1;
    if (isReported(await scanFile(carrier.file ?? 'file', bytes), shape, key)) cell.found += 1;
    else cell.missed.push(bytes);
  }
  return cell;
}

/** By name of what the cells are grouped by, from the worst to the best: which share of the keys was found. */
export function recallBy(cells: readonly Cell[], nameOf: (cell: Cell) => string): Map<string, number> {
  const sums = new Map<string, { found: number; tried: number }>();
  for (const cell of cells) {
    const sum = sums.get(nameOf(cell)) ?? { found: 0, tried: 0 };
    sum.found += cell.found;
    sum.tried += cell.tried;
    sums.set(nameOf(cell), sum);
  }
  const shares = [...sums].map(([name, { found, tried }]) => [name, found / tried] as const);
  return new Map(shares.sort((a, b) => a[1] - b[1]));
}

export function carrierOf({ carrier }: Cell): string {
  return `${carrier.family}: ${carrier.name}`;
}

export function shapeOf({ shape }: Cell): string {
  return shape.name;
}
