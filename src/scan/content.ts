/**
 * One file's content, wherever it comes from: a folder, an object of git, a mail. What is inside it is opened, and each part is scanned as a file
 * of its own. Every source hands its files over here, so that all see the same.
 */
import type { Depth } from '../detect/deep.ts';
import { describe } from '../core/errors.ts';
import { causeOfContent } from './causes.ts';
import { isContainer } from './container-kinds.ts';
import { eachEntry, type Entry } from './containers.ts';
import { eachInNames, type NamedFile } from './files/file-names.ts';
import { type Finding, findingOf, type Place } from './finding.ts';
import type { OcrFiles } from './formats/ocr-files.ts';
import { type Format, formatOf, SOURCE_MAP } from './formats/format.ts';
import type { Sink } from './sink.ts';
import { TextScan } from './text-scan.ts';

/** How closely is looked. */
export interface Look extends Depth {
  /** With it the text in pictures is read, which takes about a second each. */
  readonly images?: OcrFiles | undefined;
}

export interface ContentOptions extends Look {
  /** Reports what only may be a secret too: for text that is new, where a false alarm is cheap. */
  readonly possible?: boolean;
  /** It is what browsers get: the sources that maps carry are opened. */
  readonly bundle?: boolean;
}

export interface Content {
  /** As it is reported; the names of what is inside are added with `!`. */
  readonly path: string;
  readonly bytes: Buffer;
  /** The commit that the content is reported for, where it comes from a history. */
  readonly commit?: string;
}

/** Of everything that is opened in one content, however deep. */
interface Budget {
  bytes: number;
  files: number;
}

/** Where findings of one content go. */
interface Target {
  readonly report: (finding: Finding) => void;
  readonly commit: string | undefined;
  /** The outermost file. */
  readonly file: string;
  readonly budget: Budget;
  /** How many files it is inside of. */
  readonly depth: number;
}

interface Late extends Entry {
  readonly format: Format;
}

const SEPARATOR = '!';
const MOST_BYTES = 512 * 1024 * 1024;
const MOST_FILES = 100_000;
const MOST_DEPTH = 8;

export class ContentScan {
  readonly #sink: Sink;
  readonly #options: ContentOptions;
  readonly #text: TextScan;
  #path = '';
  #bytes: Buffer = Buffer.alloc(0);
  #target: Target | undefined;

  constructor(sink: Sink, options: ContentOptions = {}) {
    this.#sink = sink;
    this.#options = options;
    const { possible = false, images: _, bundle: __, ...depth } = options;
    this.#text = new TextScan((found, line, column) => {
      const target = this.#target;
      if (target && (found.sure || possible))
        target.report(this.#explained(findingOf(found, placeIn(target, this.#path, { line, column }))));
    }, depth);
  }

  /**
   * Does not count it: what a source counts as a file is up to the source. Returns a promise when something in it takes its time; wait for it
   * before the next one, because the bytes are held until then.
   */
  scan({ path, bytes, commit }: Content): void | Promise<void> {
    const budget = { bytes: MOST_BYTES, files: MOST_FILES };
    return this.#open(
      { path, bytes },
      { commit, file: path, budget, depth: 0, report: (finding) => this.#sink.finding(finding) },
    );
  }

  #open(entry: Entry, target: Target): void | Promise<void> {
    if (!isContainer(entry.bytes)) {
      const format = this.#formatOf(entry);
      if (format) return this.#openLate([{ ...entry, format }], target);
      this.#scanText(entry, target);
      return;
    }
    const late: Late[] = [];
    const names: NamedFile[] = [];
    eachEntry(
      entry.path,
      entry.bytes,
      (inner) => {
        if (inner.path.length > entry.path.length)
          names.push({ shown: inner.path.slice(entry.path.length + 1) });
        const format = this.#formatOf(inner);
        if (format) late.push({ ...inner, format });
        else this.#scanText(inner, target);
      },
      (problem) => this.#sink.problem(problem),
    );
    this.#scanNames(entry.path, names, target);
    if (late.length > 0) return this.#openLate(late, target);
  }

  /** Of what is in an archive. */
  #scanNames(holder: string, names: readonly NamedFile[], target: Target): void {
    const { possible = false, images: _, bundle: __, ...depth } = this.#options;
    eachInNames(names, depth, (found, name) => {
      const place = placeIn(target, `${holder}${SEPARATOR}${name}`, { line: 0, column: 0 });
      if (found.sure || possible) target.report(findingOf(found, place));
    });
  }

  #formatOf({ path, bytes }: Entry): Format | null {
    return this.#options.bundle && /\.map$/i.test(path) ? SOURCE_MAP : formatOf(path, bytes);
  }

  async #openLate(entries: Late[], target: Target): Promise<void> {
    // One after the other; what is done is let go.
    for (let entry = entries.shift(); entry; entry = entries.shift()) await this.#openFormat(entry, target);
  }

  async #openFormat({ path, bytes, format }: Late, target: Target): Promise<void> {
    const { possible = false, images = null, ...depth } = this.#options;
    const { Opening } = await import('./opening.ts');
    const opening = new Opening({
      path,
      bytes,
      images,
      depth,
      possible,
      placeIn: (inner, place) => placeIn(target, inner, place),
      report: target.report,
      problem: (text) => this.#sink.problem(text),
      skip: (kind) => this.#sink.skip(kind, 1),
      open: (name, inner, report) => this.#openInside({ path, bytes }, name, inner, { ...target, report }),
    });
    try {
      await (
        await format.load()
      )(opening);
    } catch (error) {
      this.#sink.problem(`the ${format.name} ${path} was not opened: ${describe(error)}`);
    }
    // As it is, it may hold something that no part of it shows.
    this.#scanText(
      { path, bytes },
      { ...target, report: (finding) => opening.isNew(finding) && target.report(finding) },
    );
  }

  async #openInside(
    { path, bytes: holder }: Entry,
    name: string,
    bytes: Buffer,
    target: Target,
  ): Promise<void> {
    const { budget, depth } = target;
    // What is only a part of bytes that are held anyway takes no room.
    if (bytes.buffer !== holder.buffer) budget.bytes -= bytes.length;
    budget.files -= 1;
    const inner = `${path}${SEPARATOR}${name}`;
    if (budget.bytes < 0 || budget.files < 0)
      this.#sink.problem(`${inner} was not opened: there is too much in it`);
    else if (depth >= MOST_DEPTH) this.#sink.problem(`${inner} was not opened: it is inside too many files`);
    else await this.#open({ path: inner, bytes }, { ...target, depth: depth + 1 });
  }

  #explained(finding: Finding): Finding {
    const cause = finding.cause ?? causeOfContent(this.#path, this.#bytes);
    return cause === undefined ? finding : { ...finding, cause };
  }

  #scanText({ path, bytes }: Entry, target: Target): void {
    this.#path = path;
    this.#bytes = bytes;
    this.#target = target;
    this.#text.whole(bytes);
  }
}

function placeIn({ commit, file }: Target, path: string, place: Omit<Place, 'path'>): Place {
  return {
    path,
    ...place,
    ...(commit === undefined ? {} : { commit }),
    ...(path === file ? {} : { file }),
  };
}
