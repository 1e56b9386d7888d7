/**
 * The second look, at objects one by one: what each really holds, as a file of a folder is searched, with line and column. Findings are kept until
 * somebody knows which path and which commit they are of.
 */
import { readFileSync, statSync } from 'node:fs';
import { describe } from '../../core/errors.ts';
import { type Depth, findDeep } from '../../detect/deep.ts';
import type { CleanBlobs } from '../clean-blobs.ts';
import { isContainer } from '../container-kinds.ts';
import { ContentScan, type Look } from '../content.ts';
import { type Finding, findingOf } from '../finding.ts';
import { formatOf } from '../formats/format.ts';
import { complaint, type GitOptions, streamGit } from '../git.ts';
import type { Progress } from '../progress.ts';
import { Collector, type Sink } from '../sink.ts';
import { TextScan } from '../text-scan.ts';
import { isLfsPointer } from '../lfs-pointer.ts';
import { ANY_JSON, formatByName, type Inspector } from './inspector.ts';
import { type ObjectHead, type ObjectSink, ObjectStream } from './object-stream.ts';

export interface DirtyObject {
  readonly id: string;
  readonly kind: string;
  /** Their paths begin with `placeholder` where the object's own is to stand. */
  readonly findings: readonly Finding[];
  readonly placeholder: string;
}

export interface CloserLookOptions {
  readonly depth: Depth;
  readonly images: Look['images'];
  readonly git: GitOptions;
  readonly sink: Sink;
  readonly clean: CleanBlobs;
  readonly progress: Progress;
  readonly stop: AbortSignal;
}

/** An object that is larger is searched piece by piece; an archive among these is not opened. */
const MOST_WHOLE_BYTES = 256 * 1024 * 1024;
const HEAD_BYTES = 262;
const SHORT_ID = 12;
const ASK_FSCK = 'git fsck says more; another clone may have it';
/** Git is started again behind so many objects that it cannot read. */
const MOST_STOPS = 100;

export class CloserLook implements ObjectSink {
  readonly dirty: DirtyObject[] = [];
  /** What each pointer of Git LFS stands for, by the pointer's id. */
  readonly lfs = new Map<string, string>();
  readonly #options: CloserLookOptions;
  readonly #inspector: Inspector;
  /** Blobs that were looked at. */
  readonly #seen = new Set<string>();
  #done = 0;
  #large: { readonly head: ObjectHead; readonly scan: TextScan; readonly findings: Finding[] } | null = null;
  #largeHead: Buffer = Buffer.alloc(0);

  constructor(options: CloserLookOptions, inspector: Inspector) {
    this.#options = options;
    this.#inspector = inspector;
  }

  /** How many objects git gave. */
  get done(): number {
    return this.#done;
  }

  /** Looks at all objects that there are. */
  async everything(): Promise<void> {
    const why = await this.#read(['--batch-all-objects', '--unordered']);
    if (why !== null) this.#options.sink.problem(`not all objects could be read: ${why} (${ASK_FSCK})`);
  }

  /** Looks at these objects. What git cannot give is told as a problem, and the others are looked at all the same. */
  async objects(ids: readonly string[]): Promise<void> {
    const { progress, sink } = this.#options;
    if (ids.length === 0) return;
    progress.begin(ids.length, 'suspects');
    const start = this.#done;
    let stops = 0;
    for (let at = 0; at < ids.length; stops += 1) {
      const why = await this.#read([], `${ids.slice(at).join('\n')}\n`);
      if (why === null) return;
      // Git gives them in their order, and stops at one that it cannot read.
      at = this.#done - start;
      const name = ids[at]?.slice(0, SHORT_ID) ?? '';
      if (stops === MOST_STOPS)
        sink.problem(
          `${ids.length - at} objects were not looked at, after ${stops} that are damaged (${ASK_FSCK})`,
        );
      else sink.problem(`object ${name} cannot be read: ${why} (${ASK_FSCK})`);
      if (stops === MOST_STOPS) return;
      this.#done += 1;
      at += 1;
      this.#large = null;
    }
  }

