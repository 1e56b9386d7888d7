/**
 * Reads what `git diff` prints, in pieces of any size, and passes on the lines that were added. How many lines a hunk has is in its head,
 * so no line of a file can pass for a part of the format. Anything unexpected throws: a patch that was not understood was not scanned.
 */

export interface PatchSink {
  /** A file begins. Its path comes with `path`, before any of its lines, if it has a new version at all. */
  file(): void;
  /** `isNew`: the file had no such name before. */
  path(path: string, isNew: boolean): void;
  /** The object that holds the new version, before any line. */
  object(id: string): void;
  /** Added lines follow, the first of which has this number. */
  block(line: number): void;
  /** A piece of added text; it may end in the middle of a line. */
  added(bytes: Uint8Array): void;
  /** The lines of the block are complete. */
  endBlock(): void;
  /** A file, or its name as it stands, whose lines are not in the patch. */
  notShown(what: string): void;
}

const NEWLINE = 0x0a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
/** A longer line is passed on in pieces. */
const PIECE_BYTES = 256 * 1024;
const HUNK = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

export class PatchReader {
  readonly #sink: PatchSink;
  #carry: Buffer = Buffer.alloc(0);
  #oldLeft = 0;
  #newLeft = 0;
  #line = 0;
  #inBlock = false;
  #isNew = false;
  /** The kind of the line of which the beginning was passed on. */
  #cutLine: number | null = null;

  constructor(sink: PatchSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    const bytes =
      this.#carry.length > 0
        ? Buffer.concat([this.#carry, chunk])
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) break;
      this.#take(bytes.subarray(at, end + 1));
      at = end + 1;
    }
    if (this.#inHunk() && bytes.length - at > PIECE_BYTES) {
      this.#takePart(bytes.subarray(at));
      at = bytes.length;
    }
    // Copied: the chunk's memory belongs to the stream.
    this.#carry = Buffer.from(bytes.subarray(at));
  }

  /** Throws when the patch ends where it cannot. */
  end(): void {
    if (this.#carry.length > 0 || this.#inHunk()) throw new Error('the patch ends in the middle');
    this.#endBlock();
  }

  #inHunk(): boolean {
    return this.#oldLeft > 0 || this.#newLeft > 0;
  }

  /** One line with its end. */
  #take(line: Buffer): void {
    if (this.#cutLine !== null) {
      if (this.#cutLine === PLUS) this.#sink.added(line);
      this.#endLine(this.#cutLine);
      this.#cutLine = null;
    } else if (this.#inHunk()) {
      const kind = this.#beginLine(line);
      if (kind === PLUS) this.#sink.added(line.subarray(1));
      this.#endLine(kind);
    } else this.#head(line);
  }

  /** The beginning or the middle of a long line of a hunk. */
  #takePart(part: Buffer): void {
    const begins = this.#cutLine === null;
    this.#cutLine ??= this.#beginLine(part);
    if (this.#cutLine === PLUS) this.#sink.added(begins ? part.subarray(1) : part);
  }

  #beginLine(line: Buffer): number {
    const first = line[0] ?? NEWLINE;
    // Git can be told to print an empty line of context without its space.
    const kind = first === NEWLINE ? SPACE : first;
    if (kind !== PLUS && kind !== MINUS && kind !== SPACE && kind !== BACKSLASH) {
      throw new Error('the patch has a line that is none of a hunk');
    }
    if (kind === PLUS && !this.#inBlock) {
      this.#sink.block(this.#line);
      this.#inBlock = true;
    }
    if (kind === SPACE) this.#endBlock();
    return kind;
  }

  #endLine(kind: number): void {
    if (kind === PLUS || kind === SPACE) {
      this.#newLeft -= 1;
      this.#line += 1;
    }
    if (kind === MINUS || kind === SPACE) this.#oldLeft -= 1;
    if (this.#oldLeft < 0 || this.#newLeft < 0) throw new Error('the patch has a hunk of another length');
    if (!this.#inHunk()) this.#endBlock();
  }

  #endBlock(): void {
    if (this.#inBlock) this.#sink.endBlock();
    this.#inBlock = false;
  }

  #head(line: Buffer): void {
    if (line[0] === BACKSLASH) return;
    const text = line.toString('utf8').slice(0, -1);
    const hunk = HUNK.exec(text);
    if (hunk) {
      this.#oldLeft = Number(hunk[1] ?? 1);
      this.#newLeft = Number(hunk[3] ?? 1);
      this.#line = Number(hunk[2]);
    } else if (text.startsWith('diff --git ')) {
      this.#isNew = false;
      this.#sink.file();
    } else if (text.startsWith('new file mode ')) this.#isNew = true;
    else if (text.startsWith('index '))
      this.#sink.object(/^index [0-9a-f]+\.\.([0-9a-f]+)/.exec(text)?.[1] ?? '');
    else if (/^(?:rename|copy) to /.test(text)) this.#sink.path(unquote(text.replace(/^\w+ to /, '')), true);
    else if (text.startsWith('+++ ') && text !== '+++ /dev/null') {
      this.#sink.path(unquote(text.slice(4)).replace(/^b\//, ''), this.#isNew);
    } else if (/^(?:Binary files |GIT binary patch|\* Unmerged path )/.test(text)) this.#sink.notShown(text);
  }
}

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  '\\': 92,
};

/** A path as git prints it: in quotes with escapes when it holds control characters, with a tab behind it when it holds a space. */
function unquote(text: string): string {
  const name = text.replace(/\t$/, '');
  if (!name.startsWith('"') || !name.endsWith('"')) return name;
  const bytes: number[] = [];
  for (const [, octal, letter, plain] of name.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (letter !== undefined) bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0));
    else bytes.push(...Buffer.from(plain ?? ''));
  }
  return Buffer.from(bytes).toString('utf8');
}
