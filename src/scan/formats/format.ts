/**
 * The contents that are more than their bytes: a notebook, a mail, a picture. One table; what opens each is loaded when the first of its kind
 * comes, so that a hook on ordinary files waits for none of it.
 */
import type { Found } from '../../detect/deep.ts';
import type { SkippedKind } from '../sink.ts';

/** A text that is in a file in another form, decoded. */
export interface View {
  readonly bytes: Buffer;
  /** What of the file it is, in a few words: `cell 3, output`. */
  readonly where?: string;
  /** Which bytes of the file a place of the text stands for. Without it, lines are those of the text. */
  readonly placeOf?: (at: number) => number;
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
  /** Whether text in pictures is to be read. */
  readonly images: boolean;
  /** Searches a decoded text. */
  text(view: View): void;
  /** Opens a file that is inside, whatever it is. Wait for it before the next. */
  file(name: string, bytes: Buffer): Promise<void>;
  /** Reports what the format found by itself, whether or not it is sure. */
  found(found: Found, place: PlaceInside): void;
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

const BY_EXTENSION = new Map<string, Format>([['ipynb', NOTEBOOK]]);
const LONGEST_EXTENSION = 8;

/** How a file is opened; null for one that is what its bytes are. Its first bytes are enough. */
export function formatOf(path: string): Format | null {
  const dot = path.lastIndexOf('.');
  if (dot < 0 || path.length - dot > LONGEST_EXTENSION) return null;
  return BY_EXTENSION.get(path.slice(dot + 1).toLowerCase()) ?? null;
}
