/**
 * One file's content, wherever it comes from: a folder, an object of git, a mail. What is inside it (an archive) is opened, and each part is
 * scanned as a file of its own. Every source hands its files over here, so that all see the same.
 */
import type { Depth } from '../detect/deep.ts';
import { eachEntry, type Entry, isContainer } from './containers.ts';
import { findingOf } from './finding.ts';
import type { Sink } from './sink.ts';
import { TextScan } from './text-scan.ts';

export interface ContentOptions extends Depth {
  /** Reports what only may be a secret too: for text that is new, where a false alarm is cheap. */
  readonly possible?: boolean;
}

export interface Content {
  /** As it is reported; the names of what is inside are added with `!`. */
  readonly path: string;
  readonly bytes: Buffer;
  /** The commit that the content is reported for, where it comes from a history. */
  readonly commit?: string;
}

export class ContentScan {
  readonly #sink: Sink;
  readonly #text: TextScan;
  #path = '';
  /** The file that all of it is in. */
  #file = '';
  #commit: string | undefined;

  constructor(sink: Sink, { possible = false, ...depth }: ContentOptions = {}) {
    this.#sink = sink;
    this.#text = new TextScan((found, line, column) => {
      if (!found.sure && !possible) return;
      sink.finding(
        findingOf(found, {
          path: this.#path,
          line,
          column,
          ...(this.#commit === undefined ? {} : { commit: this.#commit }),
          ...(this.#file === this.#path ? {} : { file: this.#file }),
        }),
      );
    }, depth);
  }

  /** Does not count it: what a source counts as a file is up to the source. */
  scan({ path, bytes, commit }: Content): void {
    this.#commit = commit;
    this.#file = path;
    if (isContainer(bytes)) {
      eachEntry(
        path,
        bytes,
        (entry) => this.#scanText(entry),
        (problem) => this.#sink.problem(problem),
      );
    } else this.#scanText({ path, bytes });
  }

  #scanText({ path, bytes }: Entry): void {
    this.#path = path;
    this.#text.start(1);
    this.#text.add(bytes);
    this.#text.end();
  }
}
