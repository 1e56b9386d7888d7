/**
 * The contents that are more than their bytes: a notebook, a mail, a picture. One table; what opens each is loaded when the first of its kind
 * comes, so that a hook on ordinary files waits for none of it.
 */
import { latin1, standsAt } from '../../detect/bytes.ts';
import type { Found } from '../../detect/deep.ts';
import type { SkippedKind } from '../sink.ts';
import type { OcrFiles } from './ocr-files.ts';
import { isMailbox } from './mbox.ts';

/** A text that is in a file in another form, decoded. */
export interface View {
  readonly bytes: Buffer;
  /** What of the file it is, in a few words: `cell 3, output`. */
  readonly where?: string;
  /** Which bytes of the file a place of the text stands for. Without it, lines are those of the text. */
  readonly placeOf?: (at: number) => number;
  /** Its lines end where the page does, so that a value may go over several. */
  readonly wraps?: boolean;
  /** Texts with the same one say the same in several forms: a value that is in more than one of them is reported once. */
  readonly once?: string;
  /** Behind a `!`, for a text that has a name of its own: an attachment, a part. */
  readonly name?: string;
}

export interface PlaceInside {
  readonly line: number;
  readonly column: number;
  readonly where?: string;
}

/** A file that is opened, and where what is in it goes. */
export interface Parts {
  readonly path: string;
  readonly bytes: Buffer;
  /** What reads text in pictures; null when nobody asked for that. */
  readonly images: OcrFiles | null;
  /** Searches a decoded text. */
  text(view: View): void;
  /** Opens a file that is inside, whatever it is. Wait for it before the next. */
  file(name: string, bytes: Buffer): Promise<void>;
  /** Reports what was read from a picture, which is never sure. */
  fromPicture(found: Found, place: PlaceInside): void;
  /** Something of it was not scanned. */
  problem(why: string): void;
  /** Something was left out because nobody asked for it. */
  skip(kind: SkippedKind): void;
}

/** Opens a file; a throw means that it was not scanned. Its bytes are searched as they are besides, whatever this does. */
export type OpenFormat = (parts: Parts) => void | Promise<void>;

export interface Format {
  /** For messages: `the notebook x.ipynb`. */
  readonly name: string;
  /** Whether its lines mean something by themselves, so that of a change only the new ones count. */
  readonly byLine: boolean;
  readonly load: () => Promise<OpenFormat>;
}

const NOTEBOOK: Format = {
  name: 'notebook',
  byLine: true,
  load: async () => (await import('./notebook.ts')).openNotebook,
};
const MAIL: Format = {
  name: 'mail',
  byLine: false,
  load: async () => (await import('./mail.ts')).openMail,
};
const MAILBOX: Format = {
  name: 'mailbox',
  byLine: false,
  load: async () => (await import('./mail.ts')).openMailbox,
};
const CHAT: Format = {
  name: 'chat export',
  byLine: true,
  load: async () => (await import('./chat.ts')).openChat,
};
const OFFICE: Format = {
  name: 'document',
  byLine: false,
  load: async () => (await import('./office.ts')).openOfficeXml,
};

const IMAGE: Format = {
  name: 'picture',
  byLine: false,
  load: async () => (await import('./image.ts')).openImage,
};
const SQLITE: Format = {
  name: 'database',
  byLine: false,
  load: async () => (await import('./sqlite.ts')).openSqlite,
};
const PDF: Format = {
  name: 'PDF',
  byLine: false,
  load: async () => (await import('./pdf.ts')).openPdf,
};

/** Only in what browsers get: elsewhere its bytes say the same. */
export const SOURCE_MAP: Format = {
  name: 'source map',
  byLine: false,
  load: async () => (await import('./source-map.ts')).openSourceMap,
};

const BY_EXTENSION = new Map<string, Format>([
  ['ipynb', NOTEBOOK],
  ['eml', MAIL],
  ['mht', MAIL],
  ['mhtml', MAIL],
  ['pdf', PDF],
  ...['png', 'jpg', 'jpeg', 'gif', 'webp', 'bmp', 'tif', 'tiff', 'heic', 'avif'].map(
    (extension) => [extension, IMAGE] as const,
  ),
]);
const LONGEST_EXTENSION = 8;
/** Longer than what tells the formats apart. */
export const HEAD_BYTES = 1024;

/** How a file is opened; null for one that is what its bytes are. `head` is its first bytes. */
export function formatOf(path: string, head: Uint8Array): Format | null {
  const byStart = formatByStart(head);
  if (byStart) return byStart;
  const dot = path.lastIndexOf('.');
  if (dot < 0 || path.length - dot > LONGEST_EXTENSION) return null;
  const extension = path.slice(dot + 1).toLowerCase();
  if (extension === 'json') return isChat(path, head) ? CHAT : null;
  if (extension === 'xml') return IN_OFFICE.test(path) ? OFFICE : null;
  return BY_EXTENSION.get(extension) ?? null;
}

/** By where it is in the archive, whatever that is called. */
const IN_OFFICE = /!(?:(?:word|xl|ppt)\/[^!]*|content|styles|meta)\.xml$/i;
/** A channel's folder and a day. */
const SLACK_DAY = /[/!][^/!]+\/\d{4}-\d{2}-\d{2}\.json$/;
/** Discord, Telegram, Teams. */
const CHAT_STARTS = [
  /"guild"[^]*"channel"/,
  /"type": ?"\w+"[^]*"messages"/,
  /graph\.microsoft\.com[^]*hatMessage/,
];

function isChat(path: string, head: Uint8Array): boolean {
  if (SLACK_DAY.test(`/${path}`)) return true;
  const text = latin1(head, 0, Math.min(HEAD_BYTES, head.length));
  return CHAT_STARTS.some((start) => start.test(text));
}

const PICTURE_STARTS = ['\u0089PNG', '\u00ff\u00d8\u00ff', 'GIF8'];
const MAIL_STARTS = ['Return-Path: ', 'Received: ', 'Delivered-To: ', 'X-Original-To: '];

function formatByStart(head: Uint8Array): Format | null {
  switch (head[0]) {
    case 0x89:
    case 0xff:
    case 0x47: // G
      return PICTURE_STARTS.some((start) => standsAt(head, 0, start)) ? IMAGE : null;
    case 0x25: // %
      return standsAt(head, 0, '%PDF-') ? PDF : null;
    case 0x46: // F
      return isMailbox(head) ? MAILBOX : null;
    case 0x53: // S
      return standsAt(head, 0, 'SQLite format 3\0') ? SQLITE : null;
    case 0x52: // R
      if (standsAt(head, 0, 'RIFF') && standsAt(head, 8, 'WEBP')) return IMAGE;
      return isMail(head) ? MAIL : null;
    case 0x44: // D
    case 0x58: // X
      return isMail(head) ? MAIL : null;
    default:
      return null;
  }
}

function isMail(head: Uint8Array): boolean {
  return MAIL_STARTS.some((start) => standsAt(head, 0, start));
}
