/**
 * Reads one picture after the other for ocr.ts, in a thread, with the WebAssembly build of Tesseract from the files that it is told of: nothing is
 * fetched. The library decodes the picture; small print is enlarged before it is read, and light text on dark is turned over.
 */
import { readFileSync } from 'node:fs';
import type { OcrFiles } from './ocr-files.ts';

export interface OcrRequest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly files: OcrFiles;
}

export type OcrAnswer = { readonly table: string; readonly scale: number } | { readonly problem: string };

declare const self: Worker;

/** As much of the library as is used here. */
interface Tesseract {
  readonly FS: { writeFile(path: string, data: Uint8Array): void };
  readonly TessBaseAPI: new () => TesseractApi;
  getValue(address: number, type: 'i8' | 'i32'): number;
  getPointer(object: object): number;
}

interface TesseractApi {
  Init(folder: null, language: string, engine: number): number;
  SetVariable(name: string, value: string): void;
  /** 0 when it could be decoded. */
  SetImageFile(orientation: number, angle: number): number;
  GetInputImage(): Pixels;
  Recognize(monitor: null): number;
  GetTSVText(page: number): string;
}

interface Pixels {
  get_w(): number;
  get_h(): number;
  /** Bits of a pixel. */
  get_d(): number;
  /** Words of four bytes in a row. */
  get_wpl(): number;
  get_data(): number | object;
}

const INPUT = '/input';
const LSTM_ENGINE = 1;
/** Enlarged pictures have at most so many pixels. */
const MOST_ENLARGED = 12_000_000;
const DARK = 110;

let opened: Promise<{ readonly library: Tesseract; readonly api: TesseractApi }> | undefined;

self.addEventListener('message', ({ data }: MessageEvent<OcrRequest>) => {
  void answerTo(data).then((answer) => self.postMessage(answer, []));
});

async function answerTo({ bytes, files }: OcrRequest): Promise<OcrAnswer> {
  try {
    const { library, api } = await (opened ??= open(files));
    library.FS.writeFile(INPUT, bytes);
    if (api.SetImageFile(1, 0) !== 0) return { problem: 'it is damaged' };
    const scale = enlarge(library, api);
    api.Recognize(null);
    return { table: api.GetTSVText(0), scale };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'it is damaged' };
  }
}

async function open({ cores, data }: OcrFiles): Promise<{ library: Tesseract; api: TesseractApi }> {
  const library = await loadCore(cores);
  const { gunzipSync } = process.getBuiltinModule('node:zlib');
  library.FS.writeFile('eng.traineddata', gunzipSync(readFileSync(data)));
  const api = new library.TessBaseAPI();
  if (api.Init(null, 'eng', LSTM_ENGINE) !== 0) throw new Error('what reads pictures could not be started');
  return { library, api };
}

/** The fastest that this processor can run. */
async function loadCore(cores: readonly string[]): Promise<Tesseract> {
  let last: unknown;
  for (const path of cores) {
    try {
      const { default: make } = (await import(path)) as { default: (options: object) => Promise<Tesseract> };
      return await make({ print: () => undefined, printErr: () => undefined });
    } catch (error) {
      last = error;
    }
  }
  throw new Error('what reads pictures could not be loaded', { cause: last });
}

/** Hands the picture in again, in grey, larger and dark on light. Returns how many times larger. */
function enlarge(library: Tesseract, api: TesseractApi): number {
  const { grey, width, height } = greyOf(library, api.GetInputImage());
  if (width === 0) return 1;
  const scale = [3, 2].find((times) => width * height * times * times <= MOST_ENLARGED) ?? 1;
  const isDark = meanOf(grey) < DARK;
  if (scale === 1 && !isDark) return 1;
  const enlarged = interpolated(grey, width, height, scale);
  if (isDark) for (let at = 0; at < enlarged.length; at += 1) enlarged[at] = 255 - (enlarged[at] ?? 0);
  const head = Buffer.from(`P5\n${width * scale} ${height * scale}\n255\n`);
  library.FS.writeFile(INPUT, Buffer.concat([head, enlarged]));
  if (api.SetImageFile(1, 0) !== 0) throw new Error('it could not be enlarged');
  return scale;
}

function greyOf(library: Tesseract, pixels: Pixels): { grey: Uint8Array; width: number; height: number } {
  const [width, height, bits, words] = [pixels.get_w(), pixels.get_h(), pixels.get_d(), pixels.get_wpl()];
  const data = pixels.get_data();
  const start = typeof data === 'number' ? data : library.getPointer(data);
  // Of palettes and the like the library makes what it can by itself.
  if (bits !== 32 && bits !== 8) return { grey: new Uint8Array(0), width: 0, height: 0 };
  const grey = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const row = start + 4 * words * y;
    for (let x = 0; x < width; x += 1)
      grey[y * width + x] =
        bits === 32
          ? brightness(library.getValue(row + 4 * x, 'i32'))
          : library.getValue(row + (x ^ 3), 'i8');
  }
  return { grey, width, height };
}

function brightness(rgba: number): number {
  return ((rgba >>> 24) * 77 + ((rgba >>> 16) & 255) * 150 + ((rgba >>> 8) & 255) * 29) >> 8;
}

function meanOf(grey: Uint8Array): number {
  let sum = 0;
  for (const value of grey) sum += value;
  return sum / Math.max(1, grey.length);
}

function interpolated(grey: Uint8Array, width: number, height: number, scale: number): Uint8Array {
  if (scale === 1) return grey;
  const wide = width * scale;
  const out = new Uint8Array(wide * height * scale);
  for (let y = 0; y < height * scale; y += 1) {
    const [above, below, down] = between(y, scale, height);
    for (let x = 0; x < wide; x += 1) {
      const [left, right, across] = between(x, scale, width);
      const upper = mix(grey[above * width + left] ?? 0, grey[above * width + right] ?? 0, across);
      const lower = mix(grey[below * width + left] ?? 0, grey[below * width + right] ?? 0, across);
      out[y * wide + x] = mix(upper, lower, down);
    }
  }
  return out;
}

/** The two pixels that one of the enlarged picture lies between, and how near it is to the second. */
function between(at: number, scale: number, size: number): [first: number, second: number, share: number] {
  const place = Math.min(size - 1, Math.max(0, (at + 0.5) / scale - 0.5));
  const first = Math.floor(place);
  return [first, Math.min(size - 1, first + 1), place - first];
}

function mix(first: number, second: number, share: number): number {
  return first + (second - first) * share;
}