  /** Why it ended early; null when it did not, or because it was to. */
  async #read(options: readonly string[], ids?: string): Promise<string | null> {
    const { git, stop } = this.#options;
    const stream = new ObjectStream(this, MOST_WHOLE_BYTES);
    try {
      const { code, err } = await streamGit(
        ['cat-file', '--batch', '--buffer', ...options],
        git,
        async (chunk) => {
          if (stop.aborted) throw new Error('it was stopped');
          await stream.push(chunk);
        },
        ids,
      );
      if (code !== 0) return `git cat-file ended with ${code}, ${complaint(err)}`;
      stream.end();
      return null;
    } catch (error) {
      return stop.aborted ? null : describe(error);
    }
  }

  /** Blobs that have to be opened as their names say, and were not. */
  named(): string[] {
    return [...this.#inspector.names.keys()].filter(
      (id) => !this.#seen.has(id) && this.#formats(id).size > 0,
    );
  }

  /** What Git LFS keeps in the place of a blob. */
  async stored(id: string, path: string): Promise<void> {
    const size = statSync(path).size;
    if (size <= MOST_WHOLE_BYTES) {
      this.#options.sink.looked(1, size);
      if (await this.#search(id, 'blob', readFileSync(path), placeholderOf('blob', id)))
        this.#options.clean.add(Buffer.from(id, 'hex'));
      return;
    }
    this.begin({ id, kind: 'blob', size });
    for await (const piece of Bun.file(path).stream()) this.piece(piece);
    this.end();
  }

  async whole({ id, kind }: ObjectHead, content: Buffer): Promise<void> {
    this.#step();
    this.#options.sink.looked(0, content.length);
    const placeholder = placeholderOf(kind, id);
    if (kind === 'tree') this.#tree(id, content, placeholder);
    else if (kind === 'blob') await this.#blob(id, content, placeholder);
    else {
      if (kind === 'commit') this.#inspector.commit(content);
      await this.#search(id, kind, content, placeholder);
    }
  }

  begin(head: ObjectHead): void {
    const findings: Finding[] = [];
    const path = placeholderOf(head.kind, head.id);
    const scan = new TextScan((found, line, column) => {
      if (found.sure) findings.push(findingOf(found, { path, line, column }));
    }, this.#options.depth);
    scan.start(1);
    this.#large = { head, scan, findings };
    this.#largeHead = Buffer.alloc(0);
  }

  piece(bytes: Uint8Array): void {
    if (this.#largeHead.length < HEAD_BYTES) {
      this.#largeHead = Buffer.concat([this.#largeHead, bytes.subarray(0, HEAD_BYTES)]);
    }
    this.#options.sink.looked(0, bytes.length);
    this.#large?.scan.add(bytes);
  }

  end(): void {
    const large = this.#large;
    if (!large) return;
    this.#step();
    large.scan.end();
    const { id, kind } = large.head;
    const placeholder = placeholderOf(kind, id);
    const opened = isContainer(this.#largeHead) || this.#formats(id).size > 0;
    if (opened)
      this.#options.sink.problem(
        `${placeholder} was not opened: it is larger than ${MOST_WHOLE_BYTES} bytes`,
      );
    if (large.findings.length > 0) this.dirty.push({ id, kind, findings: large.findings, placeholder });
    this.#large = null;
  }

  missing(id: string): void {
    this.#step();
    this.#options.sink.problem(`object ${id.slice(0, SHORT_ID)} cannot be read (${ASK_FSCK})`);
  }

  #step(): void {
    this.#done += 1;
    this.#options.progress.at(this.#done);
  }

  async #blob(id: string, content: Buffer, placeholder: string): Promise<void> {
    this.#seen.add(id);
    const isPointer = isLfsPointer(content);
    if (isPointer) this.lfs.set(id, content.toString('latin1'));
    const asText = await this.#search(id, 'blob', content, placeholder);
    // A pointer is as clean as what it stands for.
    if (asText && !isPointer) this.#options.clean.add(Buffer.from(id, 'hex'));
    for (const [format, name] of this.#formats(id, content)) {
      const clean = await this.#search(id, 'blob', content, `${placeholder}/${name}`);
      if (clean) this.#options.clean.addAs(format, Buffer.from(id, 'hex'));
    }
  }

  /** Each way in which a name says that the blob is to be opened, beyond what its first bytes say, with one such name. */
  #formats(id: string, content?: Buffer): Map<string, string> {
    const byFormat = new Map<string, string>();
    const own = content ? formatOf('', content)?.name : undefined;
    const add = (name: string, format: string | undefined): void => {
      if (format === undefined || format === own) return;
      if (!this.#options.clean.hasAs(format, Buffer.from(id, 'hex'))) byFormat.set(format, name);
    };
    for (const name of this.#inspector.names.get(id) ?? []) add(name, formatByName(name)?.name);
    if (content && byFormat.size === 0) add(ANY_JSON, formatOf(ANY_JSON, content)?.name);
    return byFormat;
  }

  /** True when there is nothing, not even what only may be something. */
  async #search(id: string, kind: string, content: Buffer, placeholder: string): Promise<boolean> {
    const { sink, depth, images } = this.#options;
    const inside = new Collector();
    await new ContentScan(inside, { ...depth, images, possible: true }).scan({
      path: placeholder,
      bytes: content,
    });
    for (const problem of inside.problems) sink.problem(problem);
    for (const [skipped, count] of inside.skipped) sink.skip(skipped, count);
    const all = [...inside.findings, ...inside.allowed];
    const findings = all.filter((finding) => finding.sure || finding.isFromPicture);
    if (findings.length > 0) this.dirty.push({ id, kind, findings, placeholder });
    return all.length === 0 && inside.problems.length === 0 && inside.skipped.size === 0;
  }

  #tree(id: string, content: Buffer, placeholder: string): void {
    const names: string[] = [];
    this.#inspector.tree(content, null, (from, to) => names.push(content.toString('utf8', from, to)));
    // Nearly all folders hold nothing in any name, and are done with one search.
    if (findDeep(Buffer.from(names.join('\n\n')), 0, undefined, this.#options.depth).length === 0) return;
    const findings: Finding[] = [];
    for (const name of names) {
      for (const found of findDeep(Buffer.from(name), 0, undefined, this.#options.depth)) {
        if (found.sure)
          findings.push(findingOf(found, { path: `${placeholder}/${name}`, line: 0, column: 0 }));
      }
    }
    if (findings.length > 0) this.dirty.push({ id, kind: 'tree', findings, placeholder });
  }
}

function placeholderOf(kind: string, id: string): string {
  const short = id.slice(0, SHORT_ID);
  return kind === 'blob' ? `(dangling blob ${short})` : `(${kind} ${short})`;
}
