/** Pictures of text as people take them: of a terminal and of an editor, light and dark, drawn by a real rasteriser in real fonts. */
import { createCanvas, GlobalFonts, type SKRSContext2D } from '@napi-rs/canvas';
import { fileURLToPath } from 'node:url';

export const FONTS = ['JetBrains Mono', 'Fira Code'] as const;
export type Font = (typeof FONTS)[number];

export interface Screenshot {
  readonly lines: readonly string[];
  readonly look: 'terminal' | 'editor';
  readonly dark: boolean;
  readonly font: Font;
  readonly px: number;
  readonly width?: number;
}

const FILES: Readonly<Record<Font, string>> = {
  'JetBrains Mono': import.meta
    .resolve('@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2'),
  'Fira Code': import.meta.resolve('@fontsource/fira-code/files/fira-code-latin-400-normal.woff2'),
};
const PALETTES = {
  dark: {
    ground: '#1e1e1e',
    text: '#d4d4d4',
    name: '#9cdcfe',
    value: '#ce9178',
    faint: '#858585',
    bar: '#333333',
  },
  light: {
    ground: '#ffffff',
    text: '#333333',
    name: '#0451a5',
    value: '#a31515',
    faint: '#999999',
    bar: '#dddddd',
  },
} as const;

export function screenshot(
  shot: Screenshot,
  type: 'image/png' | 'image/jpeg' | 'image/webp' = 'image/png',
): Buffer {
  for (const font of FONTS)
    if (!GlobalFonts.has(font)) GlobalFonts.registerFromPath(fileURLToPath(FILES[font]), font);
  const { look, dark, font, px, width = 1280 } = shot;
  const colours = dark ? PALETTES.dark : PALETTES.light;
  const height = Math.round(px * 1.5);
  const left = look === 'editor' ? px * 4 : 12;
  const columns = Math.floor((width - left - 12) / (px * 0.6));
  const rows = shot.lines.flatMap((line) => wrapped(line, columns));
  const canvas = createCanvas(width, 40 + height * (rows.length + 1));
  const context = canvas.getContext('2d');
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colours.bar;
  context.fillRect(0, 0, canvas.width, 28);
  context.font = `${px}px "${font}"`;
  context.textBaseline = 'top';
  for (const [index, row] of rows.entries()) {
    const top = 36 + index * height;
    if (look === 'editor') write(context, String(index + 1).padStart(3), 4, top, colours.faint);
    let at = left;
    for (const [piece] of row.matchAll(/\s+|[^\s"'=:]+|./g)) {
      const colour = /^[\w-]{20,}$/.test(piece)
        ? colours.value
        : /^[A-Z_]+$/.test(piece)
          ? colours.name
          : colours.text;
      at += write(context, piece, at, top, colour);
    }
  }
  return type === 'image/png' ? canvas.toBuffer(type) : canvas.toBuffer(type, 90);
}

function write(context: SKRSContext2D, text: string, left: number, top: number, colour: string): number {
  context.fillStyle = colour;
  context.fillText(text, left, top);
  return context.measureText(text).width;
}

/** Wherever the line is full, as terminals and editors do it with a word that is longer than a line. */
function wrapped(line: string, columns: number): string[] {
  const rows: string[] = [];
  for (let at = 0; at === 0 || at < line.length; at += columns) rows.push(line.slice(at, at + columns));
  return rows;
}
