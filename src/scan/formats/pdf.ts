/**
 * PDF: the text of each page, whatever its filters and fonts, also where a value goes over the end of a line; notes, links, form fields and properties;
 * attached files; images with `--images`. What a page shows as pixels or outlines only, no text says.
 */
import type { Parts } from './format.ts';
import type { PdfMessage, PdfRequest } from './pdf-worker.ts';
import { JobThread } from './worker-job.ts';

const TIMEOUT_MS = 60_000;
const MOST_BYTES = 256 * 1024 * 1024;
const thread = new JobThread<PdfMessage>('pdf-worker', TIMEOUT_MS);

export async function openPdf(parts: Parts): Promise<void> {
  const files: { readonly name: string; readonly bytes: Buffer }[] = [];
  const bytes = new Uint8Array(parts.bytes);
  const request: PdfRequest = { bytes, images: parts.images !== null, mostBytes: MOST_BYTES };
  await thread.run({
    request,
    transfer: [bytes.buffer],
    onMessage: (message) => {
      if (message.kind === 'text')
        parts.text({ bytes: Buffer.from(message.text), where: message.where, wraps: true });
      else if (message.kind === 'file') files.push({ name: message.name, bytes: Buffer.from(message.bytes) });
      else if (message.kind === 'problem')
        parts.problem(`${parts.path} was not read as a PDF: ${message.why}`);
      return message.kind === 'end';
    },
  });
  for (const { name, bytes: content } of files) await parts.file(name, content);
  if (!parts.images) for (let count = imagesIn(parts.bytes); count > 0; count -= 1) parts.skip('images');
}

/** An image is a stream, whose head is never compressed. */
function imagesIn(bytes: Buffer): number {
  let count = 0;
  for (const text of ['/Subtype/Image', '/Subtype /Image'])
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) count += 1;
  return count;
}
