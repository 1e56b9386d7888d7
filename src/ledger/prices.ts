/**
 * The prices that are in force: the operator's own rows (SALLYPORT_PRICES) before the bundled ones. From the date of an own row on, it says
 * what the model costs, whatever newer rows are bundled later: who states a price means it.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { describe, SallyportError } from '../core/errors.ts';
import { BUNDLED, type ModelPrice, PriceTable } from './price.ts';

export interface PriceFile {
  readonly path: string;
  readonly sha256: string;
  readonly rows: number;
  readonly table: PriceTable;
}

export interface KnownPrice {
  readonly price: ModelPrice;
  /** Path of the operator's file, or null for a bundled row. */
  readonly file: string | null;
  /** This one is in force at the time that was asked about. */
  readonly applies: boolean;
}

const MAX_FILE_BYTES = 1_048_576;

export class Prices {
  readonly #file: PriceFile | null;

  constructor(file: PriceFile | null) {
    this.#file = file;
  }

  /** The price of a model at a wall-clock time, or null when it has none: then no call may be made. */
  priceOf(provider: string, model: string, atMs: number): ModelPrice | null {
    return this.#file?.table.priceOf(provider, model, atMs) ?? BUNDLED.priceOf(provider, model, atMs);
  }

  /** Every row that is about a model, the operator's first and newest first, and which of them applies. */
  rowsOf(model: string, atMs: number): KnownPrice[] {
    const own = this.#file
      ? this.#file.table.rowsOf(model).map((price) => ({ price, file: this.#file?.path ?? null }))
      : [];
    const bundled = BUNDLED.rowsOf(model).map((price) => ({ price, file: null }));
    const rows: KnownPrice[] = [];
    for (const { price, file } of [...own, ...bundled]) {
      rows.push({ price, file, applies: this.priceOf(price.provider, model, atMs) === price });
    }
    return rows;
  }
}

/**
 * Reads the operator's prices. Throws `config.invalid`, which names the row, for a file that cannot be read, that others may change, that
 * is not a list of valid rows, that contradicts itself, or that names a provider there is not. A price of zero is not valid.
 */
export function readPriceFile(path: string, providers: readonly string[]): PriceFile {
  const bytes = readBytes(path);
  let rows: unknown;
  try {
    rows = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw invalid(path, 'is not JSON', describe(error));
  }
  if (!Array.isArray(rows)) throw invalid(path, 'is not a JSON list of price rows');
  let table: PriceTable;
  try {
    table = PriceTable.parse(rows);
  } catch (error) {
    throw error instanceof SallyportError ? invalid(path, `is refused: ${error.message}`) : error;
  }
  const strange = table.providers().find((provider) => !providers.includes(provider));
  if (strange !== undefined) {
    throw invalid(
      path,
      `names the provider "${strange.slice(0, 40)}", which there is not (${providers.join(', ')})`,
    );
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { path, sha256, rows: rows.length, table };
}

function readBytes(path: string): Buffer {
  let bytes: Buffer;
  try {
    const { mode, size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw invalid(path, `is larger than ${MAX_FILE_BYTES} bytes`);
    // Whoever writes prices says how much every budget is worth.
    if ((mode & 0o022) !== 0) throw invalid(path, 'can be changed by others; run: chmod go-w');
    bytes = readFileSync(path);
  } catch (error) {
    throw error instanceof SallyportError ? error : invalid(path, 'cannot be read', describe(error));
  }
  return bytes;
}

function invalid(path: string, what: string, detail?: string): SallyportError {
  return new SallyportError('config.invalid', `SALLYPORT_PRICES: the file ${path} ${what}.`, {
    fix: 'Correct the file, or unset SALLYPORT_PRICES. Its rows have the fields of src/ledger/prices.json; prices are whole pico-USD per token above zero, as strings.',
    ...(detail !== undefined && { detail }),
  });
}
