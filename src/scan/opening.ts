/**
 * A file that a format opens: what it shows is searched, and remembered, so that the search of the file's own bytes, which follows, reports only what
 * the format did not show.
 */
import { type Depth, findDeep, type Found } from '../detect/deep.ts';
import type { Secret } from '../core/secret.ts';
import { type Finding, findingOf, type Place } from './finding.ts';
import type { OcrFiles } from './formats/ocr-files.ts';
import type { Parts, PlaceInside, View } from './formats/format.ts';
import { LineIndex } from './line-index.ts';
import { markBehind } from './line-mark.ts';
import type { SkippedKind } from './sink.ts';
import type { MarkedFound } from './text-scan.ts';
import { joinLines } from './wrapped-text.ts';

export interface OpeningDeps {
  readonly path: string;
  readonly bytes: Buffer;
  readonly images: OcrFiles | null;
  readonly depth: Depth;
  readonly possible: boolean;
  readonly placeIn: (path: string, place: Omit<Place, 'path'>) => Place;
  readonly report: (finding: Finding) => void;
  readonly problem: (text: string) => void;
  readonly skip: (kind: SkippedKind) => void;
  readonly open: (name: string, bytes: Buffer, report: (finding: Finding) => void) => Promise<void>;
}

const MOST_COMPARED = 1000;

export class Opening implements Parts {
  readonly path: string;
  readonly bytes: Buffer;
  readonly images: OcrFiles | null;
  readonly #deps: OpeningDeps;
  readonly #lines: LineIndex;
  /** Values that were found in a form that has no place in the file's bytes, by their fingerprints. */
  readonly #values = new Map<string, Secret>();
  /** Values by what they are told once for. */
  readonly #told = new Set<string>();
  /** Values, and places, by line of the file. */
  readonly #places = new Set<string>();

  constructor(deps: OpeningDeps) {
    this.#deps = deps;
    this.path = deps.path;
    this.bytes = deps.bytes;
    this.images = deps.images;
    this.#lines = new LineIndex(deps.bytes);
  }

  text(view: View): void {
    const { bytes, placeOf } = view;
    const lines = placeOf ? this.#lines : new LineIndex(bytes);
    const starts = new Set<number>();
    for (const found of findDeep(bytes, 0, bytes.length, this.#deps.depth)) {
      this.#report({ ...found, mark: markBehind(bytes, found.end) }, view, lines);
      if (found.sure) starts.add(found.start);
    }
    if (!view.wraps) return;
    const joined = joinLines(bytes);
    for (const found of findDeep(joined.bytes, 0, joined.bytes.length, this.#deps.depth)) {
      const [start, end] = [joined.placeOf(found.start), joined.placeOf(found.end - 1) + 1];
      // A whole value that another text happens to follow is no longer one.
      if (found.sure && joined.spansLines(found.start, found.end) && !starts.has(start))
        this.#report({ ...found, start, end, mark: null }, view, lines);
    }
  }

  #report(found: MarkedFound, { where, placeOf, name, once }: View, lines: LineIndex): void {
    if (!found.sure && !this.#deps.possible) return;
    const [first, last] = placeOf ? [placeOf(found.start), placeOf(found.end - 1)] : [found.start, found.end];
    const lastLine = lines.placeOf(last).line;
    const place = { ...lines.placeOf(first), lastLine, ...(where === undefined ? {} : { where }) };
    const path = name === undefined ? this.path : `${this.path}!${name}`;
    const finding = findingOf(found, this.#deps.placeIn(path, place));
    if (placeOf) this.#rememberPlace(finding);
    else this.#values.set(finding.fingerprint, finding.value);
    if (once === undefined || this.#isFirst(`${once} ${finding.fingerprint}`)) this.#deps.report(finding);
  }

  fromPicture(found: Found, place: PlaceInside): void {
    const finding = findingOf(found, this.#deps.placeIn(this.path, place));
    this.#values.set(finding.fingerprint, finding.value);
    this.#deps.report({ ...finding, isFromPicture: true });
  }

  file(name: string, bytes: Buffer): Promise<void> {
    return this.#deps.open(name, bytes, (finding) => {
      this.#values.set(finding.fingerprint, finding.value);
      this.#deps.report(finding);
    });
  }

  problem(why: string): void {
    this.#deps.problem(why);
  }

  skip(kind: SkippedKind): void {
    this.#deps.skip(kind);
  }

  /** Whether a finding in the bytes as they are says more than what was found in the parts. */
  isNew({ fingerprint, line, column, value }: Finding): boolean {
    return !(
      this.#values.has(fingerprint) ||
      this.#places.has(`${line}:${column}`) ||
      this.#places.has(`${line} ${fingerprint}`) ||
      this.#isPieceOf(value)
    );
  }

  /** Bytes around a value, or the lack of some, make another one of it: the one that was taken out is the right one. */
  #isPieceOf(value: Secret): boolean {
    const text = value.revealText((own) => own);
    for (const other of [...this.#values.values()].slice(0, MOST_COMPARED))
      if (other.revealText((known) => text.includes(known) || known.includes(text))) return true;
    return false;
  }

  #isFirst(key: string): boolean {
    const first = !this.#told.has(key);
    this.#told.add(key);
    return first;
  }

  #rememberPlace({ fingerprint, line, column }: Finding): void {
    this.#places.add(`${line}:${column}`);
    this.#places.add(`${line} ${fingerprint}`);
  }
}
