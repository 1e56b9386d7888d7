/**
 * Jupyter notebooks: source and outputs as the text that they stand for (the lines of a cell are strings of an array, between which a value may be
 * cut), with the cell that each is in. Pictures and documents in outputs and attachments are opened as files.
 */
import type { Parts } from './format.ts';
import { eachJsonString, JoinedStrings, type JsonPath } from './json-strings.ts';

/** Shorter texts hold no value. */
const LEAST_TEXT = 20;
const FILE_TYPES: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'application/pdf': 'pdf',
};

interface Piece {
  /** The path of the string, or of the array that it is a line of. */
  readonly key: string;
  readonly where: string;
  /** The kind of file that it holds in base64. */
  readonly type: string | undefined;
  readonly text: JoinedStrings;
}

export async function openNotebook(parts: Parts): Promise<void> {
  const files: { readonly name: string; readonly bytes: Buffer }[] = [];
  let piece: Piece | undefined;
  const finish = (): void => {
    if (!piece || piece.text.size < LEAST_TEXT) return;
    const { where, type, text } = piece;
    if (type === undefined) parts.text({ bytes: text.text, where, placeOf: text.placeOf });
    else {
      const bytes = Buffer.from(text.text.toString('latin1'), 'base64');
      files.push({ name: `${where.replaceAll(', ', '-').replaceAll(' ', '-')}.${type}`, bytes });
    }
  };
  eachJsonString(parts.bytes, (path, string) => {
    const key = keyOf(path);
    if (piece?.key !== key) {
      finish();
      piece = {
        key,
        where: whereOf(path),
        type: FILE_TYPES[String(path[keyLength(path) - 1])],
        text: new JoinedStrings(parts.bytes),
      };
    }
    piece.text.add(string);
  });
  finish();
  for (const { name, bytes } of files) await parts.file(name, bytes);
}

function keyLength(path: JsonPath): number {
  return typeof path.at(-1) === 'number' ? path.length - 1 : path.length;
}

function keyOf(path: JsonPath): string {
  return path.slice(0, keyLength(path)).join('\0');
}

/** Cells are counted from 1; in the first versions of the format they are in worksheets. */
function whereOf(path: JsonPath): string {
  const at = path.indexOf('cells');
  const cell = at < 0 ? undefined : path[at + 1];
  if (typeof cell !== 'number') return 'metadata';
  const kind = path[at + 2];
  const what =
    kind === 'source' || kind === 'input'
      ? 'source'
      : kind === 'outputs'
        ? 'output'
        : kind === 'attachments'
          ? 'attachment'
          : 'metadata';
  const number =
    kind === 'outputs' && typeof path[at + 3] === 'number' && path[at + 3] !== 0
      ? ` ${Number(path[at + 3]) + 1}`
      : '';
  return `cell ${cell + 1}, ${what}${number}`;
}
