/** Reads one PDF after the other for pdf.ts, in a thread: text, notes, metadata and files of each; images as PNG when they are asked for. */
import { extractImages, getDocumentProxy } from 'unpdf';
import { encodePng } from './png.ts';

export interface PdfRequest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly images: boolean;
  /** Of text and files together. */
  readonly mostBytes: number;
}

export type PdfMessage =
  | { readonly kind: 'text'; readonly where: string; readonly text: string }
  | { readonly kind: 'file'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'problem'; readonly why: string }
  | { readonly kind: 'end' };

declare const self: Worker;
type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;
type Page = Awaited<ReturnType<Pdf['getPage']>>;

const MOST_PAGES = 20_000;
const MOST_PIXELS = 50_000_000;

self.addEventListener('message', ({ data }: MessageEvent<PdfRequest>) => void answer(data));

async function answer(request: PdfRequest): Promise<void> {
  try {
    await readPdf(request);
  } catch (error) {
    tell({ kind: 'problem', why: whyOf(error) });
  }
  tell({ kind: 'end' });
}

function tell(message: PdfMessage): void {
  self.postMessage(message, []);
}

function whyOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'PasswordException') return 'it is encrypted';
  // What the reader says may quote the file.
  return name === 'TooMuch' ? message : 'it is damaged';
}

class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

async function readPdf({ bytes, images, mostBytes }: PdfRequest): Promise<void> {
  const pdf = await getDocumentProxy(bytes, { verbosity: 0, stopAtErrors: true });
  let bytesLeft = mostBytes;
  const take = (size: number): void => {
    bytesLeft -= size;
    if (bytesLeft < 0) throw new TooMuch('there is too much in it');
  };
  const text = (where: string, content: string): void => {
    take(content.length);
    if (content !== '') tell({ kind: 'text', where, text: content });
  };
  try {
    if (pdf.numPages > MOST_PAGES) throw new TooMuch('it has too many pages');
    text('properties', await propertiesOf(pdf));
    for (const file of await attachmentsOf(pdf)) {
      take(file.bytes.length);
      tell({ kind: 'file', ...file });
    }
    for (let number = 1; number <= pdf.numPages; number += 1) {
      const page = await pdf.getPage(number);
      text(`page ${number}`, await textOf(page));
      text(`page ${number}, notes and links`, await notesOf(page));
      if (images)
        for (const image of await imagesOf(pdf, number)) {
          take(image.bytes.length);
          tell({ kind: 'file', ...image });
        }
      page.cleanup();
    }
  } finally {
    await pdf.loadingTask.destroy();
  }
}

async function textOf(page: Page): Promise<string> {
  const { items } = await page.getTextContent({ disableNormalization: true });
  return items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join('');
}

/** The strings of whatever the reader hands out, each on a line. */
async function notesOf(page: Page): Promise<string> {
  return stringsIn(await page.getAnnotations()).join('\n');
}

async function propertiesOf(pdf: Pdf): Promise<string> {
  const { info, metadata } = await pdf.getMetadata();
  // It is null where a document has none, which its type does not say.
  const xmp = (metadata as { getRaw?(): string } | null)?.getRaw?.() ?? '';
  const rest = [await pdf.getOutline(), await pdf.getJSActions(), await pdf.getFieldObjects()];
  return [...stringsIn([info, ...rest]), xmp].filter((one) => one !== '').join('\n');
}

const MOST_DEPTH = 20;
const MOST_STRINGS = 100_000;

function stringsIn(value: unknown): string[] {
  const strings: string[] = [];
  const visit = (one: unknown, depth: number): void => {
    if (depth > MOST_DEPTH || strings.length > MOST_STRINGS) return;
    if (typeof one === 'string') strings.push(one);
    else if (typeof one === 'object' && one !== null && !ArrayBuffer.isView(one))
      for (const inner of one instanceof Map ? one.values() : Object.values(one)) visit(inner, depth + 1);
  };
  visit(value, 0);
  return strings;
}

interface Attached {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function attachmentsOf(pdf: Pdf): Promise<Attached[]> {
  const attached: Attached[] = [];
  for (const [id, { filename }] of (await pdf.getAttachments()) ?? []) {
    const bytes: unknown = await pdf.getAttachmentContent(id);
    if (bytes instanceof Uint8Array) attached.push({ name: filename, bytes });
    else tell({ kind: 'problem', why: 'a file that is attached to it is damaged' });
  }
  return attached;
}

async function imagesOf(pdf: Pdf, number: number): Promise<{ name: string; bytes: Uint8Array }[]> {
  const images = await extractImages(pdf, number);
  return images.map(({ data, width, height, channels }, index) => {
    if (width * height > MOST_PIXELS) throw new TooMuch('an image in it is too large');
    return {
      name: `page ${number} image ${index + 1}.png`,
      bytes: encodePng(data, width, height, channels),
    };
  });
}
