/** Reads the text in pictures with Tesseract, in a thread; the files that it needs are installed on request (ocr-files.ts). */
import type { OcrFiles } from './ocr-files.ts';
import type { OcrAnswer, OcrRequest } from './ocr-worker.ts';
import { JobThread } from './worker-job.ts';

const TIMEOUT_MS = 120_000;
const thread = new JobThread<OcrAnswer>('ocr-worker', TIMEOUT_MS);

export interface ReadText {
  /** In latin1: a character of a key is never another. */
  readonly text: string;
  /** Where in the picture the character at a place is: from the left, the top; line and column are those of the text. */
  readonly placeOf: (at: number) => { line: number; column: number; left: number; top: number };
}

export interface Word {
  readonly text: string;
  readonly line: string;
  readonly left: number;
  readonly top: number;
}

/** Throws when the picture cannot be read. */
export async function readPicture(bytes: Buffer, files: OcrFiles): Promise<ReadText> {
  const copy = new Uint8Array(bytes);
  const request: OcrRequest = { bytes: copy, files };
  let answer: OcrAnswer | undefined;
  await thread.run({
    request,
    transfer: [copy.buffer],
    onMessage: (message) => {
      answer = message;
      return true;
    },
  });
  if (!answer || 'problem' in answer) throw new Error(answer?.problem ?? 'it was not read');
  return textOf(wordsOf(answer.table, answer.scale));
}

/** Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text. */
export function wordsOf(table: string, scale: number): Word[] {
  return table.split('\n').flatMap((row) => {
    const fields = row.split('\t');
    const text = fields[11];
    if (fields[0] !== '5' || text === undefined || text.trim() === '') return [];
    const [left = 0, top = 0] = [fields[6], fields[7]].map((number) => Math.round(Number(number) / scale));
    return [{ text: plainText(text), line: fields.slice(1, 5).join('.'), left, top }];
  });
}

/** Dashes of typography are read where hyphens stand. */
function plainText(text: string): string {
  return text
    .replaceAll(/[\u2010-\u2015]/g, '-')
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u201c\u201d]/g, '"')
    .replaceAll(/[^ -\u00ff]/g, '?');
}

export function textOf(words: readonly Word[]): ReadText {
  const starts: number[] = [];
  let text = '';
  for (const [index, word] of words.entries()) {
    if (index > 0) text += words[index - 1]?.line === word.line ? ' ' : '\n';
    starts.push(text.length);
    text += word.text;
  }
  return {
    text,
    placeOf: (at) => {
      const index = Math.max(
        0,
        starts.findLastIndex((start) => start <= at),
      );
      const before = text.slice(0, at);
      const { left = 0, top = 0 } = words[index] ?? {};
      return { line: before.split('\n').length, column: at - before.lastIndexOf('\n'), left, top };
    },
  };
}
