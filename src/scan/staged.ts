/**
 * The lines that the next commit would add: what `git diff --cached` shows as added, of text and binary files alike, whatever the
 * repository's settings and attributes say. Removed lines and context are never looked at. Of an archive that changed, in which lines mean nothing,
 * all files are.
 */
import { resolve } from 'node:path';
import { findDeep } from '../detect/deep.ts';
import { describe, SallyportError } from '../core/errors.ts';
import { hasContainerName, isContainer } from './container-kinds.ts';
import type { Look } from './content.ts';
import { type Finding, findingOf } from './finding.ts';
import { complaint, type GitOptions, readBlob, runGit, streamGit } from './git.ts';
import { formatOf, HEAD_BYTES } from './formats/format.ts';
import { isLfsPointer, storedPath } from './lfs-pointer.ts';
import { PatchReader } from './patch.ts';
import { noWorkTree } from './repository.ts';
import { Collector, type Sink } from './sink.ts';
import { TextScan } from './text-scan.ts';

const NEWLINE = 0x0a;
/** What changes in a pointer of Git LFS, with another content. */
const POINTER_LINE = Buffer.from('oid sha256:');
const MOST_CONTAINER_BYTES = 256 * 1024 * 1024;

const DIFF = [
  'diff',
  '--cached',
  '--patch',
  '--full-index',
  '--unified=0',
  '--inter-hunk-context=0',
  // An attribute or a NUL byte must not hide a file; neither may a program of the repository's settings show it.
  '--text',
  '--no-textconv',
  '--no-ext-diff',
  '--no-color',
  '--find-renames',
  '--submodule=short',
  '--ignore-submodules=none',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '-O/dev/null',
  '--',
] as const;

/** Throws `config.invalid` where there is no repository; whatever else goes wrong is told to the sink as a problem. */
export async function scanStaged(options: GitOptions, sink: Sink, depth: Look = {}): Promise<void> {
  const scan = new StagedScan(sink, depth);
  try {
    const { code, err } = await streamGit(DIFF, options, (chunk) => scan.reader.push(chunk));
    if (code === 0) {
      scan.reader.end();
      await scan.openFiles(options);
    } else {
      await checkRepository(options);
      sink.problem(`git diff ended with ${code}: ${complaint(err)}`);
    }
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'config.invalid') throw error;
    sink.problem(describe(error));
  }
  scan.tell();
}

class StagedScan {
  /** Kept until the archives were opened: what is in their lines gives way. */
  #findings: Finding[] = [];
  #path = '';
  #object = '';
  /** The first bytes of the block. */
  #begin: Buffer = Buffer.alloc(0);
  /** The first bytes of the file, as far as they were added. */
  #head: Buffer = Buffer.alloc(0);
  #atStart = false;
  #block: [first: number, last: number] = [0, 0];
  #atLineEnd = false;
  /** By path, the object of each file that is to be opened. */
  readonly #toOpen = new Map<string, string>();
  /** By path, the first and the last line of each block, where only new lines count of what is inside as well. */
  readonly #newLines = new Map<string, [first: number, last: number][]>();
  readonly #sink: Sink;
  readonly #depth: Look;
  readonly #text: TextScan;

