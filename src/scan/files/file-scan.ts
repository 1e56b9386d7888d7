/** Scans files of a list, one after the other, and tells a sink. A folder among them is left to whoever lists what is in it. */
import { codeOf } from '../../core/private-file.ts';
import { isContainer } from '../container-kinds.ts';
import { ContentScan, type ContentOptions } from '../content.ts';
import { findingOf } from '../finding.ts';
import { formatOf } from '../formats/format.ts';
import { isLfsPointer } from '../lfs-pointer.ts';
import type { Sink } from '../sink.ts';
import { TextScan } from '../text-scan.ts';
import { FileReader, type LargeFile, type Read } from './file-reader.ts';
import { type NamedFile, pathOf } from './file-names.ts';

/** Larger ones are not opened, only searched as they are. */
const MOST_OPENED_BYTES = 512 * 1024 * 1024;

export interface FileScanOptions extends ContentOptions {
  /** What relative names are below of. */
  readonly cwd: string;
}

export class FileScan implements LargeFile {
  readonly #reader = new FileReader();
  readonly #content: ContentScan;
  readonly #sink: Sink;
  readonly #cwd: string;
  /** For files that come in pieces. */
  readonly #text: TextScan;
  #shown = '';

  constructor(sink: Sink, { cwd, ...options }: FileScanOptions) {
    this.#sink = sink;
    this.#cwd = cwd;
    this.#content = new ContentScan(sink, options);
    const { possible = false, images: _, ...depth } = options;
    this.#text = new TextScan((found, line, column) => {
      if (found.sure || possible) sink.finding(findingOf(found, { path: this.#shown, line, column }));
    }, depth);
  }

  /**
   * Says what it was: a file was scanned, or a problem told. A promise where a content takes its time; wait for it before the next one. `named`:
   * somebody asked for this very file, so that a link is followed.
   */
  scan(file: NamedFile, named = false): Read['is'] | 'unread' | Promise<'whole'> {
    this.#shown = file.shown;
    try {
      const read = this.#reader.read(pathOf(this.#cwd, file), named, this);
      if (read.is === 'whole') {
        this.#sink.looked(1, read.bytes.length);
        if (isLfsPointer(read.bytes))
          this.#sink.problem(`${file.shown} is kept by Git LFS and not here: git lfs pull`);
        const later = this.#content.scan({ path: file.shown, bytes: read.bytes });
        return later ? later.then(() => 'whole' as const) : 'whole';
      }
      if (read.is === 'large') this.#endLarge(read.changed);
      return read.is;
    } catch (error) {
      this.#sink.problem(`${file.shown} cannot be read (${codeOf(error)})`);
      return 'unread';
    }
  }

  begin(head: Buffer, size: number): boolean {
    const opened = isContainer(head) || formatOf(this.#shown, head) !== null;
    if (opened && size <= MOST_OPENED_BYTES) return true;
    if (opened)
      this.#sink.problem(`${this.#shown} was not opened: it is larger than ${MOST_OPENED_BYTES} bytes`);
    this.#sink.looked(1, 0);
    this.#text.start(1);
    return false;
  }

  piece(bytes: Buffer): void {
    this.#sink.looked(0, bytes.length);
    this.#text.add(bytes);
  }

  #endLarge(changed: boolean): void {
    this.#text.end();
    if (changed) this.#sink.problem(`${this.#shown} changed while it was read`);
  }
}
