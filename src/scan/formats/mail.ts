/**
 * Mail: the decoded text, HTML and headers of a message, and its attachments as files, messages in messages included. A mailbox is opened message by
 * message, so that no more than one is decoded at a time.
 */
import PostalMime, { type Email } from 'postal-mime';
import type { Parts } from './format.ts';
import { textOfMarkup } from './markup.ts';
import { messagesOf } from './mbox.ts';

const MOST_MESSAGE_BYTES = 128 * 1024 * 1024;
const MOST_NESTED = 100;

export async function openMailbox(parts: Parts): Promise<void> {
  let number = 0;
  for (const message of messagesOf(parts.bytes)) {
    number += 1;
    await parts.file(`message ${number}.eml`, message);
  }
}

export async function openMail(parts: Parts): Promise<void> {
  if (parts.bytes.length > MOST_MESSAGE_BYTES) throw new Error('it is too large');
  const mail = await PostalMime.parse(parts.bytes, {
    forceRfc822Attachments: true,
    maxNestingDepth: MOST_NESTED,
  });
  const where = whereOf(mail);
  // An address of its own for each part: `x.eml!text`.
  parts.text({ bytes: headersOf(mail), name: 'headers', where, once: 'headers' });
  if (mail.text !== undefined)
    parts.text({ bytes: Buffer.from(mail.text), name: 'text', where, once: 'body' });
  if (mail.html !== undefined) {
    const html = Buffer.from(mail.html);
    parts.text({ bytes: textOfMarkup(html), name: 'html', where, once: 'body' });
    // As it is, for what stands in attributes.
    parts.text({ bytes: html, name: 'html', where, once: 'body' });
  }
  for (const [index, { filename, mimeType, content }] of mail.attachments.entries()) {
    if (/^application\/(?:pgp-encrypted|(?:x-)?pkcs7-mime)$/.test(mimeType))
      parts.problem(`${parts.path} was not read: it is encrypted`);
    const name = filename ?? `part ${index + 1}${extensionOf(mimeType)}`;
    await parts.file(name, typeof content === 'string' ? Buffer.from(content) : bufferOf(content));
  }
}

function bufferOf(content: ArrayBuffer | Uint8Array): Buffer {
  return content instanceof Uint8Array
    ? Buffer.from(content.buffer, content.byteOffset, content.length)
    : Buffer.from(content);
}

function headersOf(mail: Email): Buffer {
  const lines = mail.headers.map(({ originalKey, value }) => `${originalKey}: ${value}`);
  return Buffer.from([`Subject: ${mail.subject ?? ''}`, ...lines].join('\n'));
}

function extensionOf(mimeType: string): string {
  if (mimeType === 'message/rfc822') return '.eml';
  const kind = /^(?:image|application)\/(png|jpeg|gif|webp|pdf|zip)$/.exec(mimeType)?.[1];
  return kind === undefined ? '' : `.${kind}`;
}

/** When and from whom: enough to find it in a mail program. */
function whereOf({ date, from }: Email): string {
  const sender = from?.address ? [`from ${from.address}`] : [];
  return ['mail', ...(date === undefined ? [] : [`of ${date}`]), ...sender].join(' ');
}
