/**
 * Pictures: what kind one is and how large, from its first bytes, without decoding it; and the text that is in it beside the pixels (chunks of PNG that
 * are compressed, which nothing else would show).
 */

export interface PictureFacts {
  readonly kind: 'png' | 'jpeg' | 'gif' | 'bmp' | 'webp' | 'other';
  /** Zero when it is not known. */
  readonly width: number;
  readonly height: number;
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Null for what is no picture. */
export function pictureFacts(bytes: Buffer): PictureFacts | null {
  if (bytes.length < 26) return null;
  const start = bytes.toString('latin1', 0, 4);
  if (bytes.subarray(0, 8).equals(PNG))
    return { kind: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff)
    return { kind: 'jpeg', ...jpegSize(bytes) };
  if (start === 'GIF8') return { kind: 'gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  if (isBitmap(bytes))
    return { kind: 'bmp', width: Math.abs(bytes.readInt32LE(18)), height: Math.abs(bytes.readInt32LE(22)) };
  if (start === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP')
    return { kind: 'webp', ...webpSize(bytes) };
  const isTiff = start === 'II*\0' || start === 'MM\0*';
  const isHeif = /^ftyp(?:heic|heix|hevc|mif1|avif|avis)$/.test(bytes.toString('latin1', 4, 12));
  return isTiff || isHeif ? { kind: 'other', width: 0, height: 0 } : null;
}

/** Two letters alone are no proof; its length and its head are. */
function isBitmap(bytes: Buffer): boolean {
  return (
    bytes[0] === 0x42 &&
    bytes[1] === 0x4d &&
    bytes.readUInt32LE(2) <= bytes.length &&
    bytes.readUInt32LE(6) === 0 &&
    [12, 40, 52, 56, 64, 108, 124].includes(bytes.readUInt32LE(14))
  );
}

const UNKNOWN = { width: 0, height: 0 };

/** In the first frame header. */
function jpegSize(bytes: Buffer): { width: number; height: number } {
  for (let at = 2; at + 9 <= bytes.length;) {
    if (bytes[at] !== 0xff) return UNKNOWN;
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return UNKNOWN;
}

function webpSize(bytes: Buffer): { width: number; height: number } {
  const chunk = bytes.toString('latin1', 12, 16);
  if (bytes.length < 30) return UNKNOWN;
  if (chunk === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (chunk === 'VP8 ')
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (chunk !== 'VP8L') return UNKNOWN;
  const bits = bytes.readUInt32LE(21);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

const MOST_TEXT_BYTES = 8 * 1024 * 1024;

/** The texts of a PNG that are compressed. Throws when one is damaged or larger than is safe. */
export function* compressedTexts(png: Buffer): Generator<Buffer> {
  const { inflateSync } = process.getBuiltinModule('node:zlib');
  for (let at = PNG.length; at + 12 <= png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    const packed = packedText(type, data);
    if (packed) yield inflateSync(packed, { maxOutputLength: MOST_TEXT_BYTES });
    at += 12 + length;
  }
}

/** What is compressed of a chunk of text, behind its keyword and, in an international one, its flags, language and translated keyword. */
function packedText(type: string, data: Buffer): Buffer | null {
  const keyword = data.indexOf(0);
  if (keyword < 0) return null;
  if (type === 'zTXt') return data.subarray(keyword + 2);
  if (type !== 'iTXt' || data[keyword + 1] !== 1) return null;
  const language = data.indexOf(0, keyword + 3);
  const translated = language < 0 ? -1 : data.indexOf(0, language + 1);
  return translated < 0 ? null : data.subarray(translated + 1);
}