  constructor(sink: Sink, depth: Look) {
    this.#sink = sink;
    this.#depth = depth;
    this.#text = new TextScan(
      (found, line, column) => this.#findings.push(findingOf(found, { path: this.#path, line, column })),
      depth,
    );
  }

  readonly reader = new PatchReader({
    file: () => {
      this.#sink.looked(1, 0);
      this.#path = '(unknown)';
      this.#object = '';
      this.#head = Buffer.alloc(0);
    },
    path: (path, isNew) => {
      if (isNew && path !== this.#path) this.#scanName(path);
      this.#path = path;
    },
    object: (id) => (this.#object = id),
    block: (line) => {
      this.#atStart = line === 1;
      this.#begin = Buffer.alloc(0);
      if (hasContainerName(this.#path)) this.#noteToOpen();
      this.#block = [line, line];
      this.#atLineEnd = false;
      this.#text.start(line);
    },
    added: (bytes) => {
      if (this.#atStart && this.#head.length < HEAD_BYTES)
        this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEAD_BYTES)]);
      if (this.#begin.length < POINTER_LINE.length)
        this.#begin = Buffer.concat([this.#begin, bytes.subarray(0, POINTER_LINE.length)]);
      this.#countLines(bytes);
      this.#sink.looked(0, bytes.length);
      this.#text.add(bytes);
    },
    endBlock: () => {
      this.#text.end();
      if (this.#atStart && isContainer(this.#head)) this.#noteToOpen();
      if (isLfsPointer(this.#head) || this.#begin.indexOf(POINTER_LINE) === 0) this.#noteToOpen();
      const format = formatOf(this.#path, this.#head);
      if (format) this.#noteToOpen();
      if (format?.byLine) this.#blocksOf(this.#path).push(this.#block);
    },
    notShown: (what) => this.#sink.problem(`git does not show the lines: ${what}`),
  });

  /** What was found in the lines of an archive gives way to what is found in its files. */
  async openFiles(options: GitOptions): Promise<void> {
    if (this.#toOpen.size === 0) return;
    const { ContentScan } = await import('./content.ts');
    for (const [path, object] of this.#toOpen) {
      try {
        const blob = await readBlob(object, MOST_CONTAINER_BYTES, options);
        const isPointer = isLfsPointer(blob);
        const bytes = isPointer ? await readStored(blob, options) : blob;
        // A name alone makes no archive: then its lines are what counts.
        if (!isPointer && !isContainer(bytes) && !formatOf(path, bytes)) continue;
        if (isPointer) this.#newLines.delete(path);
        this.#findings = this.#findings.filter((finding) => finding.path !== path || finding.line === 0);
        const inside = new Collector();
        await new ContentScan(inside, { ...this.#depth, possible: true }).scan({ path, bytes });
        for (const finding of [...inside.findings, ...inside.allowed])
          if (this.#isAdded(path, finding)) this.#findings.push(finding);
        for (const problem of inside.problems) this.#sink.problem(problem);
        for (const [kind, count] of inside.skipped) this.#sink.skip(kind, count);
      } catch (error) {
        this.#sink.problem(`${path} was not opened: ${describe(error)}`);
      }
    }
  }

  /** A place in a file of its own inside has no line of the patch. */
  #isAdded(path: string, finding: Finding): boolean {
    const blocks = this.#newLines.get(path);
    if (!blocks || finding.path !== path) return true;
    const { line, lastLine = line } = finding;
    return blocks.some(([first, last]) => line <= last && lastLine >= first);
  }

  #countLines(bytes: Uint8Array): void {
    const block = this.#block;
    // A line end belongs to its line: the next begins with what follows.
    if (this.#atLineEnd && bytes.length > 0) block[1] += 1;
    this.#atLineEnd = bytes.at(-1) === NEWLINE;
    for (
      let at = bytes.indexOf(NEWLINE);
      at >= 0 && at < bytes.length - 1;
      at = bytes.indexOf(NEWLINE, at + 1)
    )
      block[1] += 1;
  }

  #blocksOf(path: string): [number, number][] {
    const blocks = this.#newLines.get(path) ?? [];
    this.#newLines.set(path, blocks);
    return blocks;
  }

  tell(): void {
    for (const finding of this.#findings) this.#sink.finding(finding);
  }

  #noteToOpen(): void {
    this.#toOpen.set(this.#path, this.#object);
  }

  #scanName(path: string): void {
    const bytes = Buffer.from(path);
    for (const found of findDeep(bytes, 0, bytes.length, this.#depth)) {
      this.#findings.push(findingOf(found, { path, line: 0, column: 0 }));
    }
  }
}

/** The file that Git LFS keeps, of which git has the pointer. Throws when it is not here. */
async function readStored(pointer: Buffer, options: GitOptions): Promise<Buffer> {
  const { out } = await runGit(['rev-parse', '--git-common-dir'], options);
  const gitFolder = resolve(options.cwd, out.toString().replace(/\n$/, ''));
  const file = Bun.file(storedPath(pointer.toString('latin1'), gitFolder) ?? '');
  if (!(await file.exists())) throw new Error('it is kept by Git LFS and not here: git lfs pull');
  if (file.size > MOST_CONTAINER_BYTES) throw new Error(`it is larger than ${MOST_CONTAINER_BYTES} bytes`);
  return Buffer.from(await file.arrayBuffer());
}

async function checkRepository(options: GitOptions): Promise<void> {
  const { code, out } = await runGit(['rev-parse', '--is-inside-work-tree'], options);
  if (code !== 0 || out.toString().trim() !== 'true') throw noWorkTree();
}
